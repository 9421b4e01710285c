import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Failure, type FailureParts } from '../failure.ts';
import type { Namespace } from './assignment.ts';
import { assignmentsOf, formatFragment, parseFragment, readFragment, withValue } from './fragment.ts';
import { formatAssignment, formatValue } from './value.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle-fragment-'));
afterAll(() => rmSync(directory, { recursive: true }));

const parse = (text: string, namespace?: Namespace) =>
  parseFragment(text, { file: '/layer/kernel/base', layer: 'a/b', namespace });

const values = (text: string) =>
  assignmentsOf(parse(text)).map(({ symbol, value, origin }) => [symbol, value.kind, value.value, origin.line]);

function failureOf(action: () => unknown): FailureParts {
  try {
    action();
  } catch (error) {
    if (error instanceof Failure) return error.parts;
    throw error;
  }
  throw new Error('it did not fail');
}

test('every kind of value is read with its line', () => {
  const text = [
    '# a comment',
    'CONFIG_A=y',
    'CONFIG_B=m',
    'CONFIG_C=n',
    '# CONFIG_D is not set',
    '',
    'CONFIG_E=-12',
    'CONFIG_F=0x1F',
    'BR2_G="a \\"quoted\\" \\\\ text # not a comment"',
    'BR2_H=""',
  ].join('\n');
  expect(values(text)).toEqual([
    ['CONFIG_A', 'tristate', 'y', 2],
    ['CONFIG_B', 'tristate', 'm', 3],
    ['CONFIG_C', 'tristate', 'n', 4],
    ['CONFIG_D', 'tristate', 'n', 5],
    ['CONFIG_E', 'int', '-12', 7],
    ['CONFIG_F', 'hex', '0x1F', 8],
    ['BR2_G', 'string', 'a "quoted" \\ text # not a comment', 9],
    ['BR2_H', 'string', '', 10],
  ]);
});

test('CRLF, byte order mark, blanks, trailing comments and a missing last newline are taken', () => {
  const text = '\ufeffCONFIG_A=y\r\n# CONFIG_B is not set\r\n  CONFIG_C=m  # why\r\nCONFIG_D="x" # why\nCONFIG_E=7\t';
  expect(values(text)).toEqual([
    ['CONFIG_A', 'tristate', 'y', 1],
    ['CONFIG_B', 'tristate', 'n', 2],
    ['CONFIG_C', 'tristate', 'm', 3],
    ['CONFIG_D', 'string', 'x', 4],
    ['CONFIG_E', 'int', '7', 5],
  ]);
  expect(formatFragment(parse(text))).toBe(text);
});

test('prose that ends like an assignment stays prose', () => {
  expect(values('# this is not set\n#CONFIG_A is not set\n# CONFIG_A=y\n# CONFIG_B is not set here\n')).toEqual([]);
});

test.each([
  ['CONFIG_A', 'bad-fragment-line', 1],
  ['CONFIG_A = y', 'bad-fragment-line', 1],
  ['CONFIG_A=', 'bad-value', 10],
  ['  CONFIG_A=yes', 'bad-value', 12],
  ['CONFIG_A="open', 'bad-value', 10],
  ['CONFIG_A="open\\"', 'bad-value', 10],
  ['CONFIG_A="x" y', 'bad-value', 10],
  ['\u0001\u0002', 'bad-fragment-line', 1],
])('%j fails with its place', (text, code, column) => {
  const parts = failureOf(() => parse(`CONFIG_Z=y\n${text}\n`));
  expect(parts).toMatchObject({ code, place: { file: '/layer/kernel/base', line: 2, column }, layer: 'a/b' });
  expect(parts.hint).toBeTruthy();
});

test('a symbol of another namespace is named with where it belongs', () => {
  const kernel = failureOf(() => parse('BR2_INIT_SYSTEMD=y', 'kernel'));
  expect(kernel).toMatchObject({ code: 'wrong-namespace', hint: expect.stringContaining('buildroot/') });
  const buildroot = failureOf(() => parse('# CONFIG_EXT4_FS is not set', 'buildroot'));
  expect(buildroot).toMatchObject({ code: 'wrong-namespace', place: { column: 3, length: 14 } });
  expect(failureOf(() => parse('EXT4_FS=y', 'kernel')).hint).toContain('CONFIG_EXT4_FS');
});

test('binary junk, bad UTF-8 and dangling links fail with file and line', async () => {
  const write = (name: string, data: string | Uint8Array): string => {
    writeFileSync(join(directory, name), data);
    return join(directory, name);
  };
  const zero = write('zero', 'CONFIG_A=y\nCONFIG_\0B=y\n');
  await expect(readFragment(zero, 'a/b')).rejects.toMatchObject({
    parts: { code: 'fragment-not-text', place: { file: zero, line: 2 } },
  });
  const latin = write('latin', Uint8Array.of(0x23, 0x0a, 0x0a, 0x23, 0xfc, 0x0a));
  await expect(readFragment(latin, 'a/b')).rejects.toMatchObject({ parts: { place: { line: 3 } } });
  const link = join(directory, 'link');
  symlinkSync('nowhere', link);
  await expect(readFragment(link, 'a/b')).rejects.toMatchObject({ parts: { code: 'unreadable-file', layer: 'a/b' } });
});

test('10 MB are read in one pass', async () => {
  const lines = Array.from({ length: 400_000 }, (_, index) => `CONFIG_SYMBOL_${index}=y # ${index % 7}`);
  const file = join(directory, 'long');
  const text = lines.join('\n');
  writeFileSync(file, text);
  const fragment = await readFragment(file, 'a/b', 'kernel');
  expect(fragment.lines).toHaveLength(400_000);
  expect(formatFragment(fragment) === text).toBe(true);
});

test('an edit changes only its own line', () => {
  const before = parse('# top\r\nCONFIG_A=y\r\n\r\n# end');
  const set = withValue(before, 'CONFIG_A', { kind: 'string', value: 'a "b" \\' });
  expect(formatFragment(set)).toBe('# top\r\nCONFIG_A="a \\"b\\" \\\\"\r\n\r\n# end');
  const added = withValue(set, 'CONFIG_B', { kind: 'tristate', value: 'n' });
  expect(formatFragment(added)).toBe(`${formatFragment(set)}\r\n# CONFIG_B is not set\r\n`);
  expect(failureOf(() => withValue(before, 'CONFIG_A', { kind: 'string', value: 'a\nb' })).code).toBe('bad-value');
});

const line = fc.oneof(
  fc.constantFrom('', '# comment', '\t', 'CONFIG_A=y', '# CONFIG_B is not set', 'BR2_C=0x0F', '  CONFIG_D="é" # x'),
  fc.string({ unit: 'grapheme' }).map((text) => `#${text.replaceAll(/[\r\n]/g, ' ')}`),
  fc.string({ unit: 'grapheme' }).map((text) => `CONFIG_S=${formatValue(asString(text))}`),
);
const asString = (text: string) => ({ kind: 'string', value: text.replaceAll(/[\r\n]/g, ' ') }) as const;

test('law: what was read is written back byte for byte', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n'))), fc.boolean(), (parts, cut) => {
      const full = parts.map(([text, end]) => text + end).join('');
      const text = cut ? full.replace(/\r?\n$/, '') : full;
      expect(formatFragment(parse(text))).toBe(text);
    }),
  );
});

test('law: a text value survives writing and reading', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const value = asString(text);
      expect(assignmentsOf(parse(formatAssignment('CONFIG_A', value)))[0]?.value).toEqual(value);
    }),
  );
});

test('law: whatever a file holds, it is read and written back, or fails with a place inside of it', () => {
  const noise = fc.string({
    unit: fc.constantFrom('\0', '\t', '\n', '\r', ' ', '"', '#', '=', '\\', 'CONFIG_A', 'y', 'é', '0x1'),
  });
  fc.assert(
    fc.property(noise, (text) => {
      try {
        expect(formatFragment(parse(text))).toBe(text);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const { line = 0, column = 0 } = error.parts.place ?? {};
        expect(text.split('\n')[line - 1]?.length).toBeGreaterThanOrEqual(column - 1);
      }
    }),
    { numRuns: 1000 },
  );
});
