/** For tests: a small image, built by the real stages from an engine that makes a few files. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootFile, EnginePlan, InitramfsModule, KernelFacts, PackageRecord } from '../engines/engine.ts';
import type { EngineTools } from '../engines/engine-tools.ts';
import { JobBudget } from '../host/job-budget.ts';
import type { Layer } from '../layers/layer.ts';
import { RootTree } from '../rootfs/tree.ts';
import { writeTreeIndex } from '../rootfs/tree-index.ts';
import { FileHashes } from '../stages/file-hashes.ts';
import { runStages } from '../stages/run-stages.ts';
import type { Stage } from '../stages/stage.ts';
import type { Event } from '../ui/events.ts';
import type { ResolvedConfig, WorkspaceSettings } from '../workspace/resolved.ts';
import { type ImagePlan, planImage } from './plan.ts';

const INSTALLATION = join(import.meta.dirname, '../..');

export interface FixtureOptions {
  /** Workspace directory; made. */
  readonly workspace: string;
  readonly tree?: RootTree;
  readonly settings?: Partial<WorkspaceSettings>;
  readonly layers?: readonly Layer[];
  readonly project?: string;
}

export interface BuiltFixture {
  readonly slot: string;
  readonly manifest: string;
  readonly disk: string;
  readonly squashfs: string;
  readonly initramfs: string;
  readonly events: readonly Event[];
}

export async function buildFixture(options: FixtureOptions): Promise<BuiltFixture> {
  await mkdir(options.workspace, { recursive: true });
  const events: Event[] = [];
  const directories = await runStages(fixturePlan(options).stages, {
    workspace: options.workspace,
    name: 'fixture',
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    jobs: new JobBudget(4),
  });
  const at = (stage: string, path: string): string => join(directories.get(stage) ?? '', path);
  return {
    slot: at('slot', ''),
    manifest: at('slot', 'manifest.json'),
    disk: at('disk', 'disk.img'),
    squashfs: at('squashfs', 'root.squashfs'),
    initramfs: at('initramfs', 'initramfs'),
    events,
  };
}

export function fixturePlan(options: FixtureOptions): ImagePlan {
  const environment = {
    installation: INSTALLATION,
    project: options.project ?? options.workspace,
    cache: join(options.workspace, 'cache'),
    offline: true,
    hashes: new FileHashes(),
  };
  const engine = fixtureEngine(options.tree ?? fixtureTree());
  return planImage(fixtureConfig(options), environment, engine, fixturePrograms());
}

/** One of each kind that an image may hold, a name with spaces and letters of all sorts, a file larger than a block. */
export function fixtureTree(): RootTree {
  const tree = new RootTree();
  const by = (origin: string) => ({ origin });
  tree.addFile('/sbin/init', '#!/bin/sh\n', { ...by('package init'), mode: 0o755 });
  tree.addFile('/etc/ünï cödé "quoted"', 'x', by('layer test/one'));
  tree.addFile('/usr/lib/large', Buffer.alloc(700_000, 'coracle '), by('package large'));
  tree.addFile('/usr/bin/owned', 'set-user', { ...by('package large'), mode: 0o4755, uid: 1000, gid: 65534 });
  tree.addFile('/empty', '', by('layer test/one'));
  tree.addLink('/bin/sh', '../usr/bin/sh', by('package init'));
  tree.put({
    ...ROOT_OWNED,
    ...by('package large'),
    path: '/usr/lib/same',
    type: 'hardlink',
    target: '/usr/lib/large',
  });
  tree.put({ ...ROOT_OWNED, ...by('x'), path: '/dev/console', type: 'device', device: 'char', major: 5, minor: 1 });
  tree.addDirectory('/var/empty', { ...by('package init'), mode: 0o700 });
  return tree;
}

const ROOT_OWNED = { mode: 0o600, uid: 0, gid: 0 } as const;

function fixtureEngine(tree: RootTree): EnginePlan {
  const stage: Stage = {
    name: 'engine',
    title: 'make the parts',
    needs: [],
    inputs: async () => [],
    run: async ({ output }) => {
      const write = (name: string, data: unknown): Promise<void> => writeFile(join(output, name), JSON.stringify(data));
      await writeTreeIndex(tree, join(output, 'root'));
      await writeFile(join(output, 'vmlinuz'), Buffer.alloc(300_000, 'kernel'));
      await write('facts', { release: '6.1.0-test', version: '6.1.0' } satisfies KernelFacts);
      const modules = ['loop', 'dm-verity', 'overlay'].map((name) => ({ name, file: `${name}.ko` }));
      for (const { name, file } of modules) await writeFile(join(output, file), `module ${name}`.repeat(100));
      await write('modules', modules satisfies InitramfsModule[]);
      await writeFile(join(output, 'loader.efi'), 'MZ');
      await write('boot', [{ path: 'EFI/BOOT/BOOTX64.EFI', file: 'loader.efi' }] satisfies BootFile[]);
      const record = { name: 'large', version: '1.0-1', architecture: 'amd64', sha256: '00', askedBy: ['test/one'] };
      await write('packages', [record] satisfies PackageRecord[]);
      return { digest: 'the same for every fixture' };
    },
  };
  const file = (path: string) => ({ stage, path });
  return {
    stages: [stage],
    tools: noTools(stage),
    output: {
      kernel: file('vmlinuz'),
      kernelFacts: file('facts'),
      root: file('root'),
      initramfsModules: file('modules'),
      bootFiles: file('boot'),
      packages: file('packages'),
    },
  };
}

function noTools(stage: Stage): EngineTools {
  const nothing = async (): Promise<never> => {
    throw new Error('the fixture has no tools');
  };
  const tool = { needs: [stage], run: nothing };
  return { configure: tool, fetch: tool, packages: tool, legalInfo: tool };
}

function fixturePrograms(): Stage {
  return {
    name: 'device-programs',
    title: 'compile',
    needs: [],
    inputs: async () => [],
    run: async ({ output }) => {
      await writeFile(join(output, 'coracle-init'), Buffer.alloc(50_000, 'init'));
      return { digest: 'init' };
    },
  };
}

export function fixtureConfig(options: FixtureOptions): ResolvedConfig {
  return {
    workspace: 'fixture',
    engine: 'debian',
    arch: 'x86_64',
    layers: (options.layers ?? []).map((layer) => ({ layer, reason: { kind: 'asked' } })),
    symbols: { buildroot: new Map(), kernel: new Map(), uboot: new Map(), busybox: new Map() },
    values: {},
    settings: {
      version: '1.2.3',
      kernel: 'package',
      scripts: 'model',
      bootPartitionMiB: 64,
      persistMiB: 32,
      debian: {},
      buildroot: { tree: '/nowhere', treeFrom: 'a test', toolchain: 'own', hostTools: 'buildroot' },
      ...options.settings,
    },
  };
}

export function fixtureLayer(name: string, directory: string, more: Partial<Layer> = {}): Layer {
  return {
    name,
    root: { kind: 'path', directory, label: directory },
    directory,
    form: 'coracle',
    description: name,
    depends: [],
    conflicts: [],
    provides: [],
    unlisted: false,
    arch: [],
    commands: [],
    accept: [],
    slots: [],
    debian: {
      kernel: {},
      modules: [],
      initramfsModules: [],
      earlyModules: [],
      exclude: [],
      assume: [],
      effects: [],
      bootFiles: [],
    },
    contents: {
      fragments: { buildroot: [], kernel: [], uboot: [], busybox: [] },
      patches: { kernel: [], uboot: [], buildroot: [] },
      cflags: [],
      users: [],
      debianPackages: [],
      hooks: {},
    },
    ...more,
  };
}
