import { chmodSync, mkdtempSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeTree } from '../../../../test/support/files.ts';
import type { KconfigSource } from '../../../kconfig/language/read-kconfig.ts';
import { mergeAssignments } from '../../../kconfig/merge.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { readNames, treeParts } from './buildroot-tree.ts';
import { PartHashes } from './part-hashes.ts';
import { type TreeSource, treeSource } from './tree-source.ts';
import { treeStat } from './tree-stat.ts';

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

test('what was remembered of the whole is not believed after any change below the tree', async () => {
  const { directory, read } = project();
  const tree = join(directory, 'buildroot');
  // What is young may change again without its time stamps telling, so it is not remembered: neither is this one at once.
  const old = new Date(Date.now() - 60_000);
  const changes: readonly (() => void)[] = [
    () => writeFileSync(join(tree, 'package/app/app.mk'), 'a'),
    // Same size, same time.
    () => writeFileSync(join(tree, 'package/app/app.mk'), 'b'),
    () => writeFileSync(join(tree, 'support/kconfig/more'), ''),
    () => renameSync(join(tree, 'support/kconfig/more'), join(tree, 'support/kconfig/moved')),
    () => rmSync(join(tree, 'support/kconfig/moved')),
    () => chmodSync(join(tree, 'package/app/app.mk'), 0o755),
    () => writeTree(tree, { 'package/new/new.mk': '' }),
    () => rmSync(join(tree, 'package/new'), { recursive: true }),
  ];
  let before = await read().parts();
  for (const change of changes) {
    change();
    for (const name of ['package/app/app.mk', 'Makefile']) utimesSync(join(tree, name), old, old);
    const after = await read().parts();
    expect(after).not.toEqual(before);
    expect(await read().parts()).toEqual(after);
    before = after;
  }
});

test('a tree in which nothing is young is told by one look, and as it is', async () => {
  const { directory } = project();
  const tree = join(directory, 'buildroot');
  const remembered = join(directory, 'remembered.json');
  const look = async (whole: string | undefined, now = Date.now()) => {
    const hashes = new PartHashes(remembered, tree, () => now);
    const known = hashes.all(whole);
    const parts = known ?? treeParts(tree, hashes.hash);
    await hashes.save(whole);
    return { isKnown: known !== undefined, parts };
  };
  const whole = await treeStat(tree, readNames(tree));
  expect(whole).toMatch(/^[0-9a-f]{64}$/);
  expect((await look(whole)).isKnown).toBe(false);
  expect((await look(whole)).isKnown, 'it was young').toBe(false);
  const later = Date.now() + 60_000;
  const first = await look(whole, later);
  const second = await look(whole, later);
  expect([first.isKnown, second.isKnown]).toEqual([false, true]);
  expect([...second.parts]).toEqual([...first.parts]);
  expect((await look(undefined, later)).isKnown, 'without find').toBe(false);
  writeFileSync(join(tree, 'package/app/app.mk'), 'changed');
  expect(await treeStat(tree, readNames(tree))).not.toBe(whole);
  expect(await treeStat(join(tree, 'no-such'), ['x']), 'what find cannot tell').toBeUndefined();
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
