import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failuresOf, fullDisk, temporaryDirectory } from '../../test/support/files.ts';
import { writeShortcut, writingCache } from './cache-writes.ts';
import { writeFileAtomic } from './files.ts';
import { takeLock } from './lock.ts';
import { runCommand } from './process.ts';

test('a shortcut is kept where that can be had', async (context) => {
  const file = join(temporaryDirectory(), 'a/kept.json');
  await writeShortcut(file, '{}');
  expect(existsSync(file)).toBe(true);
  await writeShortcut('/dev/null/kept.json', '{}');
  await writeShortcut(join(fullDisk(context), 'kept.json'), '{}'.repeat(4096));
});

test.each<[string, (cache: string) => Promise<unknown>]>([
  ['a file', (cache) => writeFileAtomic(join(cache, 'a/b'), 'x')],
  ['a lock', (cache) => takeLock(join(cache, 'a.lock'), { what: 'a', purpose: 'a test' })],
])('%s in what is no directory fails with the name of the cache and of the variable', async (_, work) => {
  const cache = join(temporaryDirectory(), 'cache');
  writeFileSync(cache, '');
  const [found] = await failuresOf(() => writingCache(cache, () => work(cache)));
  expect(found).toMatchObject({
    code: 'not-a-directory',
    message: `cannot write into the cache ${cache}`,
    place: { file: cache },
    hint: 'let CORACLE_CACHE name a directory that can be written to',
  });
});

test('a program that finds the cache full fails for that, and not for its exit code', async () => {
  const cache = temporaryDirectory();
  mkdirSync(join(cache, 'a'));
  const argv = [
    'sh',
    '-c',
    'echo before; echo "E: Write error - write (28: No space left on device)"; exit 100',
  ] as const;
  const outer = () => writingCache(cache, () => writingCache(join(cache, 'a'), () => runCommand({ argv, cwd: cache })));
  expect(await failuresOf(outer)).toMatchObject([
    {
      code: 'disk-full',
      message: `cannot write into the cache ${join(cache, 'a')}`,
      cause: 'the disk is full: E: Write error - write (28: No space left on device)',
      hint: expect.stringMatching(/^free some room \(coracle clean --cache .*CORACLE_CACHE/) as string,
    },
  ]);
});

test('a failure of another kind stays as it is', async () => {
  const work = () => runCommand({ argv: ['sh', '-c', 'exit 3'], cwd: '/' });
  expect(await failuresOf(() => writingCache('/cache', work))).toMatchObject([{ code: 'command-failed' }]);
});
