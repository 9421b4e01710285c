import { expect, test } from 'vitest';
import { compareTexts, isTruth } from './comparison.ts';

test.each([
  ['10', 'int', '9', undefined, 1],
  ['10', 'string', '9', 'string', -1],
  ['0x10', 'hex', '16', 'int', 0],
  ['10', 'hex', '0x10', undefined, 0],
  ['010', undefined, '8', 'int', 0],
  ['-1', 'int', '1', 'int', -1],
  ['y', 'bool', 'y', undefined, 0],
  ['m', 'tristate', 'y', 'tristate', -1],
  ['', 'string', '', undefined, 0],
  ['4 9', 'string', '4 9', undefined, 0],
  ['09', undefined, '9', undefined, -1],
] as const)('%s (%s) against %s (%s) is %d', (left, leftType, right, rightType, order) => {
  expect(compareTexts(left, leftType, right, rightType)).toBe(order);
});

test('operators', () => {
  const all = ['=', '!=', '<', '<=', '>', '>='] as const;
  expect([-1, 0, 1].map((order) => all.filter((operator) => isTruth(order, operator)))).toEqual([
    ['!=', '<', '<='],
    ['=', '<=', '>='],
    ['!=', '>', '>='],
  ]);
});
