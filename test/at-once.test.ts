/** Builds at the same time: of one workspace they wait for each other, of several projects they share one cache. */
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeLock } from '../cli/host/lock.ts';
import { coracle, startCoracle } from './support/coracle.ts';
import { temporaryDirectory, writeTree } from './support/files.ts';
import { privateCache } from './support/private-cache.ts';
import { expectRefused } from './support/refused.ts';
import { builtProject, CACHE, FIRST_BUILD_MS, SMALL } from './support/small-project.ts';

const copyOfBuilt = builtProject();
const GOOD = { exitCode: 0, signal: null };

/** A build whose hook waits: it holds all that a build holds until it may go on. */
async function waitingBuild(project: string, variables: Readonly<Record<string, string>>) {
  const [there, go] = [join(project, 'there'), join(project, 'go')];
  writeTree(project, {
    'layers/my/app/hooks/root.sh': {
      program: `#!/bin/sh\ntouch '${there}'\nwhile ! test -e '${go}'; do sleep 0.1; done\n`,
    },
  });
  const build = startCoracle(project, ['build', 'small', '--offline'], variables);
  await expect.poll(() => existsSync(there), { timeout: FIRST_BUILD_MS }).toBe(true);
  return { build, goOn: () => writeFileSync(go, '') };
}

test('a second build of a workspace waits, or says who holds it', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const { build: first, goOn } = await waitingBuild(project, CACHE);
  const holder = `process ${first.child.pid} on ${hostname()} (coracle build small, since `;

  expectRefused(await coracle(project, ['build', 'small', '--offline', '--no-wait'], CACHE), [
    `workspace small is in use by ${holder}`,
    'wait for it to end, or stop it',
  ]);
  expectRefused(await coracle(project, ['clean', 'small'], CACHE), [`workspace small is in use by ${holder}`]);

  const impatient = startCoracle(project, ['build', 'small', '--offline'], CACHE);
  await impatient.event((event) => event.kind === 'note' && /^workspace small is in use by/.test(event.text));
  impatient.child.kill('SIGINT');
  expect(await impatient.ended).toEqual({ exitCode: 130, signal: null });

  const second = startCoracle(project, ['build', 'small', '--offline'], CACHE);
  const note = await second.event((event) => event.kind === 'note');
  expect(note).toMatchObject({
    text: expect.stringMatching(
      new RegExp(`^workspace small is in use by process ${first.child.pid} .*: waiting$`),
    ) as string,
  });
  goOn();
  expect([await first.ended, await second.ended]).toEqual([GOOD, GOOD]);
  expect(second.events.filter((event) => event.kind === 'step-started')).toEqual([]);
  expect(existsSync(join(project, 'workspaces/small/lock'))).toBe(false);
});

test('the disk of a guest that runs is not cleaned away', async (context) => {
  const project = copyOfBuilt(context);
  const places = ['run/disk.img', 'stages'].map((name) => join(project, 'workspaces/small', name));
  writeTree(project, { 'workspaces/small/run/disk.img': 'persist' });
  {
    const what = 'the virtual machine of workspace small';
    await using _guest = await takeLock(join(project, 'workspaces/small/run/lock'), {
      what,
      purpose: 'coracle run small',
    });
    expectRefused(await coracle(project, ['clean', 'small', '--run'], CACHE), [
      `the virtual machine of workspace small is in use by process ${process.pid}`,
    ]);
    expect(places.map((place) => existsSync(place))).toEqual([true, true]);
  }
  expect(await coracle(project, ['clean', 'small'], CACHE)).toMatchObject({ exitCode: 0 });
  expect(places.map((place) => existsSync(place))).toEqual([true, false]);
  expect(await coracle(project, ['clean', 'small', '--run'], CACHE)).toMatchObject({ exitCode: 0 });
  expect(places.map((place) => existsSync(place))).toEqual([false, false]);
});

test('the cache is not cleaned away under a build, and otherwise alone', {
  timeout: FIRST_BUILD_MS,
}, async (context) => {
  const project = copyOfBuilt(context);
  const { directory, variables } = await privateCache(project);
  const elsewhere = temporaryDirectory();
  const { build, goOn } = await waitingBuild(project, variables);
  for (const args of [['--cache'], ['small', '--cache']]) {
    expectRefused(await coracle(project, ['clean', ...args], variables), [
      `the cache ${directory} is in use by process ${build.child.pid} on ${hostname()} (coracle build small, since `,
    ]);
  }
  goOn();
  expect(await build.ended).toEqual(GOOD);
  expect(readdirSync(join(directory, 'in-use'))).toEqual([]);

  // The sign of one that was killed, and a cache that is a link: only its content goes.
  const dead = { pid: 1, host: hostname(), startTicks: '0', boot: 'another', purpose: 'coracle build x', since: '' };
  writeTree(directory, { 'in-use/1-00000000': JSON.stringify(dead) });
  const link = join(elsewhere, 'cache');
  symlinkSync(directory, link);
  const cleaned = await coracle(elsewhere, ['clean', '--cache'], { CORACLE_CACHE: link });
  expect(cleaned).toMatchObject({ exitCode: 0, stderr: `cleaned the cache ${link}\n` });
  expect(readdirSync(directory)).toEqual([]);
  expect(existsSync(join(project, 'workspaces/small/stages'))).toBe(true);
  expect(await coracle(project, ['clean', 'small', '--cache'], { CORACLE_CACHE: link })).toMatchObject({ exitCode: 0 });
  expect(existsSync(join(project, 'workspaces/small/stages'))).toBe(false);
});

test('projects that are built side by side share what they unpack', { timeout: FIRST_BUILD_MS }, async (context) => {
  const built = copyOfBuilt(context);
  const cache = await privateCache(built);
  const projects = Array.from({ length: 3 }, () => {
    const project = writeTree(temporaryDirectory(), SMALL);
    cpSync(join(built, 'coracle.lock'), join(project, 'coracle.lock'));
    return project;
  });
  const builds = projects.map((project) => startCoracle(project, ['build', 'small', '--offline'], cache.variables));
  for (const build of builds) expect(await build.ended, JSON.stringify(build.events.at(-1))).toEqual(GOOD);
  const manifest = (project: string) =>
    readFileSync(join(project, 'workspaces/small/stages/slot/manifest.json'), 'utf8');
  expect(projects.map(manifest)).toEqual(projects.map(() => manifest(built)));
});

test('workspaces of one project are built side by side, and write one lock', {
  timeout: FIRST_BUILD_MS,
}, async (context) => {
  const built = copyOfBuilt(context);
  const yaml = readFileSync(join(built, 'coracle.yaml'), 'utf8');
  const other = yaml.slice(yaml.indexOf('  small:')).replace('small:', 'other:');
  const project = writeTree(temporaryDirectory(), { ...SMALL, 'coracle.yaml': `${yaml}${other}` });
  const ran = await coracle(project, ['build', '--all', '-j', '2', '--offline'], CACHE);
  if (/coracle\.lock does not say/.test(ran.stderr)) context.skip('the cache has no package lists');
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  const lock = readFileSync(join(project, 'coracle.lock'), 'utf8');
  expect(lock).toMatch(/^ {2}other:/m);
  expect(lock).toMatch(/^ {2}small:/m);
});
