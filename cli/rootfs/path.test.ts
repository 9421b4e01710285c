import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failuresOf } from '../../test/support/files.ts';
import { isNormalPath, joinPath, lastName, normalisePath, parentPath, sortByBytes } from './path.ts';

describe('paths', () => {
  test.each([
    ['usr/bin', '/usr/bin'],
    ['./usr/bin/', '/usr/bin'],
    ['/usr//bin', '/usr/bin'],
    ['./', '/'],
    ['', '/'],
    ['a b/ü', '/a b/ü'],
  ])('%j is %s', (written, path) => {
    expect(normalisePath(written, 'x')).toBe(path);
    expect(isNormalPath(path)).toBe(true);
  });

  test.each(['../x', 'usr/../../x', '/..', 'a/..'])('%j is refused', async (written) => {
    const [failure] = await failuresOf(() => normalisePath(written, 'package evil'));
    expect(failure).toMatchObject({ code: 'path-escape', message: expect.stringContaining('package evil') });
  });

  test.each(['', 'usr', '/usr/', '//usr', '/./a', '/a/..', '/a/../b', '/a\0b'])('%j is no path of a tree', (path) => {
    expect(isNormalPath(path)).toBe(false);
  });

  test('a name that begins with dots is a name', () => {
    expect(isNormalPath('/...')).toBe(true);
    expect(isNormalPath('/..a/.b')).toBe(true);
  });

  test('parent and last name put together are the path', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), (names) => {
        const path = `/${names.join('/')}`;
        expect(joinPath(parentPath(path), lastName(path))).toBe(path);
        expect(normalisePath(path, 'x')).toBe(path);
      }),
    );
  });

  test('are sorted as their bytes are', () => {
    // U+FFFD is above every surrogate in UTF-16 and below the emoji in UTF-8.
    expect(sortByBytes(['/\u{1F600}', '/\uFFFD', '/a', '/a/b', '/a-b'])).toEqual([
      '/a',
      '/a-b',
      '/a/b',
      '/\uFFFD',
      '/\u{1F600}',
    ]);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        const byBytes = [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(sortByBytes([...texts]).map((text) => Buffer.from(text))).toEqual(
          byBytes.map((text) => Buffer.from(text)),
        );
      }),
    );
  });
});
