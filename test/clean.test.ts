/** What `coracle clean` removes, and what it leaves; that a build holds it off is in at-once.test.ts. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coracle } from './support/coracle.ts';
import { fullDisk, temporaryDirectory, treeOf } from './support/files.ts';
import { expectRefused } from './support/refused.ts';

const YAML = 'default: one\nworkspaces:\n  one: {layers: [a/b]}\n  two: {layers: [not/there]}\n';

function project() {
  const directory = treeOf({
    'coracle.yaml': YAML,
    ...Object.fromEntries(['one', 'two', 'a-b+12345678'].map((name) => [`workspaces/${name}/stages/x`, ''])),
    'workspaces/one/run/disk.img': '',
    'workspaces/README': '',
  });
  return { directory, left: () => readdirSync(join(directory, 'workspaces'), { recursive: true }).sort() };
}

test('every workspace that was built, whether or not its layers are still there', async () => {
  const { directory, left } = project();
  expect((await coracle(directory, ['clean', 'two'])).stderr).toBe('cleaned two\n');
  expect((await coracle(directory, ['clean', '--all'])).stderr).toBe(
    'cleaned a-b+12345678\ncleaned one\ncleaned two\n',
  );
  expect(left()).toEqual(['README', 'a-b+12345678', 'one', 'one/run', 'one/run/disk.img', 'two']);
  expect((await coracle(directory, ['clean', '--run'])).stderr).toBe('cleaned one\n');
  expect(left()).toEqual(['README', 'a-b+12345678', 'one', 'two']);
});

test('only the cache, without a project or beside one', async () => {
  const cache = treeOf({ 'downloads/x.deb': '' });
  const { directory, left } = project();
  const before = left();
  expect(await coracle(directory, ['clean', '--cache'], { CORACLE_CACHE: cache })).toMatchObject({ exitCode: 0 });
  expect(readdirSync(cache)).toEqual([]);
  expect(left()).toEqual(before);
  const missing = { CORACLE_CACHE: join(cache, 'not/there') };
  expect(await coracle(temporaryDirectory(), ['clean', '--cache'], missing)).toMatchObject({ exitCode: 0 });
  expect(existsSync(join(cache, 'not'))).toBe(false);
});

test('a cache that is none is left alone', async () => {
  const refused = await coracle(temporaryDirectory(), ['clean', '--cache'], { CORACLE_CACHE: '/dev/null' });
  expectRefused(refused, ['cannot write into the cache /dev/null', 'CORACLE_CACHE']);
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

test('a cache that may only be read is left alone', async (context) => {
  const cache = fullDisk(context, { 'downloads/x.deb': '' });
  execFileSync('mount', ['-o', 'remount,ro', cache]);
  const refused = await coracle(temporaryDirectory(), ['clean', '--cache'], { CORACLE_CACHE: cache });
  expectRefused(refused, [`cannot write into the cache ${cache}`, 'read-only file system', 'hint: let CORACLE_CACHE']);
});
