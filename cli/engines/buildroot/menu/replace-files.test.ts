import { chmodSync, existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failureOf, treeOf } from '../../../../test/support/files.ts';
import { replaceFiles } from './replace-files.ts';

test('files are replaced or made, and all of it can be taken back', async () => {
  const directory = treeOf({ 'a/one': 'before', 'a/link': { link: 'one' } });
  chmodSync(join(directory, 'a/one'), 0o600);
  const made = join(directory, 'b/c/two');
  const { undo } = await replaceFiles(
    new Map([
      [join(directory, 'a/link'), 'after'],
      [made, 'new'],
    ]),
  );
  expect(readFileSync(join(directory, 'a/one'), 'utf8')).toBe('after');
  expect(statSync(join(directory, 'a/one')).mode & 0o777).toBe(0o600);
  expect(readlinkSync(join(directory, 'a/link'))).toBe('one');
  expect(readFileSync(made, 'utf8')).toBe('new');
  await undo();
  expect(readFileSync(join(directory, 'a/one'), 'utf8')).toBe('before');
  expect(existsSync(join(directory, 'b'))).toBe(false);
});

test('where one cannot be written, all are as before', async () => {
  const directory = treeOf({ one: 'before', file: 'in the way' });
  const texts = new Map([
    [join(directory, 'one'), 'after'],
    [join(directory, 'file/two'), 'new'],
  ]);
  const { parts } = await failureOf(replaceFiles(texts));
  expect(parts.code).toBe('not-a-directory');
  expect(readFileSync(join(directory, 'one'), 'utf8')).toBe('before');
});
