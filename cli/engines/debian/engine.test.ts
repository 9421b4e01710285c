/** The whole engine over layers on disk and packages made here: what is redone when something changes, and what is refused. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { script, TinyArchive, type TinyPackage } from '../../../test/support/tiny-packages.ts';
import type { Failure } from '../../failure.ts';
import { JobBudget } from '../../host/job-budget.ts';
import { readTreeIndex } from '../../rootfs/tree-index.ts';
import { FileHashes } from '../../stages/file-hashes.ts';
import { runStages } from '../../stages/run-stages.ts';
import type { Stage } from '../../stages/stage.ts';
import type { Event } from '../../ui/events.ts';
import { updateLockFile } from '../../workspace/lock-file.ts';
import { loadProject } from '../../workspace/project.ts';
import { resolveWorkspace } from '../../workspace/resolve-workspace.ts';
import type { PackageRecord } from '../engine.ts';
import { debianEngine } from './engine.ts';
import { workspaceRequest } from './package-request.ts';

const RELEASE = '6.1.0-1-fake';
const KERNEL: TinyPackage = {
  name: `linux-image-${RELEASE}`,
  files: {
    [`boot/vmlinuz-${RELEASE}`]: 'a kernel',
    [`boot/config-${RELEASE}`]: 'CONFIG_EXT4_FS=y\n',
    [`lib/modules/${RELEASE}/modules.order`]: '',
    [`lib/modules/${RELEASE}/modules.builtin`]: '',
    [`lib/modules/${RELEASE}/modules.builtin.modinfo`]: '',
  },
};
const LOADER: TinyPackage = { name: 'loader', files: { 'usr/lib/loader.efi': 'boots' } };

let archive: TinyArchive;
let project: string;
let events: Event[];

let compiler = 'one';

beforeEach(async () => {
  archive = await TinyArchive.make();
  project = join(archive.directory, 'project with spaces');
  events = [];
  write('keyring.gpg', '');
  write(
    'coracle.yaml',
    [
      'layers: [{path: ./layers}]',
      'workspaces:',
      `  tiny: {layers: [my/base, my/app], arch: x86_64, debian: {mirror: ${JSON.stringify(encodeURI(`file:${archive.mirror}`))}, keyring: ./keyring.gpg}}`,
    ].join('\n'),
  );
  write(
    'layers/my/base/layer.yaml',
    [
      'description: A base',
      'provides: [base]',
      'engines:',
      '  debian:',
      `    kernel: ${KERNEL.name}`,
      '    bootFiles: [{package: loader, from: /usr/lib/loader.efi, to: EFI/BOOT/BOOTX64.EFI}]',
    ].join('\n'),
  );
  write('layers/my/base/debian/base', 'tiny-base\n');
  write('layers/my/app/layer.yaml', 'description: An app\n');
  write('layers/my/app/debian/app', '# The app\ntiny-app\n');
  write('layers/my/app/root_overlay/etc/app.conf', 'one\n');
});
afterEach(async () => archive[Symbol.asyncDispose]());

function write(path: string, text: string): void {
  const file = join(project, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

async function plan() {
  const config = await resolveWorkspace(await loadProject(project, {}, project), 'tiny');
  const environment = {
    installation: process.cwd(),
    project,
    cache: archive.cache,
    offline: false,
    hashes: new FileHashes(),
  };
  return { config, engine: debianEngine.plan(config, environment, '', compiled) };
}

/** Stands in for the compiler: a program is what `compiler` says. */
function compiled(name: string): Stage {
  return {
    name,
    title: `compile ${name}`,
    needs: [],
    inputs: async () => [{ name: 'the compiler', hash: compiler }],
    run: async ({ output: directory }) => {
      writeFileSync(join(directory, name), compiler);
      return {};
    },
  };
}

/** Puts packages into the lock, as if apt had found them. */
async function lock(...packages: readonly TinyPackage[]): Promise<void> {
  const { config } = await plan();
  const locked = await archive.add(...packages);
  const beside = await archive.add(KERNEL, LOADER);
  const all = [...locked, ...beside.map((one) => ({ ...one, beside: true as const }))];
  const request = workspaceRequest(config).hash;
  await updateLockFile(project, (before) => ({
    ...before,
    debian: { tiny: { request, arch: config.arch, packages: all } },
  }));
}

/** Stages that ran. */
async function build(): Promise<string[]> {
  events = [];
  const { engine } = await plan();
  await runStages(engine.stages, {
    workspace: join(project, 'workspaces/tiny'),
    name: 'tiny',
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    jobs: new JobBudget(2),
  });
  return events
    .flatMap((event) => (event.kind === 'step-ended' && event.outcome === 'done' ? [event.step.slice(5)] : []))
    .sort();
}

function output(path: string): string {
  return join(project, 'workspaces/tiny/stages', path);
}

const ASKS = 'programs: [coracle-oci]\n';

const BASE: TinyPackage = {
  name: 'tiny-base',
  files: { 'etc/base.conf': 'base\n', 'sbin/init': '#!/bin/sh\n' },
};
const APP: TinyPackage = {
  name: 'tiny-app',
  control: ['Depends: tiny-base'],
  files: { 'usr/bin/app': '#!/bin/sh\n', 'etc/app.conf': 'from the package\n' },
  postinst: script('adduser --system --group app\ninstall -d -o app /var/lib/app'),
};

describe('the debian engine', () => {
  it('makes kernel, root, boot files and a list of packages', async () => {
    await lock(BASE, APP);
    expect(await build()).toEqual(['boot-files', 'kernel', 'kernel-symbols', 'packages', 'root']);
    const { engine } = await plan();
    const at = ({ stage, path }: { stage: { name: string }; path: string }): string => output(join(stage.name, path));
    const root = await readTreeIndex(at(engine.output.root));
    expect((await root.read('/etc/app.conf')).toString()).toBe('one\n');
    expect((await root.read('/etc/base.conf')).toString()).toBe('base\n');
    expect(root.get('/var/lib/app')?.uid).toBeGreaterThan(99);
    expect(readFileSync(at(engine.output.kernel), 'utf8')).toBe('a kernel');
    expect(JSON.parse(readFileSync(at(engine.output.kernelFacts), 'utf8'))).toMatchObject({ release: RELEASE });
    const [loader] = JSON.parse(readFileSync(at(engine.output.bootFiles), 'utf8')) as [{ path: string; file: string }];
    expect(loader.path).toBe('EFI/BOOT/BOOTX64.EFI');
    expect(readFileSync(resolve(dirname(at(engine.output.bootFiles)), loader.file), 'utf8')).toBe('boots');
    const records = JSON.parse(readFileSync(at(engine.output.packages), 'utf8')) as PackageRecord[];
    expect(records.find((one) => one.name === 'tiny-app')).toMatchObject({ version: '1.0-1', askedBy: ['my/app'] });
  });

  it('does again only what a change concerns', async () => {
    await lock(BASE, APP);
    await build();
    expect(await build()).toEqual([]);
    write('layers/my/app/root_overlay/etc/app.conf', 'two\n');
    expect(await build()).toEqual(['root']);
    write('layers/my/app/users/table', 'someone 2000 somegroup 2000 * /home/someone - - -\n');
    expect(await build()).toEqual(['root']);
    expect((await (await readTreeIndex(output('root/root.index'))).read('/etc/passwd')).toString()).toContain(
      'someone:x:2000',
    );
    await lock(BASE, { ...APP, version: '1.0-2' });
    expect(await build()).toEqual(['boot-files', 'kernel', 'kernel-symbols', 'packages', 'root']);
  });

  it("has Coracle's own programs that layers ask for, each once, unless a layer has a file there", async () => {
    const program = async () => {
      const root = await readTreeIndex(output('root/root.index'));
      const { origin, mode } = root.get('/usr/bin/coracle-oci') ?? {};
      return { origin, mode, text: (await root.read('/usr/bin/coracle-oci')).toString() };
    };
    const base = readFileSync(join(project, 'layers/my/base/layer.yaml'), 'utf8');
    write('layers/my/base/layer.yaml', `${base}\n${ASKS}`);
    write('layers/my/app/layer.yaml', `description: An app\n${ASKS}`);
    await lock(BASE, APP);
    await build();
    expect(await program()).toEqual({ origin: 'Coracle', mode: 0o755, text: 'one' });
    const records = JSON.parse(readFileSync(output('root/packages.json'), 'utf8')) as PackageRecord[];
    const found = records.filter(({ name }) => name === 'coracle-oci');
    expect(found).toMatchObject([
      { version: expect.stringMatching(/^\d+\.\d+\.\d+$/), askedBy: ['my/base', 'my/app'] },
    ]);
    compiler = 'two';
    expect(await build()).toEqual(['coracle-oci', 'root']);
    expect(await program()).toMatchObject({ text: 'two' });
    write('layers/my/app/root_overlay/usr/bin/coracle-oci', 'own');
    expect(await build()).toEqual(['root']);
    expect(await program()).toMatchObject({ origin: 'layer my/app', text: 'own' });
  });

  it('notices that somebody tidied the cache', async () => {
    await lock(BASE, APP);
    await build();
    rmSync(join(archive.cache, 'unpacked'), { recursive: true });
    // Downloads are still there, and the result is the same: nothing else is done again.
    expect(await build()).toEqual(['packages']);
  });

  it('gives the same root in another directory', async () => {
    await lock(BASE, APP);
    await build();
    const first = readFileSync(output('root/.stage.json'), 'utf8');
    rmSync(join(project, 'workspaces'), { recursive: true });
    await build();
    const digest = (text: string): unknown => (JSON.parse(text) as { digest: unknown }).digest;
    expect(digest(readFileSync(output('root/.stage.json'), 'utf8'))).toBe(digest(first));
  });

  it('says of a script that it cannot follow where it is, who wants the package, and what to do', async () => {
    await lock(
      BASE,
      { name: 'tiny-app', control: ['Depends: tiny-setup'] },
      { name: 'tiny-setup', postinst: script('foo-setup "$(date)"') },
    );
    const { parts } = await refused();
    expect(parts).toMatchObject({ code: 'unmodelled-script', layer: 'my/app', place: { line: 2 } });
    expect(parts.message).toBe(
      'postinst of the package tiny-setup 1.0-1 runs, in line 3, "foo-setup \\"$(date)\\"", which is not modelled',
    );
    expect(parts.cause).toBe('foo-setup …: there is no model of foo-setup\nasked for by my/app: tiny-app → tiny-setup');
    expect(parts.hint).toContain('- accounts: {package: tiny-setup, command: "foo-setup *", because: "…"}');
    expect(parts.hint).toContain('scripts: run');
    write(
      'layers/my/app/layer.yaml',
      'description: An app\nengines: {debian: {effects: [{accounts: {package: tiny-setup, command: "foo-setup *", because: "a test"}}]}}\n',
    );
    expect(await build()).toEqual(['root']);
  });

  it('names layers that say nothing to it', async () => {
    write('layers/my/app/debian/app', '# nothing\n');
    rmSync(join(project, 'layers/my/app/debian'), { recursive: true });
    write('layers/my/app/buildroot/app', 'BR2_PACKAGE_HTOP=y\nBR2_PACKAGE_NANO=y\n# BR2_PACKAGE_VIM is not set\n');
    await lock(BASE);
    await build();
    const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
    expect(warnings).toEqual([
      'my/app says nothing to the debian engine; left out: BR2_PACKAGE_HTOP, BR2_PACKAGE_NANO',
    ]);
  });

  it('says that a boot file is not in its package', async () => {
    const yaml = readFileSync(join(project, 'layers/my/base/layer.yaml'), 'utf8');
    write('layers/my/base/layer.yaml', yaml.replace('/usr/lib/loader.efi', '/usr/lib/other.efi'));
    await lock(BASE, APP);
    expect((await refused()).parts).toMatchObject({ code: 'no-boot-file', layer: 'my/base' });
  });

  it('offline, needs a lock', async () => {
    const { config } = await plan();
    const environment = {
      installation: process.cwd(),
      project,
      cache: archive.cache,
      offline: true,
      hashes: new FileHashes(),
    };
    const { lockedPackages } = await import('./locked-packages.ts');
    await expect(lockedPackages({ config, environment })).rejects.toMatchObject({ parts: { code: 'offline' } });
  });
});

async function refused(): Promise<Failure> {
  return build().then(
    () => expect.unreachable(),
    (error: unknown) => error as Failure,
  );
}
