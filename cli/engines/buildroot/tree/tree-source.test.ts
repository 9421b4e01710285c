import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeTree } from '../../../../test/support/files.ts';
import type { KconfigSource } from '../../../kconfig/language/read-kconfig.ts';
import { mergeAssignments } from '../../../kconfig/merge.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type TreeSource, treeSource } from './tree-source.ts';

const TREE = {
  'buildroot/Makefile': 'export BR2_VERSION := 2026.02\n',
  'buildroot/support/kconfig/zconf.y': '',
  'buildroot/package/app/app.mk': '',
  'coracle/LICENSE': 'MIT\n',
  'coracle/device/Cargo.lock': 'version = 4\n',
  'coracle/device/buildroot/external.desc': 'name: CORACLE\n',
  'coracle/device/buildroot/external.mk': '',
  'coracle/device/buildroot/package/coracle-init/coracle-init.mk': '',
  'coracle/device/buildroot/package/coracle-oci/coracle-oci.mk': '',
  'layer/external.desc': 'name: MINE\n',
  'layer/external.mk': '',
  'layer/Config.in': '',
  'layer/package/mine/mine.mk': '',
};

function project() {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'coracle-tree-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeTree(directory, TREE);
  const asked = mergeAssignments([
    {
      symbol: 'BR2_PACKAGE_CORACLE_INIT',
      value: { kind: 'tristate', value: 'y' },
      origin: { layer: 'a/b', file: 'f', line: 1 },
    },
  ]);
  const config = {
    settings: { buildroot: { tree: join(directory, 'buildroot'), treeFrom: 'the test' } },
    layers: [{ layer: { name: 'a/b', contents: { buildrootExternal: join(directory, 'layer') } } }],
    symbols: { buildroot: asked },
  } as unknown as ResolvedConfig;
  const read = (): TreeSource => {
    const [installation, cache] = [join(directory, 'coracle'), join(directory, 'cache')];
    const environment: BuildEnvironment = {
      ...{ installation, cache, project: directory, offline: false, hashes: new FileHashes() },
    };
    return treeSource(config, environment);
  };
  return { directory, read };
}

test("Coracle's own tree is the first, and has nothing but packages", async () => {
  const { read } = project();
  const source = read();
  expect(source.externals().map(({ name }) => name)).toEqual(['CORACLE', 'MINE']);
  expect([...(await source.parts()).keys()]).toEqual([
    'package/app',
    'infrastructure',
    'CORACLE/package/coracle-init',
    'CORACLE/package/coracle-oci',
    'MINE/package/mine',
    'MINE/infrastructure',
  ]);
});

test.each([
  ['device/Cargo.lock', ['CORACLE/package/coracle-init', 'CORACLE/package/coracle-oci']],
  ['device/buildroot/external.mk', ['CORACLE/package/coracle-init', 'CORACLE/package/coracle-oci']],
  ['device/buildroot/package/coracle-oci/coracle-oci.mk', ['CORACLE/package/coracle-oci']],
  ['device/README.md', []],
])('a change of %s is one of %j', async (file, parts) => {
  const { directory, read } = project();
  const before = await read().parts();
  writeFileSync(join(directory, 'coracle', file), 'changed\n');
  const after = await read().parts();
  expect([...after.keys()].filter((name) => after.get(name) !== before.get(name))).toEqual(parts);
});

test('the Kconfig files are read once', () => {
  const { directory, read } = project();
  const source = read();
  const kconfig: KconfigSource = {
    tree: join(directory, 'layer'),
    file: 'Config.in',
    dialect: 'symbols',
    prefix: '',
    variables: {},
  };
  writeFileSync(join(directory, 'layer/Config.in'), 'config BR2_A\n\tbool "a"\n');
  expect([...source.model(kconfig).symbols.keys()]).toEqual(['BR2_A']);
  writeFileSync(join(directory, 'layer/Config.in'), '');
  expect([...source.model(kconfig).symbols.keys()]).toEqual(['BR2_A']);
  expect([...read().model(kconfig).symbols.keys()]).toEqual([]);
});

test('a file that changes, a part alone; and what is remembered is right', async () => {
  const { directory, read } = project();
  const before = await read().parts();
  expect(await read().parts()).toEqual(before);
  writeFileSync(join(directory, 'buildroot/package/app/app.mk'), 'x');
  const after = await read().parts();
  expect([...after].filter(([name, hash]) => before.get(name) !== hash).map(([name]) => name)).toEqual(['package/app']);
  writeFileSync(join(directory, 'buildroot/package/app/app.mk'), '');
  expect(await read().parts()).toEqual(before);
});
