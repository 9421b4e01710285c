import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { JobBudget } from '../host/job-budget.ts';
import type { Event } from '../ui/events.ts';
import { inspectStages } from './inspect-stages.ts';
import { runStages } from './run-stages.ts';
import type { Stage, StageContext } from './stage.ts';

let workspace: string;
let events: Event[];

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'stages-'));
  events = [];
});
afterEach(() => rm(workspace, { recursive: true, force: true }));

function stage(
  name: string,
  input: () => string,
  needs: Stage[],
  run?: (context: StageContext) => Promise<void>,
): Stage {
  return {
    name,
    title: `make ${name}`,
    needs,
    inputs: async () => [{ name: 'input', hash: input() }],
    run: async (context) => {
      await writeFile(join(context.output, 'result'), `${name} of ${input()}`);
      await run?.(context);
      return {};
    },
  };
}

async function build(stages: readonly Stage[], signal = new AbortController().signal): Promise<void> {
  await runStages(stages, {
    workspace,
    name: 'demo',
    report: (event) => events.push(event),
    signal,
    jobs: new JobBudget(2),
  });
}

function ran(): string[] {
  return events.flatMap((event) => (event.kind === 'step-started' ? [event.step] : []));
}

test('runs what is stale, and only that', async () => {
  let a = '1';
  const first = stage('first', () => a, []);
  const other = stage('other', () => 'x', []);
  const last = stage('last', () => 'y', [first, other]);
  await build([last]);
  expect(ran().sort()).toEqual(['demo/first', 'demo/last', 'demo/other']);
  events = [];
  await build([last]);
  expect(ran()).toEqual([]);
  a = '2';
  const status = await inspectStages([last], workspace);
  expect(status.map((s) => [s.stage.name, s.state, s.because])).toEqual([
    ['first', 'stale', ['changed input']],
    ['other', 'fresh', []],
    ['last', 'stale', ['needs first']],
  ]);
  await build([last]);
  expect(ran()).toEqual(['demo/first', 'demo/last']);
  expect(await readFile(join(workspace, 'stages/first/result'), 'utf8')).toBe('first of 2');
});

test('a result that is the same by its digest makes nothing after it stale', async () => {
  let a = '1';
  const first: Stage = { ...stage('first', () => a, []), run: async () => ({ digest: 'same' }) };
  const last = stage('last', () => 'y', [first]);
  await build([last]);
  a = '2';
  events = [];
  await build([last]);
  expect(ran()).toEqual(['demo/first']);
});

test('a failing stage leaves the former result and nothing half-made', async () => {
  let a = '1';
  const breaking = stage(
    'only',
    () => a,
    [],
    async () => {
      if (a === '2') throw new Failure({ code: 'broken', message: 'it broke' });
    },
  );
  await build([breaking]);
  a = '2';
  await expect(build([breaking])).rejects.toMatchObject({
    parts: { code: 'broken', retry: 'coracle build demo', log: join(workspace, 'logs/only.log') },
  });
  expect(await readdir(join(workspace, 'stages'))).toEqual(['only']);
  expect(await readFile(join(workspace, 'stages/only/result'), 'utf8')).toBe('only of 1');
});

test('the first failure stops the stages beside it, and they have ended when it is told', async () => {
  let ended = false;
  const slow = stage(
    'slow',
    () => '1',
    [],
    async ({ signal }) => {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => setTimeout(resolve, 20));
      });
      ended = true;
      throw new Failure({ code: 'stopped', message: 'stopped' });
    },
  );
  const bad = stage(
    'bad',
    () => '1',
    [],
    async () => {
      throw new Failure({ code: 'broken', message: 'it broke' });
    },
  );
  await expect(build([slow, bad])).rejects.toMatchObject({ parts: { code: 'broken' } });
  expect(ended).toBe(true);
});

test('what a killed build left is removed, never taken for a result', async () => {
  const only = stage('only', () => '1', []);
  await build([only]);
  await rm(join(workspace, 'stages/only'), { recursive: true });
  const half = join(workspace, 'stages/only.new');
  await import('node:fs/promises').then((fs) => fs.mkdir(half));
  await writeFile(join(half, 'half'), 'half');
  await build([only]);
  expect((await readdir(join(workspace, 'stages/only'))).sort()).toEqual(['.stage.json', 'result']);
});

describe('a result that somebody', () => {
  const rich = stage(
    'only',
    () => '1',
    [],
    async ({ output }) => {
      await mkdir(join(output, 'empty'));
      await symlink('result', join(output, 'link'));
    },
  );
  const at = (path: string): string => join(workspace, 'stages/only', path);
  const damage = async () => (await inspectStages([rich], workspace)).flatMap(({ because }) => because);

  test.each<[string, () => Promise<unknown>, string]>([
    ['removed a file of', () => rm(at('result')), 'result is missing'],
    ['appended to', () => writeFile(at('result'), 'x', { flag: 'a' }), 'result was changed'],
    ['wrote again, in the same size,', () => writeFile(at('result'), 'only of 2'), 'result was changed'],
    ['put a link into', () => rm(at('result')).then(() => symlink('link', at('result'))), 'result was changed'],
    ['led a link of elsewhere', () => rm(at('link')).then(() => symlink('x', at('link'))), 'link was changed'],
    ['removed a directory of', () => rm(at('empty'), { recursive: true }), 'empty is missing'],
  ])('%s is made again', async (_, spoil, what) => {
    await build([rich]);
    await spoil();
    expect(await damage()).toEqual([`its result is damaged: only/${what}`]);
    events = [];
    await build([rich]);
    expect(ran()).toEqual(['demo/only']);
    expect(await damage()).toEqual([]);
    expect(await readFile(at('result'), 'utf8')).toBe('only of 1');
  });

  test('linked to, put something beside, or copied with times in seconds, is as it was', async () => {
    await build([rich]);
    await link(at('result'), join(workspace, 'another'));
    await writeFile(at('beside'), '');
    expect(await damage()).toEqual([]);
    const { mtime } = await stat(at('result'));
    const seconds = Math.floor(mtime.getTime() / 1000);
    await utimes(at('result'), seconds, seconds);
    expect(await damage()).toEqual([]);
    await utimes(at('result'), seconds - 1, seconds - 1);
    expect(await damage()).toEqual(['its result is damaged: only/result was changed']);
  });
});

test('a full disk is the user’s trouble, with a hint', async () => {
  const full = stage(
    'only',
    () => '1',
    [],
    async () => {
      throw Object.assign(new Error('no space left on device, write'), { code: 'ENOSPC', path: '/x/result' });
    },
  );
  await expect(build([full])).rejects.toMatchObject({ parts: { code: 'disk-full' } });
});
