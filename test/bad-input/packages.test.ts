/** Packages that do not exist, cannot be had, or are not what they should be. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { downloadPath } from '../../cli/engines/debian/apt/download.ts';
import { coracle, startCoracle } from '../support/coracle.ts';
import { temporaryDirectory, writeTree } from '../support/files.ts';
import { type Manner, startMirror } from '../support/mirror.ts';
import { noNetwork } from '../support/no-network.ts';
import { type PrivateCache, privateCache, spoil } from '../support/private-cache.ts';
import { processesIn } from '../support/processes.ts';
import { expectRefused, listing, TALK } from '../support/refused.ts';
import { builtProject, CACHE, FIRST_BUILD_MS } from '../support/small-project.ts';

const copyOfBuilt = builtProject();
const GOOD = { exitCode: 0 };

const image = (project: string) => listing(join(project, 'workspaces/small/stages/slot'), /stage\.json$/);

/** The whole package, cut in the middle. */
const half = (whole: Buffer): Buffer => whole.subarray(0, whole.length / 2);
/** One byte of it is another. */
const tampered = (whole: Buffer): Buffer => {
  const copy = Buffer.from(whole);
  copy[copy.length - 100] = (copy[copy.length - 100] ?? 0) ^ 1;
  return copy;
};

function spoilWith(cache: PrivateCache, name: string, change: (whole: Buffer) => Buffer): void {
  spoil(cache, name, ({ sha256 }) => change(readFileSync(downloadPath(CACHE.CORACLE_CACHE, sha256))));
}

test('a package that does not exist', async (context) => {
  const project = copyOfBuilt(context);
  writeTree(project, { 'layers/my/app/debian/app': 'bash\n# a comment\nbusybox-statik\nno-such-thing-at-all\n' });
  const before = listing(project, TALK);
  const ran = await coracle(project, ['build', 'small', '--offline'], CACHE);
  if (/forbids to ask/.test(ran.stderr)) context.skip('the cache has no package lists');
  expectRefused(ran, [
    'has no package busybox-statik',
    'at layers/my/app/debian/app:3',
    'layer: my/app',
    'did you mean busybox-static?',
    'has no package no-such-thing-at-all',
    'at layers/my/app/debian/app:4',
    'log: workspaces/small/logs/packages.log',
  ]);
  expect(listing(project, TALK)).toEqual(before);
});

test('a list with lines that are none', async (context) => {
  const project = copyOfBuilt(context);
  writeTree(project, { 'layers/my/app/debian/app': 'bash\n$(touch pwned)\nbash; touch pwned\n-o=Dir::Etc=/\n' });
  const before = listing(project, TALK);
  expectRefused(await coracle(project, ['build', 'small', '--offline'], CACHE), [
    '"$(touch pwned)" is no package',
    'at layers/my/app/debian/app:2',
    'at layers/my/app/debian/app:3',
    'at layers/my/app/debian/app:4',
    'one package a line',
  ]);
  expect(listing(project, TALK)).toEqual(before);
});

describe.each([
  ['cut', half, 'is not in the cache, and --offline forbids to fetch'],
  ['tampered with', tampered, 'is damaged, and --offline forbids to fetch it again'],
] as const)('a cached download that was %s', (_, change, words) => {
  test('is noticed, and fetched again', { timeout: FIRST_BUILD_MS }, async (context) => {
    const project = copyOfBuilt(context);
    const before = image(project);
    const cache = await privateCache(project);
    const mirror = await startMirror(project, CACHE.CORACLE_CACHE);
    spoilWith(cache, 'busybox-static', change);
    const variables = { ...cache.variables, ...mirror.variables };
    expectRefused(await coracle(project, ['build', 'small', '--offline'], variables), [`busybox-static`, words]);
    expect(image(project)).toEqual(before);
    const ran = await coracle(project, ['build', 'small'], variables);
    expect(ran, ran.stderr).toMatchObject(GOOD);
    expect(mirror.asked).toEqual([expect.stringContaining('busybox-static')]);
    expect(image(project)).toEqual(before);
  });
});

describe('a mirror', () => {
  test.for<[Manner, readonly string[]]>([
    ['cut', ['cannot fetch busybox-static', 'check the network']],
    ['other', ['busybox-static', 'has another hash than coracle.lock', 'try another mirror']],
    ['gone', ['the mirror no longer has busybox-static', 'run coracle update']],
    ['broken', ['cannot fetch busybox-static', '500', 'check the network']],
  ])('that is %s', async ([manner, words], context) => {
    const project = copyOfBuilt(context);
    const cache = await privateCache(project);
    const mirror = await startMirror(project, CACHE.CORACLE_CACHE);
    mirror.manner = manner;
    const one = spoil(cache, 'busybox-static', () => Buffer.from(''));
    const before = listing(project, TALK);
    const ran = await coracle(project, ['build', 'small'], { ...cache.variables, ...mirror.variables });
    expectRefused(ran, [...words, 'log: workspaces/small/logs/packages.log', 'try again: coracle build small']);
    expect(listing(project, TALK)).toEqual(before);
    // What came is not in the place of the package.
    const file = downloadPath(cache.directory, one.sha256);
    expect(existsSync(file) && readFileSync(file).length).toBeFalsy();
  });

  test.for([
    ['SIGKILL', null],
    ['SIGINT', 130],
  ] as const)('that hangs: %s ends the waiting, and the next build fetches', async ([signal, exitCode], context) => {
    const project = copyOfBuilt(context);
    const cache = await privateCache(project);
    const mirror = await startMirror(project, CACHE.CORACLE_CACHE);
    const variables = { ...cache.variables, ...mirror.variables };
    mirror.manner = 'hang';
    spoil(cache, 'busybox-static', () => Buffer.from(''));
    const run = startCoracle(project, ['build', 'small'], variables);
    await expect.poll(() => mirror.asked.length, { timeout: FIRST_BUILD_MS }).toBe(1);
    run.child.kill(signal);
    expect(await run.ended).toMatchObject({ exitCode });
    await expect.poll(() => processesIn(cache.directory), { timeout: 10_000 }).toEqual([]);
    mirror.manner = 'good';
    const ran = await coracle(project, ['build', 'small'], variables);
    expect(ran, ran.stderr).toMatchObject(GOOD);
    expect(readdirSync(join(cache.directory, 'downloads'))).not.toContain('fetch.lock');
  });
});

describe('without a network', () => {
  test('what is locked and in the cache is built', { timeout: FIRST_BUILD_MS }, async (context) => {
    const project = copyOfBuilt(context);
    const before = image(project);
    rmSync(join(project, 'workspaces'), { recursive: true });
    const ran = await coracle(project, ['build', 'small'], CACHE, noNetwork(context));
    expect(ran, ran.stderr).toMatchObject(GOOD);
    expect(image(project)).toEqual(before);
  });

  test('what is not locked says which mirror cannot be reached', { timeout: FIRST_BUILD_MS }, async (context) => {
    const project = copyOfBuilt(context);
    writeTree(project, { 'layers/my/app/debian/app': 'nano\n' });
    const before = listing(project, TALK);
    const ran = await coracle(project, ['build', 'small'], CACHE, noNetwork(context));
    expectRefused(ran, ['the package lists cannot be read from http', 'check the network', '--offline']);
    expect(listing(project, TALK)).toEqual(before);
  });

  test('what is not in the cache is named', { timeout: FIRST_BUILD_MS }, async (context) => {
    const project = copyOfBuilt(context);
    const cache = temporaryDirectory();
    const before = listing(project, TALK);
    const build = (...more: string[]) =>
      coracle(project, ['build', 'small', ...more], { CORACLE_CACHE: cache }, noNetwork(context));
    expectRefused(await build('--offline'), ['base-files', 'are not in the cache, and --offline forbids to fetch']);
    expectRefused(await build(), ['cannot fetch base-files', 'check the network']);
    expect(listing(project, TALK)).toEqual(before);
    rmSync(join(project, 'coracle.lock'));
    expectRefused(await build('--offline'), ['coracle.lock does not say which packages workspace small is made of']);
    expect(existsSync(join(project, 'coracle.lock'))).toBe(false);
  });
});
