/** Building again: what did not change is not made again, status says what did, and both tell it to people and to machines. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../cli/ui/events.ts';
import { coracle } from './support/coracle.ts';
import { temporaryDirectory, writeTree } from './support/files.ts';
import { expectRefused, listing } from './support/refused.ts';
import { builtProject, CACHE, FIRST_BUILD_MS } from './support/small-project.ts';

const copyOfBuilt = builtProject();
const MOTD = 'layers/my/app/root_overlay/etc/motd';

interface Status {
  readonly stages: readonly { readonly stage: string; readonly state: string; readonly because: readonly string[] }[];
}

async function build(project: string, ...more: string[]): Promise<readonly Event[]> {
  const ran = await coracle(project, ['build', 'small', '--offline', '--json', ...more], CACHE);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  return ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
}

const startedIn = (events: readonly Event[]) =>
  events.flatMap((event) => (event.kind === 'step-started' ? [event.step.replace('small/', '')] : []));

async function status(project: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const { exitCode, stdout } = await coracle(project, ['status', 'small', '--json'], CACHE);
  expect(exitCode).toBe(0);
  const [{ stages }] = JSON.parse(stdout) as [Status];
  return Object.fromEntries(
    stages.filter(({ state }) => state === 'stale').map(({ stage, because }) => [stage, because]),
  );
}

test('with nothing changed, nothing runs and nothing is written', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  await build(project);
  const before = listing(project);
  const events = await build(project);
  expect(startedIn(events)).toEqual([]);
  expect(new Set(events.flatMap((event) => (event.kind === 'step-ended' ? [event.outcome] : [])))).toEqual(
    new Set(['fresh']),
  );
  expect(listing(project)).toEqual(before);
  expect(await status(project)).toEqual({});
});

test('one byte of an overlay: only what depends on it, and because of it', {
  timeout: FIRST_BUILD_MS,
}, async (context) => {
  const project = copyOfBuilt(context);
  writeTree(project, { [MOTD]: 'hallo\n' });
  const before = listing(project);
  expect(await status(project)).toEqual({
    root: ['changed my/app/root_overlay/etc/motd'],
    squashfs: ['needs root'],
    slot: ['needs root', 'needs squashfs'],
    disk: ['needs slot'],
  });
  const text = await coracle(project, ['status', 'small'], CACHE);
  expect(text.stdout).toMatch(/^small: 4 of 10 stages to do\n/);
  expect(text.stdout).toMatch(/^ {2}root +stale {2}changed my\/app\/root_overlay\/etc\/motd$/m);
  expect(listing(project)).toEqual(before);
  expect(startedIn(await build(project))).toEqual(['root', 'squashfs', 'slot', 'disk']);
  // Back as it was: the same image again.
  const other = listing(join(project, 'workspaces/small/stages/slot'), /stage\.json$/);
  writeTree(project, { [MOTD]: 'hello\n' });
  await build(project);
  expect(listing(join(project, 'workspaces/small/stages/slot'), /stage\.json$/)).not.toEqual(other);
});

test('a file that was touched, or mended in place, is the same file', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  rmSync(join(project, MOTD));
  writeFileSync(join(project, MOTD), 'hello\n');
  expect(startedIn(await build(project))).toEqual([]);
});

test('other changes: only what depends on them', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  writeTree(project, { 'layers/my/app/root_overlay/etc/new': '' });
  expect((await status(project))['root']).toEqual(['new my/app/root_overlay/etc/new']);
  rmSync(join(project, MOTD));
  expect((await status(project))['root']).toEqual([
    'new my/app/root_overlay/etc/new',
    'gone my/app/root_overlay/etc/motd',
  ]);
  writeTree(project, { 'layers/my/app/layer.yaml': 'description: An application\nkernelParameters: [quiet]\n' });
  expect(Object.keys(await status(project))).toEqual(['root', 'squashfs', 'slot', 'disk']);
  rmSync(join(project, 'workspaces/small/stages/initramfs'), { recursive: true });
  expect((await status(project))['initramfs']).toEqual(['never built']);
  const started = startedIn(await build(project));
  expect([...started].sort()).toEqual(['disk', 'initramfs', 'root', 'slot', 'squashfs']);
});

test('a damaged record is made again', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const stages = join(project, 'workspaces/small/stages');
  for (const broken of ['', '{', 'null', '{"key":1}', '[]']) {
    writeFileSync(join(stages, 'disk/.stage.json'), broken);
    expect(Object.keys(await status(project))).toEqual(['disk']);
  }
  writeFileSync(join(project, 'workspaces/small/hashes.json'), 'null');
  expect(startedIn(await build(project))).toEqual(['disk']);
});

/** Results by their names inside the workspace's stages, without how they were made. */
const results = (project: string) =>
  listing(join(project, 'workspaces/small/stages'), /^(?!slot\/|disk\/|kernel\/)|stage\.json$/);

test('results that are gone are made again', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const stages = join(project, 'workspaces/small/stages');
  const before = results(project);
  for (const name of readdirSync(join(stages, 'slot'))) {
    if (!name.startsWith('.')) rmSync(join(stages, 'slot', name));
  }
  const files = ['initramfs', 'kernel', 'manifest.json', 'root.squashfs'];
  const { slot = [], ...others } = await status(project);
  expect([...slot].sort()).toEqual(files.map((file) => `its result is damaged: slot/${file} is missing`));
  expect(others).toEqual({ disk: ['needs slot'] });
  expect(startedIn(await build(project))).toEqual(['slot']);
  rmSync(join(stages, 'disk/disk.img'));
  rmSync(join(stages, 'kernel/initramfs'), { recursive: true });
  const found = await status(project);
  expect(found['disk']).toEqual(['its result is damaged: disk/disk.img is missing', 'needs slot']);
  expect(found['kernel']).toContain('its result is damaged: kernel/initramfs/dm-mod.ko is missing');
  expect([...startedIn(await build(project))].sort()).toEqual(['disk', 'kernel']);
  expect(results(project)).toEqual(before);
  expect(await status(project)).toEqual({});
});

test('results that somebody wrote to are made again', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const stages = join(project, 'workspaces/small/stages');
  const before = results(project);
  const image = readFileSync(join(stages, 'disk/disk.img'));
  image.writeUInt8(1, image.length - 1);
  writeFileSync(join(stages, 'disk/disk.img'), image);
  expect(await status(project)).toEqual({ disk: ['its result is damaged: disk/disk.img was changed'] });
  const text = await coracle(project, ['status', 'small'], CACHE);
  expect(text.stdout).toMatch(/^ {2}disk +stale {2}its result is damaged: disk\/disk\.img was changed$/m);
  // A file of the slot is the file of the stage that made it, too.
  appendFileSync(join(stages, 'slot/kernel'), 'x\n');
  const found = await status(project);
  expect(found['slot']).toContain('its result is damaged: slot/kernel was changed');
  expect(found['kernel']).toEqual(['its result is damaged: kernel/kernel was changed']);
  expect([...startedIn(await build(project))].sort()).toEqual(['disk', 'kernel', 'slot']);
  expect(results(project)).toEqual(before);
  expect(await status(project)).toEqual({});
});

test('a copy that keeps times, by cp or by tar, is as fresh as what it was made from', {
  timeout: FIRST_BUILD_MS,
}, async (context) => {
  const project = copyOfBuilt(context);
  await build(project);
  const copies = temporaryDirectory();
  execFileSync('cp', ['--archive', '--no-preserve=links', project, join(copies, 'project')]);
  expect(startedIn(await build(join(copies, 'project')))).toEqual([]);
  rmSync(join(copies, 'project'), { recursive: true });
  writeTree(copies, { 'project/': '' });
  execFileSync('tar', ['--create', '--sparse', '--format=gnu', `--file=${join(copies, 'tar')}`, '.'], { cwd: project });
  execFileSync('tar', ['--extract', `--file=${join(copies, 'tar')}`], { cwd: join(copies, 'project') });
  expect(startedIn(await build(join(copies, 'project')))).toEqual([]);
});

test('an image that is not whole is not run', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  rmSync(join(project, 'workspaces/small/stages/disk/disk.img'));
  const ran = await coracle(project, ['run', 'small', '--check'], CACHE);
  expectRefused(ran, ['disk.img is missing', 'coracle build small']);
});

test('events tell all of a build, in plain lines as well', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  writeTree(project, { [MOTD]: 'one\n' });
  const events = await build(project);
  const steps = events.flatMap((event) => (event.kind === 'plan' ? event.steps.map(({ step }) => step) : []));
  const ended = events.flatMap((event) => (event.kind === 'step-ended' ? [event.step] : []));
  expect([...ended].sort()).toEqual([...steps].sort());
  expect(events.at(-1)).toMatchObject({
    kind: 'result',
    value: [{ name: 'small', disk: expect.any(String) as string }],
  });

  writeTree(project, { [MOTD]: 'two\n' });
  const plain = await coracle(project, ['build', 'small', '--offline'], CACHE);
  expect(plain.exitCode).toBe(0);
  expect(`${plain.stdout}${plain.stderr}`).not.toContain('\u001b');
  expect(plain.stderr).toMatch(/^\[small\/root\] compose the root\n/m);
  expect(plain.stderr).toMatch(/^\[small\/root\] compose the root: done in \d+\.\d s\n/m);
  expect(plain.stdout).toMatch(/^small 0\.1\.0-[0-9a-f]{12}: kernel \d+\.\d MB, initramfs /);

  writeTree(project, { 'layers/my/app/hooks/root.sh': { program: '#!/bin/sh\nexit 1\n' } });
  const failed = await coracle(project, ['build', 'small', '--offline', '--json'], CACHE);
  expect(failed).toMatchObject({ exitCode: 1, stderr: '' });
  const told = failed.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  expect(told.at(-1)).toMatchObject({ kind: 'failure', failure: { code: 'hook-failed', layer: 'my/app' } });
  expect(told).toContainEqual(expect.objectContaining({ kind: 'step-ended', step: 'small/root', outcome: 'failed' }));
});
