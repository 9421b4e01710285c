import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { treeOf } from '../../test/support/files.ts';
import type { Value } from '../kconfig/assignment.ts';
import { assignmentsOf } from '../kconfig/fragment.ts';
import { mergeAssignments, winner } from '../kconfig/merge.ts';
import { formatAssignment, sameValue } from '../kconfig/value.ts';
import { editedFiles, readLayerFragments, withSettings } from './layer-fragments.ts';
import { readLayer } from './read-layer.ts';

const NAMESPACE = 'kernel';
const YES: Value = { kind: 'tristate', value: 'y' };
const NO: Value = { kind: 'tristate', value: 'n' };

function layerOf(files: Readonly<Record<string, string>>) {
  const directory = treeOf({ 'kernel/': '', ...files });
  const layer = readLayer('my/app', { kind: 'path', directory, label: 'test' }, directory);
  if (layer === undefined) throw new Error('not a layer');
  return { layer, directory, options: { layer, namespace: NAMESPACE, newFile: 'menuconfig' } as const };
}

test('a symbol is set where the layer has it already, the last time; all else goes into one file', async () => {
  const { layer, directory, options } = layerOf({
    'kernel/10-first': '# why\nCONFIG_A=y # since 2020\nCONFIG_B=y\n',
    'kernel/20-second': 'CONFIG_B=m\r\n# end',
  });
  const before = await readLayerFragments(layer, NAMESPACE);
  const settings = [
    { symbol: 'CONFIG_A', value: NO },
    { symbol: 'CONFIG_B', value: YES },
    { symbol: 'CONFIG_C', value: YES },
    { symbol: 'CONFIG_D', value: NO },
  ];
  expect([...editedFiles(before, withSettings(before, settings, options))]).toEqual([
    [join(directory, 'kernel/10-first'), '# why\nCONFIG_A=n # since 2020\nCONFIG_B=y\n'],
    [join(directory, 'kernel/20-second'), 'CONFIG_B=y\r\n# end'],
    [join(directory, 'kernel/menuconfig'), 'CONFIG_C=y\n# CONFIG_D is not set\n'],
  ]);
});

test('a second session adds to the file of the first', async () => {
  const { layer, directory, options } = layerOf({ 'kernel/menuconfig': 'CONFIG_A=y' });
  const before = await readLayerFragments(layer, NAMESPACE);
  const after = withSettings(before, [{ symbol: 'CONFIG_B', value: YES }], options);
  expect([...editedFiles(before, after)]).toEqual([[join(directory, 'kernel/menuconfig'), 'CONFIG_A=y\nCONFIG_B=y\n']]);
});

const name = fc.constantFrom('a', 'm', 'menuconfig', 'z', 'Ü b');
const symbol = fc.constantFrom('A', 'B', 'C', 'D').map((letter) => `CONFIG_${letter}`);
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom(YES, NO),
  fc.string().map((text): Value => ({ kind: 'string', value: text.replaceAll(/[\r\n\0]/g, '') })),
);
const line = fc.oneof(
  fc.tuple(symbol, value).map(([one, its]) => formatAssignment(one, its)),
  fc.constantFrom('# a comment', '', 'CONFIG_A=y   # why'),
);
const files = fc.dictionary(name, fc.array(line, { maxLength: 5 }));

test('law: what is set wins in the layer, and every other line stays as it is, in its place', async () => {
  const settings = fc.uniqueArray(fc.record({ symbol, value }), { selector: (one) => one.symbol });
  await fc.assert(
    fc.asyncProperty(files, settings, async (contents, wanted) => {
      const { layer, options } = layerOf(
        Object.fromEntries(Object.entries(contents).map(([file, lines]) => [`kernel/${file}`, lines.join('\n')])),
      );
      const before = await readLayerFragments(layer, NAMESPACE);
      const after = withSettings(before, wanted, options);
      const merged = mergeAssignments(after.flatMap((one) => [...assignmentsOf(one)]));
      for (const one of wanted) {
        const chain = merged.get(one.symbol);
        expect(chain !== undefined && sameValue(winner(chain).value, one.value)).toBe(true);
      }
      const set = new Set(wanted.map((one) => one.symbol));
      for (const fragment of before) {
        const now = after.find((one) => one.file === fragment.file)?.lines ?? [];
        for (const [index, old] of fragment.lines.entries()) {
          if (!set.has(old.assignment?.symbol ?? '')) expect(now[index]?.text).toBe(old.text);
        }
      }
    }),
    { numRuns: 50 },
  );
});
