/**
 * Coracle's own programs by a real Buildroot tree, and without one: what is prepared for it is all that cargo needs where
 * there is no network and no cache.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { showInfo } from '../../cli/engines/buildroot/build/show-info.ts';
import { buildPlaces } from '../../cli/engines/buildroot/build-places.ts';
import { prepareDeviceSource } from '../../cli/engines/buildroot/device-source/prepare-device-source.ts';
import { planLayerFiles } from '../../cli/engines/buildroot/layer-files/plan-layer-files.ts';
import { treeSource } from '../../cli/engines/buildroot/tree/tree-source.ts';
import type { BuildEnvironment } from '../../cli/engines/environment.ts';
import { Failure } from '../../cli/failure.ts';
import { JobBudget } from '../../cli/host/job-budget.ts';
import { thisHost } from '../../cli/host/this-host.ts';
import { ContentReader, contentSize } from '../../cli/rootfs/content.ts';
import { readElf } from '../../cli/rootfs/elf.ts';
import { FileHashes } from '../../cli/stages/file-hashes.ts';
import {
  BUILDROOT,
  type BuildrootProject,
  buildrootProject,
  describeWithBuildroot,
  TINY,
} from '../support/buildroot.ts';
import type { Tree } from '../support/files.ts';
import { glibcToolchain, lacksGlibcToolchain } from '../support/glibc-toolchain.ts';
import { CACHE } from '../support/small-project.ts';

const MINUTES = 60_000;
const INSTALLATION = realpathSync(join(import.meta.dirname, '../..'));
const DEVICE_TREE = join(INSTALLATION, 'device/buildroot');

/** The machine's toolchain has no Rust: Buildroot has none for C with musl. */
const OWN_TOOLCHAIN = ['    buildroot: {toolchain: own, hostTools: machine}'];

function deviceLayer(toolchain: readonly string[]): Tree {
  return {
    ...TINY,
    'layers/my/device/layer.yaml': "description: Coracle's own programs\nprograms: [coracle-oci]\n",
    'layers/my/device/buildroot/device': [...toolchain, 'BR2_PACKAGE_CORACLE_INIT=y', ''].join('\n'),
  };
}

function deviceProject(toolchain: readonly string[]): BuildrootProject {
  return buildrootProject(['test/tiny', 'my/device'], deviceLayer(toolchain), OWN_TOOLCHAIN);
}

function environmentOf(directory: string, more: Partial<BuildEnvironment> = {}): BuildEnvironment {
  const hashes = new FileHashes();
  const cache = CACHE.CORACLE_CACHE;
  return { installation: INSTALLATION, project: directory, cache, offline: false, hashes, ...more };
}

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-device-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What a machine or its network lacks is no failure of what is tested. */
async function skipWithout<T>(context: TestContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const lacking = ['host-packages-missing', 'crates-unreachable'];
    if (!(error instanceof Failure) || !lacking.includes(error.parts.code)) throw error;
    console.warn(`not tried: ${error.message}`);
    return context.skip(error.message);
  }
}

test('the prepared sources are all that cargo needs', { timeout: 5 * MINUTES }, async (context) => {
  const directory = scratch();
  const project = buildrootProject(['test/tiny', 'my/device'], deviceLayer([]), OWN_TOOLCHAIN);
  const environment = environmentOf(directory, { cache: join(directory, 'cache') });
  const source = treeSource(await project.resolve(), environment).device();
  if (source === undefined) throw new Error('nobody asks for a program');
  await skipWithout(context, () => prepareDeviceSource(source, { environment }));
  mkdirSync(join(directory, 'cargo-home'));
  execFileSync(
    'unshare',
    [
      ...(thisHost().isRoot ? ['--net'] : ['--net', '--map-root-user']),
      ...['cargo', 'build', '--offline', '--locked', '--target-dir', join(directory, 'target')],
    ],
    {
      cwd: join(source.directory, 'coracle-init'),
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        RUSTUP_HOME: process.env['RUSTUP_HOME'],
        CARGO_HOME: join(directory, 'cargo-home'),
      },
      stdio: 'pipe',
    },
  );
  expect(readdirSync(join(directory, 'target/debug'))).toContain('coracle-init');
});

describeWithBuildroot("Coracle's own programs", () => {
  test('are asked for and known', { timeout: 3 * MINUTES }, async () => {
    const project = deviceProject(['BR2_TOOLCHAIN_BUILDROOT_GLIBC=y']);
    await project.build({ upTo: 'buildroot-config' });
    const dotConfig = await project.finalConfig();
    expect(dotConfig).toContain('\nBR2_PACKAGE_CORACLE_INIT=y\n');
    expect(dotConfig).toContain('\nBR2_PACKAGE_CORACLE_OCI=y\n');
    expect(dotConfig).toContain('\nBR2_PACKAGE_HOST_RUSTC=y\n');

    const config = await project.resolve();
    const environment = environmentOf(project.directory);
    const source = treeSource(config, environment);
    const externals = source.externals();
    expect(externals.map(({ directory }) => directory)).toEqual([DEVICE_TREE, expect.stringContaining('fixtures')]);
    const places = buildPlaces(scratch());
    const make = {
      ...{ tree: source.tree(), externals, places, environment, jobs: new JobBudget(1) },
      log: join(project.directory, 'show-info.log'),
      signal: new AbortController().signal,
    };
    const plan = await planLayerFiles({ config, environment, places, mergedUsr: true });
    const infos = await showInfo(make, dotConfig, { parts: await source.parts(), plan });
    expect(infos.get('coracle-init')).toMatchObject({
      type: 'target',
      install_target: true,
      package_dir: join(DEVICE_TREE, 'package/coracle-init'),
      dependencies: expect.arrayContaining(['host-rustc', 'skeleton', 'toolchain']),
    });
  });

  test('are out of the way of who does not ask', { timeout: MINUTES }, async () => {
    const project = buildrootProject(['test/tiny'], TINY);
    const source = treeSource(await project.resolve(), environmentOf(project.directory));
    expect(source.externals().map(({ name }) => name)).toEqual(['CORACLE_TEST']);
    expect([...(await source.parts()).keys()].filter((name) => name.startsWith('CORACLE/'))).toEqual([]);
  });

  test('are compiled, static, for the device', { timeout: 10 * MINUTES }, async (context) => {
    const lacking = lacksGlibcToolchain();
    if (lacking !== undefined) {
      process.stderr.write(`skipped: a whole build of Coracle's own programs: ${lacking}\n`);
      return context.skip(lacking);
    }
    const toolchain = join(scratch(), 'toolchain');
    const project = deviceProject(await glibcToolchain(toolchain, BUILDROOT ?? ''));
    await skipWithout(context, () => project.build());
    const root = await project.root();
    using reader = new ContentReader();
    for (const path of ['/usr/lib/coracle/coracle-init', '/usr/bin/coracle-oci']) {
      const program = root.file(path);
      if (program === undefined) throw new Error(`${path} is not in the root`);
      expect(program.mode & 0o7777).toBe(0o755);
      const bytes = reader.read(program.content, 0, contentSize(program.content));
      const elf = readElf((offset, length) => bytes.subarray(offset, offset + length));
      expect(elf).toMatchObject({ machine: 'x86_64-64', interpreter: undefined, needed: [] });
      expect(bytes.includes(project.directory), 'a path of this build').toBe(false);
    }
    const log = await readFile(join(project.directory, 'workspaces/w/logs/buildroot.log'), 'utf8');
    expect(log).toContain('cargo build --offline --locked --profile device --package coracle-init');

    // As if device/ were another since.
    const { state } = buildPlaces(join(project.directory, 'workspaces/w'));
    const before = JSON.parse(await readFile(state, 'utf8')) as { parts: Record<string, string> };
    const part = 'CORACLE/package/coracle-init';
    await writeFile(state, JSON.stringify({ ...before, parts: { ...before.parts, [part]: 'other' } }));
    project.write({ 'layers/my/device/users/more': 'web 900 web 901 * - - - Web\n' });
    expect(await project.forecast()).toContain(`coracle-init is built from scratch: its files in ${part} changed`);
  });
});
