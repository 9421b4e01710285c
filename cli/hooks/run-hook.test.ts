import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresOf, type Tree, temporaryDirectory, treeOf, writeTree } from '../../test/support/files.ts';
import { isRunning } from '../../test/support/processes.ts';
import type { FailureParts } from '../failure.ts';
import type { Layer } from '../layers/layer.ts';
import { readLayer } from '../layers/read-layer.ts';
import { RootTree } from '../rootfs/tree.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { type HookContext, hookTimeoutMs } from './hook-environment.ts';
import { HOOK_MOMENTS, type HookName, hookNames, hooksAt } from './hook-moments.ts';
import { runRootHooks } from './root-hooks.ts';
import { runHook, runHooks } from './run-hook.ts';

const YAML = { 'layer.yaml': 'description: x\n' };
const sh = (text: string): { readonly program: string } => ({ program: `#!/bin/sh\nset -e\n${text}\n` });

function layerOf(files: Tree, name = 'my/app'): Layer {
  const directory = treeOf(files);
  const layer = readLayer(name, { kind: 'path', directory, label: 'here' }, directory);
  if (layer === undefined) throw new Error('not a layer');
  return layer;
}

function configOf(...layers: Layer[]): ResolvedConfig {
  const none = new Map();
  return {
    workspace: 'a workspace',
    engine: 'debian',
    arch: 'arm64',
    layers: layers.map((layer) => ({ layer, reason: { kind: 'asked' } })),
    symbols: { buildroot: none, kernel: none, uboot: none, busybox: none },
    values: {},
    settings: {
      version: '1.2',
      kernel: 'package',
      scripts: 'model',
      bootPartitionMiB: 1,
      persistMiB: 1,
      debian: {},
      buildroot: { tree: '/nowhere', treeFrom: 'a test', toolchain: 'own', hostTools: 'buildroot' },
    },
  };
}

function contextOf(layers: readonly Layer[], more: Partial<HookContext> = {}): HookContext {
  const base = temporaryDirectory();
  const directory = join(base, 'the directory');
  mkdirSync(directory);
  return {
    config: configOf(...layers),
    directory,
    workspaceDirectory: join(base, 'ws'),
    log: join(base, 'log'),
    sourceDateEpoch: 315532800,
    retry: 'coracle build x',
    ...more,
  };
}

async function mistake(files: Tree, more: Partial<HookContext> = {}): Promise<FailureParts> {
  const layer = layerOf({ ...YAML, ...files });
  const context = contextOf([layer], more);
  const [failure] = await failuresOf(() => runHook(layer, 'pre', context));
  expect(failure).toMatchObject({ layer: 'my/app', place: { file: join(layer.directory, 'hooks/pre') } });
  return failure as FailureParts;
}

describe('a hook', () => {
  test('runs in its directory, which is its argument and a variable too', async () => {
    for (const moment of hookNames) {
      const layer = layerOf({ ...YAML, [`hooks/${moment}`]: sh('printf "%s\\n" "$PWD" "$#" "$1" > out; env >> out') });
      // The one engine that has every moment.
      const context = contextOf([layer], { config: { ...configOf(layer), engine: 'buildroot' } });
      expect(await runHook(layer, moment, context)).toBe(true);
      const [cwd, count, argument, ...env] = readFileSync(join(context.directory, 'out'), 'utf8').split('\n');
      expect([cwd, count, argument]).toEqual([context.directory, '1', context.directory]);
      expect(env).toContain(`${HOOK_MOMENTS[moment].variable}=${context.directory}`);
    }
  });

  test('has the documented environment, and nothing of the user besides', async () => {
    process.env['CORACLE_TEST_LEAK'] = 'x';
    const layer = layerOf({ ...YAML, 'hooks/root': sh('env > env') });
    const other = layerOf(YAML, 'their/other');
    const context = contextOf([other, layer]);
    await runHooks('root', context);
    delete process.env['CORACLE_TEST_LEAK'];
    const env = Object.fromEntries(
      readFileSync(join(context.directory, 'env'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    expect(env).toMatchObject({
      CORACLE_WORKSPACE: 'a workspace',
      CORACLE_WORKSPACE_DIR: context.workspaceDirectory,
      CORACLE_ARCH: 'arm64',
      CORACLE_ENGINE: 'debian',
      CORACLE_VERSION: '1.2',
      CORACLE_LAYER: 'my/app',
      CORACLE_LAYER_DIR: layer.directory,
      CORACLE_LAYERS: 'their/other my/app',
      CORACLE_ROOT: context.directory,
      SOURCE_DATE_EPOCH: '315532800',
      SKIFF_CONFIG: 'their/other,my/app',
      SKIFF_CONFIG_PATH: `${other.directory} ${layer.directory}`,
      SKIFF_CURRENT_CONF_DIR: layer.directory,
      SKIFF_WORKSPACE: 'a workspace',
      SKIFF_WORKSPACE_DIR: context.workspaceDirectory,
      TARGET_DIR: context.directory,
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
    });
    expect(env['CORACLE_TEST_LEAK']).toBeUndefined();
  });

  test('every variable is in the documentation, and every moment', () => {
    const page = readFileSync(new URL('../../docs/hooks.md', import.meta.url), 'utf8');
    const sources = ['./hook-environment.ts', '../workspace/skiffos-variables.ts'].map((file) =>
      readFileSync(new URL(file, import.meta.url), 'utf8'),
    );
    const variables = [...sources.join('\n').matchAll(/^ {4}([A-Z_]+):|environment\['([A-Z_]+)'\]/gm)].map(
      (match) => match[1] ?? match[2],
    );
    expect(variables.length).toBeGreaterThan(18);
    for (const variable of variables) expect(page).toContain(`\`${variable}\``);
    for (const name of hookNames) {
      const { variable, when } = HOOK_MOMENTS[name];
      expect(page).toContain(`| \`${name}\` | ${when} |`);
      expect(page).toContain(`\`${variable}\``);
    }
  });

  test('hooks run in layer order, with their output in the log', async () => {
    const layers = ['a/one', 'a/two', 'a/three'].map((name) =>
      layerOf(
        { ...YAML, ...(name !== 'a/two' && { 'hooks/post': sh('echo "from $CORACLE_LAYER"; echo oops >&2') }) },
        name,
      ),
    );
    const context = contextOf(layers);
    const ran = await runHooks('post', context);
    expect(ran.map(({ layer }) => layer.name)).toEqual(['a/one', 'a/three']);
    const log = readFileSync(context.log, 'utf8');
    expect(log).toMatch(/from a\/one\n(.*\n)*from a\/three/);
    expect(log).toContain('oops');
  });

  test('may have an ending, spaces and quotes in its path, and be a program in any language', async () => {
    const layer = layerOf(
      { ...YAML, 'hooks/pre.mjs': { program: '#!/usr/bin/env node\nimport fs from "fs"; fs.writeFileSync("x", "");' } },
      "it's/mine",
    );
    const context = contextOf([layer]);
    await runHook(layer, 'pre', context);
    expect(existsSync(join(context.directory, 'x'))).toBe(true);
  });

  test('new files have mode 0644 whatever the umask of the user', async () => {
    const old = process.umask(0o077);
    try {
      const layer = layerOf({ ...YAML, 'hooks/root': sh('umask > umask') });
      const context = contextOf([layer]);
      await runHook(layer, 'root', context);
      expect(readFileSync(join(context.directory, 'umask'), 'utf8')).toBe('0022\n');
    } finally {
      process.umask(old);
    }
  });

  test('what it leaves running ends with it', async () => {
    const layer = layerOf({ ...YAML, 'hooks/pre': sh('sleep 600 > /dev/null 2>&1 &\necho $! > child') });
    const context = contextOf([layer]);
    await runHook(layer, 'pre', context);
    const child = Number(readFileSync(join(context.directory, 'child'), 'utf8'));
    await expect.poll(() => isRunning(child), { timeout: 5000 }).toBe(false);
  });

  test('a layer without one has none', async () => {
    const layer = layerOf({ ...YAML, 'hooks/pre': sh('') });
    expect(await runHook(layer, 'post', contextOf([layer]))).toBe(false);
  });

  test("SkiffOS's pre.sh changes the root, its post.sh comes after the image", () => {
    const layer = layerOf({ 'metadata/description': 'x', 'hooks/pre.sh': sh(''), 'hooks/post.sh': sh('') }, 'pi/x');
    const names = (moment: HookName): string[] => hooksAt(moment, [layer], 'debian').map(({ name }) => name);
    expect([names('pre'), names('root'), names('image'), names('post')]).toEqual([[], ['pre'], [], ['post']]);
    const built = (moment: HookName): string[] => hooksAt(moment, [layer], 'buildroot').map(({ name }) => name);
    expect([built('pre'), built('post-build'), built('post-image'), built('root')]).toEqual([
      [],
      ['pre'],
      ['post'],
      [],
    ]);
  });
});

describe('a hook that goes wrong', () => {
  test('by failing: its lines, its log, and how to try again', async () => {
    const failure = await mistake({
      'hooks/pre': sh('echo start; echo "cp: cannot stat x: No such file" >&2; exit 3'),
    });
    expect(failure).toMatchObject({
      code: 'hook-failed',
      retry: 'coracle build x',
      message: 'hook pre of my/app ended with exit code 3',
    });
    expect(failure.cause).toContain('cannot stat');
    expect(readFileSync(failure.log ?? '', 'utf8')).toContain('cannot stat');
  });

  test('by a signal', async () => {
    expect((await mistake({ 'hooks/pre': sh('kill -SEGV $$') })).message).toContain('SIGSEGV');
  });

  test('by not ending: it is stopped with all that it started', async () => {
    const layer = layerOf({ ...YAML, 'hooks/pre': sh('echo waiting\nsleep 600 &\necho $! > child\nwait') });
    const context = contextOf([layer], { timeoutMs: 300 });
    const [failure] = await failuresOf(() => runHook(layer, 'pre', context));
    expect(failure).toMatchObject({
      code: 'hook-timeout',
      hint: expect.stringContaining('CORACLE_HOOK_TIMEOUT'),
      cause: 'waiting',
    });
    const child = Number(readFileSync(join(context.directory, 'child'), 'utf8'));
    await expect.poll(() => isRunning(child), { timeout: 5000 }).toBe(false);
  });

  test('by being stopped: that is no failure of the hook', async () => {
    const layer = layerOf({ ...YAML, 'hooks/pre': sh('echo > started; sleep 600') });
    const controller = new AbortController();
    const context = contextOf([layer], { signal: controller.signal });
    const running = failuresOf(() => runHook(layer, 'pre', context));
    await expect.poll(() => existsSync(join(context.directory, 'started')), { timeout: 10_000 }).toBe(true);
    controller.abort();
    expect((await running)[0]?.code).toBe('stopped');
  });

  test('by not being executable', async () => {
    const failure = await mistake({ 'hooks/pre': '#!/bin/sh\n' });
    expect(failure).toMatchObject({ code: 'hook-not-executable', hint: expect.stringContaining('chmod +x') });
  });

  test.each([
    ['#!/no/such/interpreter -x\n', '/no/such/interpreter'],
    ['#! bash\n', 'bash'],
    ['#!/bin/sh\r\necho\r\n', 'Windows'],
    ['echo hello\n', 'neither'],
    ['', 'neither'],
  ])('by its first line %j', async (program, says) => {
    const failure = await mistake({ 'hooks/pre': { program } });
    expect(failure).toMatchObject({ code: 'hook-bad-interpreter', message: expect.stringContaining(says) });
  });

  test('by an interpreter that env does not find', async () => {
    const failure = await mistake({ 'hooks/pre': { program: '#!/usr/bin/env no-such-language\n' } });
    expect(failure).toMatchObject({ code: 'hook-failed', cause: expect.stringContaining('no-such-language') });
  });

  test('by being a program that the system refuses', async () => {
    const failure = await mistake({ 'hooks/pre': { program: '\x7fELFnothing' } });
    expect(failure).toMatchObject({ code: 'hook-failed', message: expect.stringContaining('hook pre of my/app') });
  });

  test('by being gone', async () => {
    const layer = layerOf({ ...YAML, 'hooks/pre': sh('') });
    writeTree(layer.directory, { 'hooks/x': '' });
    const gone = { ...layer, contents: { ...layer.contents, hooks: { pre: join(layer.directory, 'hooks/gone') } } };
    const [failure] = await failuresOf(() => runHook(gone, 'pre', contextOf([gone])));
    expect(failure).toMatchObject({ code: 'hook-missing' });
  });

  test('the hooks after it do not run', async () => {
    const layers = [
      layerOf({ ...YAML, 'hooks/pre': sh('exit 1') }, 'a/one'),
      layerOf({ ...YAML, 'hooks/pre': sh('> ran') }, 'a/two'),
    ];
    const context = contextOf(layers);
    await failuresOf(() => runHooks('pre', context));
    expect(existsSync(join(context.directory, 'ran'))).toBe(false);
  });
});

describe('the time limit', () => {
  test('is ten minutes, or what CORACLE_HOOK_TIMEOUT says', async () => {
    expect(hookTimeoutMs({})).toBe(600_000);
    expect(hookTimeoutMs({ CORACLE_HOOK_TIMEOUT: '1.5' })).toBe(1500);
    for (const bad of ['0', '-1', 'ten', '1e999']) {
      expect((await failuresOf(() => hookTimeoutMs({ CORACLE_HOOK_TIMEOUT: bad })))[0]?.code).toBe('bad-hook-timeout');
    }
  });
});

describe('root hooks', () => {
  test('change the tree, each on what the one before left; SkiffOS layers find target/ and images/', async () => {
    const one = layerOf(
      { ...YAML, 'hooks/root': sh('echo one > "$CORACLE_ROOT/etc/one"; chmod 600 "$1/etc/one"; rm etc/old') },
      'a/one',
    );
    const skiff = layerOf(
      {
        'metadata/description': 'x',
        'hooks/pre.sh': sh(
          'cat "$SKIFF_WORKSPACE_DIR/target/etc/one" > "$TARGET_DIR/etc/two"; > "$SKIFF_BUILDROOT_DIR/images/x"',
        ),
      },
      'b/two',
    );
    const tree = new RootTree();
    tree.addFile('/etc/old', '', { origin: 'package' });
    tree.addFile('/etc/kept', 'k', { origin: 'package', uid: 9, mode: 0o4711 });
    const directory = temporaryDirectory();
    const scratch = join(directory, 's');
    mkdirSync(scratch);
    const context = {
      config: configOf(one, skiff),
      log: join(directory, 'log'),
      sourceDateEpoch: 0,
      scratch,
      store: join(directory, 'store'),
    };
    expect(await runRootHooks(tree, context)).toBe(true);
    expect(tree.get('/etc/one')).toMatchObject({ mode: 0o600, uid: 0, origin: 'hook root of a/one' });
    expect((await tree.read('/etc/two')).toString()).toBe('one\n');
    expect(tree.get('/etc/two')?.origin).toBe('hook pre of b/two');
    expect(tree.has('/etc/old')).toBe(false);
    expect(tree.get('/etc/kept')).toMatchObject({ uid: 9, mode: 0o4711, origin: 'package' });
  });

  test('without hooks nothing is unpacked', async () => {
    const scratch = temporaryDirectory();
    const layer = layerOf(YAML);
    const context = { config: configOf(layer), log: '/dev/null', sourceDateEpoch: 0, scratch, store: scratch };
    expect(await runRootHooks(new RootTree(), context)).toBe(false);
    expect(existsSync(join(scratch, 'target'))).toBe(false);
  });
});
