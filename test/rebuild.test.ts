/** Building again: what did not change is not made again, status says what did, and both tell it to people and to machines. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../cli/ui/events.ts';
import { coracle } from './support/coracle.ts';
import { writeTree } from './support/files.ts';
import { listing } from './support/refused.ts';
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

test('a damaged result is made again', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const stages = join(project, 'workspaces/small/stages');
  for (const broken of ['', '{', 'null', '{"key":1}', '[]']) {
    writeFileSync(join(stages, 'disk/.stage.json'), broken);
    expect(Object.keys(await status(project))).toEqual(['disk']);
  }
  writeFileSync(join(project, 'workspaces/small/hashes.json'), 'null');
  expect(startedIn(await build(project))).toEqual(['disk']);
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
