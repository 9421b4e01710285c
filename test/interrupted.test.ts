/**
 * Builds that are killed or stopped: whatever the moment, nobody is left running, and the next one ends in the same image.
 */
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Event } from '../cli/ui/events.ts';
import { type Running, startCoracle } from './support/coracle.ts';
import { temporaryDirectory, writeTree } from './support/files.ts';
import { type PrivateCache, privateCache } from './support/private-cache.ts';
import { processesIn } from './support/processes.ts';
import { listing } from './support/refused.ts';
import { builtProject, CACHE, FIRST_BUILD_MS, SMALL } from './support/small-project.ts';

/** Longest that a child may go on after its parent is gone. */
const END_MS = 10_000;
const ROOT_HOOK = '#!/bin/sh\nset -e\ndate -d "@$SOURCE_DATE_EPOCH" -u >"$CORACLE_ROOT/etc/built"\n';
const copyOfBuilt = builtProject({ 'layers/my/app/hooks/root.sh': { program: ROOT_HOOK } });

/** What an image is, without the records of how it was made. */
function image(project: string) {
  return listing(join(project, 'workspaces/small/stages'), /^(?!slot\/|disk\/)|\.stage\.json$/);
}

function halfMade(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => /\.(new|scratch|old|tmp)$/.test(name)) : [];
}

const stageOf = (event: { readonly step: string }): string => event.step.slice(event.step.indexOf('/') + 1);
const started = (event: Event): string => (event.kind === 'step-started' ? stageOf(event) : '');
const ended = (event: Event): string => (event.kind === 'step-ended' ? stageOf(event) : '');

/** Until a stage that has begun has written something, or is over. */
async function untilItWrites(run: Running, stage: string, project: string, cache: PrivateCache): Promise<void> {
  const output = join(project, 'workspaces/small/stages', `${stage}.new`);
  const places = [stage === 'packages' ? join(cache.directory, 'unpacked') : output];
  const hasWritten = (): boolean => places.some((place) => existsSync(place) && readdirSync(place).length > 0);
  while (!hasWritten() && !run.events.some((event) => ended(event) === stage)) await delay(1);
}

describe.each([
  ['SIGKILL', { exitCode: null, signal: 'SIGKILL' }],
  ['SIGINT', { exitCode: 130, signal: null }],
] as const)('a build that gets %s', (signal, end) => {
  const moments = ['at its start', 'when it has written something'];

  test('in each stage in turn ends in the same image', { timeout: FIRST_BUILD_MS }, async (context) => {
    const undisturbed = copyOfBuilt(context);
    const cache = await privateCache(undisturbed);
    const project = writeTree(temporaryDirectory(), SMALL);
    cpSync(join(undisturbed, 'coracle.lock'), join(project, 'coracle.lock'));
    writeTree(project, { 'layers/my/app/hooks/root.sh': { program: ROOT_HOOK } });
    const stages = join(project, 'workspaces/small/stages');
    const build = () => startCoracle(project, ['build', 'small', '--offline'], cache.variables);
    const todo = new Set(
      readdirSync(join(undisturbed, 'workspaces/small/stages')).flatMap((stage) =>
        moments.map((moment) => `${stage} ${moment}`),
      ),
    );
    while (todo.size > 0) {
      const run = build();
      const momentOf = (event: Event) =>
        moments.map((moment) => `${started(event)} ${moment}`).find((one) => todo.has(one));
      const event = await run.event((one) => momentOf(one) !== undefined);
      if (event === undefined) {
        expect(await run.ended, JSON.stringify(run.events.at(-1))).toEqual({ exitCode: 0, signal: null });
        // Made while another one was disturbed: once more.
        for (const one of todo) rmSync(join(stages, one.split(' ')[0] ?? ''), { recursive: true, force: true });
        continue;
      }
      const moment = momentOf(event) ?? '';
      todo.delete(moment);
      if (moment.endsWith('something')) await untilItWrites(run, started(event), project, cache);
      run.child.kill(signal);
      // It may have come to its end in the same moment.
      const how = await run.ended;
      if (how.exitCode !== 0) expect(how, moment).toEqual(end);
      await expect.poll(() => processesIn(project), { timeout: END_MS }).toEqual([]);
      if (signal === 'SIGKILL') continue;
      expect(halfMade(stages), moment).toEqual([]);
      expect(halfMade(join(cache.directory, 'unpacked')), moment).toEqual([]);
      expect(readdirSync(join(project, 'workspaces/small')), moment).not.toContain('lock');
    }
    const last = build();
    expect(await last.ended, JSON.stringify(last.events.at(-1))).toEqual({ exitCode: 0, signal: null });
    expect(halfMade(stages)).toEqual([]);
    expect(image(project)).toEqual(image(undisturbed));
  });

  test('while a hook waits takes the hook and its children with it', async (context) => {
    const project = copyOfBuilt(context);
    const before = image(project);
    const file = 'layers/my/app/hooks/root.sh';
    const wait = `echo $$ >'${join(project, 'waits')}'\nsleep 1000 &\nsleep 1000\ntouch "$CORACLE_ROOT/etc/late"\n`;
    writeTree(project, { [file]: `${ROOT_HOOK}${wait}` });
    const run = startCoracle(project, ['build', 'small', '--offline'], CACHE);
    await expect.poll(() => existsSync(join(project, 'waits')), { timeout: FIRST_BUILD_MS }).toBe(true);
    run.child.kill(signal);
    expect(await run.ended).toEqual(end);
    await expect.poll(() => processesIn(project), { timeout: END_MS }).toEqual([]);
    writeTree(project, { [file]: ROOT_HOOK });
    const again = startCoracle(project, ['build', 'small', '--offline'], CACHE);
    expect(await again.ended, JSON.stringify(again.events.at(-1))).toEqual({ exitCode: 0, signal: null });
    expect(image(project)).toEqual(before);
  });
});
