import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryBeside } from './files.ts';
import { removeLeftovers } from './leftovers.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leftovers-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('what was left a day ago goes; work, results and foreign files stay', async () => {
  const longAgo = new Date('2020-01-01');
  const left = temporaryBeside(join(directory, 'left'));
  await mkdir(left);
  await writeFile(join(left, 'data.tar'), 'half');
  const result = join(directory, 'result');
  const foreign = join(directory, 'notes.tmp');
  await writeFile(result, '');
  await writeFile(foreign, '');
  for (const path of [left, result, foreign]) await utimes(path, longAgo, longAgo);
  const atWork = temporaryBeside(join(directory, 'at-work'));
  await writeFile(atWork, '');

  await removeLeftovers(directory);
  expect((await readdir(directory)).map((name) => join(directory, name)).sort()).toEqual(
    [atWork, foreign, result].sort(),
  );
});

test('a directory that is not there has none', async () => {
  await expect(removeLeftovers(join(directory, 'none'))).resolves.toBeUndefined();
});
