/**
 * A disk that is full, at whatever point of a build: as a small file system that the workspace or the cache is on. The
 * failure says so, what was there stays, and with more room the same build goes on to the same image.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { coracle } from '../support/coracle.ts';
import { fullDisk, temporaryDirectory, writeTree } from '../support/files.ts';
import { privateCache } from '../support/private-cache.ts';
import { expectRefused, listing } from '../support/refused.ts';
import { builtProject, CACHE, FIRST_BUILD_MS, SMALL } from '../support/small-project.ts';

const copyOfBuilt = builtProject();

/** An empty file system of a size that can be changed, on a directory. */
function smallDisk(context: TestContext, directory: string): (size: string) => void {
  mkdirSync(directory, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', directory], { stdio: 'pipe' });
  } catch (error) {
    context.skip(`cannot mount a tmpfs here: ${(error as Error).message.split('\n').at(-2) ?? ''}`);
  }
  onTestFinished(() => {
    execFileSync('umount', [directory]);
  });
  return (size) => execFileSync('mount', ['-o', `remount,size=${size}`, directory]);
}

const image = (project: string) =>
  listing(join(project, 'workspaces/small/stages'), /^(?!slot\/|disk\/)|\.stage\.json$/);

test('as the workspace', { timeout: FIRST_BUILD_MS }, async (context) => {
  const built = copyOfBuilt(context);
  const project = temporaryDirectory();
  const resize = smallDisk(context, join(project, 'workspaces'));
  writeTree(project, SMALL);
  cpSync(join(built, 'coracle.lock'), join(project, 'coracle.lock'));
  const stages = join(project, 'workspaces/small/stages');
  const before = listing(join(project, 'layers'));
  for (const size of ['4k', '16k', '20k', '256k', '2m', '16m', '24m', '30m', '44m']) {
    resize(size);
    expectRefused(await coracle(project, ['build', 'small', '--offline'], CACHE), ['hint: free some room']);
    const left = existsSync(stages) ? readdirSync(stages) : [];
    expect(
      left.filter((name) => /\.(new|scratch|old)$/.test(name)),
      size,
    ).toEqual([]);
    for (const name of left) expect(readdirSync(join(stages, name)), size).toContain('.stage.json');
    expect(listing(join(project, 'layers'))).toEqual(before);
  }
  resize('300m');
  const ran = await coracle(project, ['build', 'small', '--offline'], CACHE);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  expect(image(project)).toEqual(image(built));
});

test('as the cache', { timeout: FIRST_BUILD_MS }, async (context) => {
  const built = copyOfBuilt(context);
  const project = writeTree(temporaryDirectory(), SMALL);
  cpSync(join(built, 'coracle.lock'), join(project, 'coracle.lock'));
  const whole = await privateCache(built);
  const directory = join(temporaryDirectory(), 'cache');
  const resize = smallDisk(context, directory);
  symlinkSync(join(whole.directory, 'downloads'), join(directory, 'downloads'));
  symlinkSync(join(whole.directory, 'device'), join(directory, 'device'));
  for (const size of ['4k', '64k', '2m', '40m']) {
    resize(size);
    expectRefused(await coracle(project, ['build', 'small', '--offline'], { CORACLE_CACHE: directory }), [
      `error: cannot write into the cache ${directory}`,
      'the disk is full',
      'hint: free some room (coracle clean --cache',
      'log: workspaces/small/logs/packages.log',
    ]);
    const unpacked = join(directory, 'unpacked');
    expect(existsSync(unpacked) ? readdirSync(unpacked).filter((name) => name.endsWith('.tmp')) : []).toEqual([]);
  }
  resize('800m');
  const ran = await coracle(project, ['build', 'small', '--offline'], { CORACLE_CACHE: directory });
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  expect(image(project)).toEqual(image(built));
});

test('as the cache of apt', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = writeTree(temporaryDirectory(), SMALL);
  const directory = join(temporaryDirectory(), 'cache');
  smallDisk(context, directory)('96k');
  expectRefused(await coracle(project, ['build', 'small'], { CORACLE_CACHE: directory }), [
    `error: cannot write into the cache ${directory}`,
    'the disk is full',
    'CORACLE_CACHE',
  ]);
});

test('as a cache that may only be read', { timeout: FIRST_BUILD_MS }, async (context) => {
  const built = copyOfBuilt(context);
  const whole = await privateCache(built);
  const directory = join(temporaryDirectory(), 'cache');
  const resize = smallDisk(context, directory);
  resize('64k');
  symlinkSync(join(whole.directory, 'downloads'), join(directory, 'downloads'));
  mkdirSync(join(directory, 'unpacked'));
  const variables = { CORACLE_CACHE: directory };
  execFileSync('mount', ['-o', 'remount,ro', directory]);
  const project = writeTree(temporaryDirectory(), SMALL);
  cpSync(join(built, 'coracle.lock'), join(project, 'coracle.lock'));
  expectRefused(await coracle(project, ['build', 'small', '--offline'], variables), [
    `error: cannot write into the cache ${directory}`,
    'it is on a read-only file system',
    'hint: let CORACLE_CACHE name a directory',
  ]);
  execFileSync('mount', ['-o', 'remount,rw,size=800m', directory]);
  cpSync(join(whole.directory, 'device'), join(directory, 'device'), { recursive: true });
  const first = await coracle(project, ['build', 'small', '--offline'], variables);
  expect(first, first.stderr).toMatchObject({ exitCode: 0 });
  // What only saves time may be missing, and cannot be written.
  for (const name of readdirSync(join(directory, 'device')).filter((one) => one.endsWith('.json'))) {
    rmSync(join(directory, 'device', name));
  }
  execFileSync('mount', ['-o', 'remount,ro', directory]);
  const other = writeTree(temporaryDirectory(), SMALL);
  cpSync(join(built, 'coracle.lock'), join(other, 'coracle.lock'));
  const second = await coracle(other, ['build', 'small', '--offline'], variables);
  expect(second, second.stderr).toMatchObject({ exitCode: 0 });
  expect(image(other)).toEqual(image(built));
});

test.for<[string, readonly string[], readonly string[]]>([
  ['build', ['build', 'small', '--offline'], ['cannot write', 'at workspaces/small/lock']],
  ['clean', ['clean', 'small'], ['cannot write', 'at workspaces/small/lock']],
  ['new layer', ['new', 'layer', 'my/lamp'], ['cannot write', 'at ']],
])('that holds the project, or may only be read: %s', async ([_, args, words], context) => {
  const project = fullDisk(context, { ...SMALL, 'workspaces/small/': '' });
  const before = listing(project);
  const full = await coracle(project, args, CACHE);
  expectRefused(full, [...words, 'the disk is full', 'hint: free some room']);
  expect(listing(project)).toEqual(before);
  execFileSync('mount', ['-o', 'remount,ro', project]);
  const readOnly = await coracle(project, args, CACHE);
  expectRefused(readOnly, [...words, 'it is on a read-only file system', 'hint: work in a directory']);
});
