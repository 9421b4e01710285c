import { expect, test } from 'vitest';
import { type Expression, formatExpression } from './expression.ts';
import { splitWords, WordReader } from './words.ts';

const expression = (text: string): Expression => new WordReader(splitWords(text, undefined)).expression(true);
const format = (text: string): string => formatExpression(expression(text), '', () => true);

test.each([
  ['A', 'A'],
  ['A || B && C', 'A || (B && C)'],
  ['(A || B) && C', '(A || B) && C'],
  ['!A && !(B||C)', '!A && !(B || C)'],
  ['!A=y', '!(A = y)'],
  ['A!="musl"', 'A != "musl"'],
  ['A>=7 && 8 < B', 'A >= 7 && 8 < B'],
  ['A # && B', 'A'],
  ["A = 'it''s'", 'A = "it"'],
])('%s is read as %s', (text, expected) => expect(format(text)).toBe(expected));

test('quotes keep what is inside, without escapes', () => {
  expect(splitWords('"a \\"b\\" # c" if D', undefined)).toEqual([
    { kind: 'quoted', text: 'a "b" # c' },
    { kind: 'word', text: 'if' },
    { kind: 'word', text: 'D' },
  ]);
});

test('a bare m depends on modules in a condition only', () => {
  const words = splitWords('m', undefined);
  expect(new WordReader(words).expression(true)).toEqual({ kind: 'module' });
  expect(new WordReader(words).expression(false)).toEqual({ kind: 'constant', text: 'm' });
});

test('macros are replaced in words and in quotes, and unknown if they are', () => {
  const expand = (text: string): string | undefined =>
    text.includes('shell') ? undefined : text.replace('$(ARCH)', 'x86');
  expect(splitWords('arch/$(ARCH)/Kconfig "$(ARCH)" $(shell,echo "(a)") B', expand)).toEqual([
    { kind: 'word', text: 'arch/x86/Kconfig' },
    { kind: 'quoted', text: 'x86' },
    { kind: 'unknown', text: '$(shell,echo "(a)")' },
    { kind: 'word', text: 'B' },
  ]);
  expect(splitWords('"$(TOPDIR)/dl"', undefined)).toEqual([{ kind: 'quoted', text: '$(TOPDIR)/dl' }]);
});
