import { expect, it } from 'vitest';
import { licenceKind, licenceList, spdxIdentifier } from './licence-list.ts';

it('a list ends at commas, not at those of a remark', () => {
  expect(licenceList('GPL-2.0+ (programs, scripts), MIT,  BSD-3-Clause')).toEqual([
    ...['GPL-2.0+ (programs, scripts)', 'MIT', 'BSD-3-Clause'],
  ]);
  expect(licenceList('')).toEqual([]);
});

it.each([
  ['GPL-2.0', 'GPL-2.0-only'],
  ['LGPL-2.1+ (library)', 'LGPL-2.1-or-later'],
  ['MIT', 'MIT'],
  ['MIT-like', undefined],
])('%s is %s for SPDX', (licence, identifier) => {
  expect(spdxIdentifier(licence)).toBe(identifier);
});

it.each([
  ['GPL-2.0+', 'free'],
  ['Public Domain', 'free'],
  ['GPL-3.0 with exception', 'free'],
  ['PROPRIETARY', 'restricted'],
  ['proprietary (firmware blobs)', 'restricted'],
  ['NXP Semiconductor Software License Agreement', 'restricted'],
  ['CC-BY-NC-4.0', 'restricted'],
  ['LGPL-2.0 or commercial', 'free'],
  ['BSD-like', 'unclear'],
  ['gnuplot license', 'unclear'],
])('%s is %s', (licence, kind) => {
  expect(licenceKind(licence)).toBe(kind);
});
