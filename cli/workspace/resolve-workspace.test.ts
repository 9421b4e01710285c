import { describe, expect, test } from 'vitest';
import { failuresOf, type Tree, treeOf } from '../../test/support/files.ts';
import type { FailureParts } from '../failure.ts';
import { type Environment, loadProject } from './project.ts';
import { type ResolveOptions, resolveWorkspace } from './resolve-workspace.ts';
import type { ResolvedConfig } from './resolved.ts';

const SHIPPED: Tree = {
  'layers/base/systemd/layer.yaml': 'description: base\nprovides: [base]\ndepends: [base/common]\n',
  'layers/base/common/layer.yaml':
    'description: common\nunlisted: true\nslots: {hostname: {description: name, default: coracle}}\n',
  'layers/base/mini/layer.yaml': 'description: mini\nprovides: [base]\n',
  'layers/virt/qemu/layer.yaml': 'description: board\nprovides: [board]\narch: [x86_64, arm64]\n',
  'layers/pi/4/layer.yaml': 'description: board\nprovides: [board]\narch: [arm64]\n',
  'layers/core/podman/layer.yaml': 'description: podman\nconflicts: [core/docker]\n',
  'layers/core/podman/kernel/podman': 'CONFIG_OVERLAY_FS=m\n',
  'layers/core/docker/layer.yaml': 'description: docker\n',
  'layers/skiff/old/metadata/description': 'A layer of SkiffOS\n',
};

interface Setting {
  readonly project?: Tree;
  readonly shipped?: Tree;
  readonly environment?: Environment;
  readonly options?: ResolveOptions;
}

async function resolve(
  list: string | undefined,
  { project, shipped, environment, options }: Setting = {},
): Promise<ResolvedConfig> {
  const directory = treeOf(project ?? {});
  const found = await loadProject(directory, environment ?? {}, treeOf({ ...SHIPPED, ...shipped }));
  return resolveWorkspace(found, list, options);
}

const names = (config: ResolvedConfig): string[] => config.layers.map(({ layer }) => layer.name);
const yaml = (text: string, more: Tree = {}): Setting => ({ project: { 'coracle.yaml': text, ...more } });

describe('a list of layers', () => {
  test('gets the default base first, and says so', async () => {
    const config = await resolve('virt/qemu,core/podman');
    expect(config.layers.map(({ layer, reason }) => [layer.name, reason.kind])).toEqual([
      ['base/common', 'dependency'],
      ['base/systemd', 'default-base'],
      ['virt/qemu', 'asked'],
      ['core/podman', 'asked'],
    ]);
    expect(config).toMatchObject({
      engine: 'debian',
      arch: 'x86_64',
      settings: { kernel: 'package', scripts: 'model' },
    });
  });

  test.each([
    ['debian', 'virt/qemu', true],
    ['debian', 'skiff/old', true],
    ['debian', 'base/mini,skiff/old', false],
    ['buildroot', 'virt/qemu', true],
    ['buildroot', 'skiff/old', false],
  ] as const)('for the %s engine, %s: default base %s', async (engine, list, expected) => {
    expect(names(await resolve(list, { options: { engine } })).includes('base/systemd')).toBe(expected);
  });

  test('may be separated by spaces, and a name counts once', async () => {
    expect(names(await resolve(' base/mini  virt/qemu, base/mini '))).toEqual(['base/mini', 'virt/qemu']);
  });

  test('has a directory name of its own for each list', async () => {
    const lists = ['base/mini,virt/qemu', 'virt/qemu,base/mini', 'base/mini'];
    const workspaces = await Promise.all(lists.map(async (list) => (await resolve(list)).workspace));
    expect(new Set(workspaces).size).toBe(3);
    expect(workspaces[0]).toMatch(/^base-mini\+virt-qemu\+[0-9a-f]{8}$/);
  });

  test('is built for the architecture that its layers support, or fails', async () => {
    expect((await resolve('pi/4')).arch).toBe('arm64');
    const [found] = await failuresOf(() => resolve('pi/4', { options: { arch: 'x86_64' } }));
    expect(found).toMatchObject({ code: 'wrong-architecture', layer: 'pi/4' });
    expect(found?.hint).toContain('arch: arm64');
    const shipped = { 'layers/only/x86/layer.yaml': 'description: x\narch: [x86_64]\n' };
    const [none] = await failuresOf(() => resolve('pi/4,only/x86', { shipped }));
    expect(none?.cause).toContain('only/x86 supports x86_64');
  });

  describe('with the Buildroot fragments of SkiffOS', () => {
    const board = (name: string, text: string): Tree => ({
      [`layers/${name}/metadata/description`]: 'A board\n',
      [`layers/${name}/buildroot/arch`]: text,
    });
    const shipped = {
      ...board('skiff/pi4', 'BR2_arm=y\n# BR2_arm is not set\nBR2_aarch64=y\n'),
      ...board('skiff/pc', 'BR2_x86_64=y\n'),
      ...board('skiff/pi1', '\nBR2_arm=y\n'),
      ...board('skiff/wide', '# BR2_aarch64 is not set\nBR2_ENDIAN="LITTLE"\n'),
    };

    test.each([
      ['skiff/pi4', undefined, 'arm64'],
      ['skiff/old,skiff/pi4,core/podman', undefined, 'arm64'],
      ['skiff/pc', undefined, 'x86_64'],
      ['skiff/wide', undefined, 'x86_64'],
      ['skiff/wide', 'arm64', 'arm64'],
      // A choice: the last one counts, as Kconfig has it.
      ['skiff/pi1,skiff/pi4', undefined, 'arm64'],
      ['skiff/pi4,skiff/pc', undefined, 'x86_64'],
      ['virt/qemu,skiff/pi4', undefined, 'arm64'],
    ] as const)('%s, asked for %s, is built for %s', async (list, arch, expected) => {
      expect((await resolve(list, { shipped, options: { arch } })).arch).toBe(expected);
    });

    test.each([
      [
        'skiff/pi1',
        undefined,
        2,
        'and skiff/pi1 asks for one that Coracle does not build for (BR2_arm=y)',
        'BR2_x86_64=y or BR2_aarch64=y into a later layer',
      ],
      [
        'skiff/pi4',
        'x86_64',
        3,
        'the workspace is for x86_64, and skiff/pi4 asks for arm64 (BR2_aarch64=y)',
        'set "arch: arm64"',
      ],
      ['skiff/pi1', 'arm64', 2, 'the workspace is for arm64', 'write BR2_aarch64=y into'],
      [
        'pi/4,skiff/pc',
        undefined,
        1,
        'these layers can be built for arm64, and skiff/pc asks for x86_64 (BR2_x86_64=y)',
        'write BR2_aa',
      ],
    ] as const)('%s, asked for %s, fails', async (list, arch, line, message, hint) => {
      const found = await failuresOf(() => resolve(list, { shipped, options: { arch } }));
      expect(found).toMatchObject([
        {
          code: 'wrong-architecture',
          message: expect.stringContaining(message) as string,
          place: { file: expect.stringContaining('/buildroot/arch') as string, line },
          hint: expect.stringContaining(hint) as string,
        },
      ]);
    });
  });

  test('cannot have two boards, nor layers that conflict', async () => {
    const found = await failuresOf(() => resolve('virt/qemu,pi/4,core/podman,core/docker'));
    expect(found.map(({ code, message, place }) => [code, message, place?.line])).toEqual([
      ['layer-conflict', 'core/podman and core/docker cannot be in the same list', 2],
      ['role-taken', 'two layers are the board of this list: virt/qemu and pi/4', 2],
    ]);
  });

  test('cannot be empty', async () => {
    expect((await failuresOf(() => resolve(' , ')))[0]?.code).toBe('no-workspace');
  });
});

describe('coracle.yaml', () => {
  const FILE = `
default: two
workspaces:
  one: {layers: [base/mini], arch: arm64, values: {}}
  two:
    layers: [virt/qemu]
    version: 2.1.0
    kernel: source
    persistMiB: 64
    values: {hostname: 08}
    accept: [{namespace: kernel, symbol: CONFIG_X, reason: fine}]
    debian: {suites: [trixie], keyring: keys/my.gpg}
`;

  test('names workspaces and their settings', async () => {
    const config = await resolve(undefined, yaml(FILE, { 'keys/my.gpg': '' }));
    expect(config.settings).toMatchObject({
      version: '2.1.0',
      kernel: 'source',
      persistMiB: 64,
      bootPartitionMiB: 512,
      accept: [{ symbol: 'CONFIG_X', place: { line: 11 } }],
    });
    expect(config.settings.debian.keyring).toMatch(/^\/.*\/keys\/my\.gpg$/);
    // As written: YAML would make an 8 of it.
    expect(config.values).toEqual({
      hostname: '08',
      workspace: 'two',
      engine: 'debian',
      arch: 'x86_64',
      version: '2.1.0',
    });
    expect((await resolve('one', yaml(FILE))).arch).toBe('arm64');
  });

  test('is found from directories below it', async () => {
    const directory = treeOf({ 'coracle.yaml': FILE, 'a/b/': '' });
    const project = await loadProject(`${directory}/a/b`, {}, treeOf(SHIPPED));
    expect(project.directory).toBe(directory);
    expect(project.workspaceNames()).toEqual(['one', 'two']);
  });

  test('with a layer that does not exist: place, nearest, every root', async () => {
    const found = await failuresOf(() => resolve('a', yaml('workspaces:\n  a: {layers: [virt/qmeu, core/podmn]}\n')));
    expect(found.map(({ code, place }) => [code, place?.line, place?.column])).toEqual([
      ['unknown-layer', 2, 16],
      ['unknown-layer', 2, 27],
    ]);
    expect(found[0]?.hint).toContain('did you mean virt/qemu?');
  });

  test.each([
    ['an unknown workspace', 'three', 'unknown-workspace', 'workspaces: one, two'],
    ['a misspelt workspace', 'tow', 'unknown-workspace', 'did you mean two?'],
  ])('%s', async (_what, name, code, hint) => {
    const [found] = await failuresOf(() => resolve(name, yaml(FILE)));
    expect(found?.code).toBe(code);
    expect(found?.hint).toContain(hint);
  });

  test.each([
    ['a default that is not there', 'default: c\nworkspaces:\n  b: {layers: [a/b]}\n', 'unknown-workspace', 1, 10],
    ['broken YAML', 'workspaces:\n  a: {layers: [a/b]\n  b: 1\n', 'broken-yaml', 3, 3],
    ['an unknown key', 'workspaces:\n  a: {layers: [a/b], engin: debian}\n', 'unknown-key', 2, 22],
    ['an unknown engine', 'workspaces:\n  a: {layers: [a/b], engine: yocto}\n', 'bad-value', 2, 30],
    ['no layers', 'workspaces:\n  a: {engine: debian}\n', 'missing-key', 2, 6],
    ['an empty list', 'workspaces:\n  a: {layers: []}\n', 'bad-value', 2, 15],
    ['a workspace named like a path', 'workspaces:\n  ../a: {layers: [a/b]}\n', 'bad-value', 2, 3],
    ['a number for a version', 'workspaces:\n  a: {layers: [a/b], version: 1.10}\n', 'wrong-type', 2, 31],
    ['a list at the top', '- a\n', 'wrong-type', 1, 1],
    ['a repository twice', 'layers:\n  - git: x\n  - git: x\n', 'bad-value', 3, 10],
    ['an option for an address', 'layers:\n  - git: --upload-pack=x\n', 'bad-value', 2, 10],
    ['a path that is not there', 'layers: [{path: ./no}]\nworkspaces: {a: {layers: [a/b]}}\n', 'missing-root', 1, 10],
  ])('is refused with its place: %s', async (_what, text, code, line, column) => {
    const [found] = await failuresOf(() => resolve(undefined, yaml(text)));
    expect(found).toMatchObject({ code, place: { line, column } });
    expect(found?.place?.file).toMatch(/coracle\.yaml$/);
  });

  test('that is a dangling link, or is missing where a workspace is named', async () => {
    const [dangling] = await failuresOf(() => resolve('a', { project: { 'coracle.yaml': { link: 'gone' } } }));
    expect(dangling?.code).toBe('unreadable-file');
    const [missing] = await failuresOf(() => resolve('a'));
    expect(missing?.hint).toContain('no coracle.yaml');
    const [which] = await failuresOf(() => resolve(undefined));
    expect(which?.code).toBe('no-workspace');
  });
});

describe('values', () => {
  const shipped = { 'layers/my/app/layer.yaml': 'description: x\nslots: {port: {description: where}}\n' };

  test('that no layer declares, or that nobody gives, are failures', async () => {
    const text = 'workspaces:\n  a:\n    layers: [my/app, base/mini]\n    values: {prot: 1}\n';
    const found = await failuresOf(() => resolve('a', { ...yaml(text), shipped }));
    expect(found.map(({ code, place }) => [code, place?.line])).toEqual([
      ['unknown-value', 4],
      ['missing-value', 3],
    ]);
    expect(found[0]?.hint).toBe('did you mean port?');
  });

  test('cannot take the names that every workspace has', async () => {
    const taken = { 'layers/my/app/layer.yaml': 'description: x\nslots: {arch: {description: y, default: z}}\n' };
    expect((await failuresOf(() => resolve('my/app', { shipped: taken })))[0]?.code).toBe('reserved-value');
  });
});

describe('roots', () => {
  test('of coracle.yaml come before the shipped ones, those of the environment first', async () => {
    const extra = treeOf({ 'virt/qemu/metadata/description': 'from the environment\n' });
    const project = {
      'coracle.yaml': 'layers: [{path: mine}]\n',
      'mine/layers/virt/qemu/layer.yaml': 'description: mine\n',
      'mine/layers/core/podman/layer.yaml': 'description: mine\n',
    };
    const config = await resolve('base/mini,virt/qemu,core/podman,core/docker', {
      project: { ...project, 'mine/layers/core/podman/layer.yaml': 'description: mine\n' },
      environment: { SKIFF_EXTRA_CONFIGS_PATH: `${extra}:/no/such` },
    });
    expect(config.layers.map(({ layer }) => layer.root.kind)).toEqual(['shipped', 'environment', 'path', 'shipped']);
  });

  test.each([
    'with space',
    '"quoted"',
    "it's",
    '@at',
    '$(touch x)',
    '`touch x`',
    'новый',
    'semi;colon',
    '-dash',
    '%20',
    '#hash',
  ])('may have any name: %s', async (name) => {
    const project = {
      [`${name}/coracle.yaml`]: `layers: [{path: ${JSON.stringify(name)}}]\nworkspaces: {a: {layers: [my/app]}}\n`,
      [`${name}/${name}/my/app/layer.yaml`]: 'description: x\nprovides: [base]\n',
      [`${name}/${name}/my/app/kernel/${name}`]: 'CONFIG_A=y\n',
    };
    const directory = treeOf(project);
    const config = await resolveWorkspace(await loadProject(`${directory}/${name}`, {}, treeOf(SHIPPED)), 'a');
    const [assignment] = config.symbols.kernel.get('CONFIG_A')?.chain ?? [];
    expect(assignment?.origin).toMatchObject({ layer: 'my/app', line: 1 });
    expect(assignment?.origin.file).toBe(`${directory}/${name}/${name}/my/app/kernel/${name}`);
  });

  test('of SkiffOS that are gone are pointed out, those of Coracle are failures', async () => {
    const warnings: FailureParts[] = [];
    const options = { onWarning: (warning: FailureParts) => warnings.push(warning) };
    await resolve('base/mini', { environment: { SKIFF_EXTRA_CONFIGS_PATH: '/no/such' }, options });
    expect(warnings.map(({ message }) => message)).toEqual([
      'SKIFF_EXTRA_CONFIGS_PATH names /no/such, which is no directory',
    ]);
    const [found] = await failuresOf(() => resolve('base/mini', { environment: { CORACLE_LAYERS_PATH: '/no/such' } }));
    expect(found?.code).toBe('missing-root');
  });
});

describe('the environment', () => {
  const FILE = 'workspaces: {a: {layers: [base/mini]}, b: {layers: [virt/qemu]}}\n';

  test.each([
    [{ CORACLE_CONFIG: 'base/mini' }, 'default', 'base/mini'],
    [{ SKIFF_CONFIG: 'base/mini,virt/qemu', SKIFF_WORKSPACE: 'My WS!' }, 'myws', 'virt/qemu'],
    [{ CORACLE_CONFIG: 'base/mini', SKIFF_CONFIG: 'virt/qemu', CORACLE_WORKSPACE: 'x' }, 'x', 'base/mini'],
    [{ CORACLE_WORKSPACE: 'a' }, 'a', 'base/mini'],
    [{ SKIFF_WORKSPACE: 'b' }, 'b', 'virt/qemu'],
  ])('%j means workspace %s', async (environment, workspace, last) => {
    const config = await resolve(undefined, { ...yaml(FILE), environment });
    expect([config.workspace, names(config).at(-1)]).toEqual([workspace, last]);
  });

  test('gives way to what is named', async () => {
    expect((await resolve('a', { ...yaml(FILE), environment: { CORACLE_CONFIG: 'virt/qemu' } })).workspace).toBe('a');
  });

  test('cannot name a workspace that is no directory name', async () => {
    const environment = { CORACLE_CONFIG: 'base/mini', CORACLE_WORKSPACE: '../x' };
    expect((await failuresOf(() => resolve(undefined, { environment })))[0]?.code).toBe('bad-workspace-name');
  });

  test('is named as the user wrote it when it is wrong', async () => {
    const wrong = async (environment: Environment) =>
      (await failuresOf(() => resolve(undefined, { ...yaml(FILE), environment }))).map(({ message }) => message);
    expect(await wrong({ SKIFF_CONFIG: 'base/mini', SKIFF_WORKSPACE: '../foo' })).toEqual([
      'SKIFF_WORKSPACE cannot be "../foo"',
    ]);
    expect(await wrong({ SKIFF_WORKSPACE: 'No Such' })).toEqual([
      'there is no workspace "nosuch", which SKIFF_WORKSPACE ("No Such") names',
    ]);
  });
});

describe('overrides', () => {
  const FILE = 'workspaces: {a: {layers: [core/podman]}, b: {layers: [core/podman]}}\n';
  const TREE = {
    'overrides/kernel/mine': 'CONFIG_OVERLAY_FS=y\n',
    'overrides/buildroot/.gitkeep': '',
    'overrides/workspaces/a/kernel/mine': '# CONFIG_OVERLAY_FS is not set\n',
    'overrides/workspaces/b/kernel/.gitkeep': '',
  };

  test("come last, the workspace's own after those of all", async () => {
    const a = await resolve('a', yaml(FILE, TREE));
    expect(names(a).slice(-2)).toEqual(['overrides', 'overrides/workspaces/a']);
    const chain = a.symbols.kernel
      .get('CONFIG_OVERLAY_FS')
      ?.chain.map(({ origin, value }) => [origin.layer, value.value]);
    expect(chain).toEqual([
      ['core/podman', 'm'],
      ['overrides', 'y'],
      ['overrides/workspaces/a', 'n'],
    ]);
    expect(names(await resolve('b', yaml(FILE, TREE))).at(-1)).toBe('overrides');
  });

  test('may bring dependencies, and are checked as any layer is', async () => {
    const file = { 'overrides/layer.yaml': 'description: mine\ndepends: [core/docker]\n' };
    const [found] = await failuresOf(() => resolve('a', yaml(FILE, file)));
    expect(found?.code).toBe('layer-conflict');
    const [unknown] = await failuresOf(() =>
      resolve('a', yaml(FILE, { ...TREE, 'overrides/layer.yaml': 'description: x\n', 'overrides/kernal/x': '' })),
    );
    expect(unknown).toMatchObject({ code: 'unknown-directory', layer: 'overrides' });
  });
});

describe('overrides without a layer.yaml', () => {
  const HOOK = { 'overrides/hooks/root.sh': '#!/bin/sh\n' };

  test('are of the form of their project', async () => {
    const file = 'workspaces: {a: {layers: [core/podman]}}\n';
    const own = await resolve('a', yaml(file, HOOK));
    expect(own.layers.at(-1)?.layer).toMatchObject({ name: 'overrides', form: 'coracle' });
    expect(Object.keys(own.layers.at(-1)?.layer.contents.hooks ?? {})).toEqual(['root']);
    const [misspelt] = await failuresOf(() => resolve('a', yaml(file, { ...HOOK, 'overrides/kernal/x': '' })));
    expect(misspelt).toMatchObject({ code: 'unknown-directory', layer: 'overrides' });
    const skiffos = { 'overrides/hooks/pre.sh': '#!/bin/sh\n', 'overrides/notes/x': '' };
    const theirs = await resolve(undefined, { project: skiffos, environment: { SKIFF_CONFIG: 'core/podman' } });
    expect(theirs.layers.at(-1)?.layer).toMatchObject({ name: 'overrides', form: 'skiffos' });
  });
});

describe('fragments', () => {
  test('of all namespaces are judged at once', async () => {
    const shipped = {
      'layers/my/app/layer.yaml': 'description: x\n',
      'layers/my/app/kernel/a': 'CONFIG_A=y\nnonsense here\n',
      'layers/my/app/uboot/a': 'CONFIG_B=\n',
    };
    const found = await failuresOf(() => resolve('my/app', { shipped }));
    expect(new Set(found.map(({ place }) => place?.file.split('/').at(-2)))).toEqual(new Set(['kernel', 'uboot']));
  });

  test('of SkiffOS layers may hold lines that Kconfig drops, which are pointed out', async () => {
    const warnings: FailureParts[] = [];
    const shipped = { 'layers/skiff/old/kernel/a': 'CONFIG_A=y\nnonsense here\n' };
    const config = await resolve('base/mini,skiff/old', {
      shipped,
      options: { onWarning: (one) => warnings.push(one) },
    });
    expect([config.symbols.kernel.size, warnings.length, warnings[0]?.place?.line]).toEqual([1, 1, 2]);
  });
});

describe('layers of SkiffOS', () => {
  const CHECKOUT: Tree = {
    'configs/their/board/metadata/description': 'A board\n',
    'configs/their/board/metadata/dependencies': 'their/common,their/image\n',
    'configs/their/board/buildroot/board':
      'BR2_aarch64=y\nBR2_A="SKIFF_CONFIG_ROOT/a"\nBR2_HOST="x-REPLACEME_SKIFF_VERSION"\nBR2_ROOTFS_OVERLAY="/x"\n',
    'configs/their/common/metadata/dependencies': 'their/image\n',
    'configs/their/image/kernel/image': 'CONFIG_A=y\n',
    'configs-base/pre/metadata/dependencies': 'skiff/standard\n',
    'configs-base/pre/kernel/base': 'CONFIG_A=m\nCONFIG_B=y\n',
    'configs-base/post/buildroot/config':
      'BR2_DEFCONFIG=$(TOPDIR)/x\nBR2_ROOTFS_OVERLAY="REPLACEME_ROOTFS_OVERLAY"\nBR2_LAST="post"\n',
    'overrides/kernel/mine': 'CONFIG_B=m\n',
  };
  const value = (config: ResolvedConfig, namespace: 'buildroot' | 'kernel', symbol: string) =>
    config.symbols[namespace].get(symbol)?.chain.at(-1)?.value.value;

  test.each([
    ['in the checkout itself', { project: CHECKOUT }],
    [
      'with the checkout in coracle.yaml',
      { project: { ...CHECKOUT, 'coracle.yaml': 'layers: [{path: .}]\nworkspaces: {}\n' } },
    ],
  ])('%s have its base around them, and the engine that they are for', async (_, setting: Setting) => {
    const config = await resolve('their/board', setting);
    expect(config).toMatchObject({ engine: 'buildroot', arch: 'arm64' });
    expect(config.layers.map(({ layer, reason }) => [layer.name, reason.kind])).toEqual([
      ['configs-base/pre', 'skiffos-base'],
      ['their/image', 'dependency'],
      ['their/common', 'dependency'],
      ['their/board', 'asked'],
      ['overrides', 'overrides'],
      ['configs-base/post', 'skiffos-base'],
    ]);
    expect(value(config, 'kernel', 'CONFIG_A')).toBe('y');
    expect(value(config, 'kernel', 'CONFIG_B')).toBe('m');
  });

  test('in a directory that SKIFF_EXTRA_CONFIGS_PATH names, be it the checkout or its configs/', async () => {
    const checkout = treeOf(CHECKOUT);
    for (const path of [checkout, `${checkout}/configs`]) {
      const environment = { SKIFF_EXTRA_CONFIGS_PATH: path, SKIFF_CONFIG: 'their/board' };
      expect(names(await resolve(undefined, { environment }))).toContain('configs-base/pre');
    }
  });

  test('have their placeholders filled in; what stands for results is for the engine to say', async () => {
    const config = await resolve('their/board', { project: CHECKOUT });
    const directory = config.layers.find(({ layer }) => layer.name === 'their/board')?.layer.directory;
    expect(value(config, 'buildroot', 'BR2_A')).toBe(`${directory}/a`);
    expect(value(config, 'buildroot', 'BR2_HOST')).toBe('x-0.1.0');
    expect(value(config, 'buildroot', 'BR2_LAST')).toBe('post');
    // Also where a layer said something.
    expect(value(config, 'buildroot', 'BR2_ROOTFS_OVERLAY')).toBe('');
  });

  test('are told about where SkiffOS orders them otherwise; skiffOrder and coracle.yaml give its order', async () => {
    const told: FailureParts[] = [];
    await resolve('their/board', { project: CHECKOUT, options: { onWarning: (warning) => told.push(warning) } });
    expect(told).toMatchObject([{ code: 'skiffos-order', layer: 'their/common' }]);
    expect(told[0]?.place?.file).toMatch(/their\/common\/metadata\/dependencies$/);
    const onWarning = (warning: FailureParts): never => expect.fail(warning.message);
    const asked = await resolve('their/board', { project: CHECKOUT, options: { skiffOrder: true, onWarning } });
    expect(names(asked).slice(1, 4)).toEqual(['their/common', 'their/image', 'their/board']);
    expect(asked.asked).toEqual(['their/board', '--skiff-order']);
    const text = 'layers: [{path: .}]\nworkspaces:\n  b: {layers: [their/board], layerOrder: skiffos}\n';
    const written = await resolve('b', { project: { ...CHECKOUT, 'coracle.yaml': text }, options: { onWarning } });
    expect(names(written)).toEqual(names(asked));
  });

  test('get no base of SkiffOS beside a layer of ours, or with another engine', async () => {
    for (const [list, options] of [
      ['their/board,core/docker', {}],
      ['their/board', { engine: 'debian' }],
    ] as const) {
      const config = await resolve(list, { project: CHECKOUT, options });
      expect(names(config)).toContain('base/systemd');
      expect(names(config)).not.toContain('configs-base/pre');
    }
  });

  test('without a checkout around them: a warning says what is missing', async () => {
    const told: FailureParts[] = [];
    await resolve('skiff/old', { options: { onWarning: (warning) => told.push(warning) } });
    expect(told.map(({ code }) => code)).toEqual(['no-skiffos-base']);
  });
});
