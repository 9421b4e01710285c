import { expect, it } from 'vitest';
import { failureOf, treeOf } from '../../../../test/support/files.ts';
import { knownVersions, nearestHeaders } from './known-versions.ts';

const FILE = 'toolchain/toolchain-external/toolchain-external-custom/Config.in.options';

function treeKnowing(symbols: readonly string[]): string {
  return treeOf({ [FILE]: symbols.map((name) => `config BR2_TOOLCHAIN_EXTERNAL_${name}\n\tbool "x"\n`).join('\n') });
}

it('reads versions newest first, as numbers', async () => {
  const tree = treeKnowing([
    'GCC_9',
    'GCC_12',
    'GCC_OLD',
    'HEADERS_5_9',
    'HEADERS_6_1',
    'HEADERS_5_10',
    'HEADERS_REALLY_OLD',
  ]);
  expect(await knownVersions(tree)).toEqual({
    gcc: [12, 9],
    headers: [
      [6, 1],
      [5, 10],
      [5, 9],
    ],
  });
});

it('takes headers for the newest version that they are not older than', () => {
  const known = {
    gcc: [],
    headers: [
      [6, 0],
      [5, 15],
      [5, 4],
    ] as const,
  };
  expect(nearestHeaders(known, [6, 1])).toEqual([6, 0]);
  expect(nearestHeaders(known, [5, 15])).toEqual([5, 15]);
  expect(nearestHeaders(known, [5, 10])).toEqual([5, 4]);
  expect(nearestHeaders(known, [4, 19])).toBeUndefined();
});

it('says where it looked', async () => {
  const { parts } = await failureOf(knownVersions('/nowhere'));
  expect(parts).toMatchObject({ code: 'not-buildroot', place: { file: `/nowhere/${FILE}` } });
});
