import { expect, test } from 'vitest';
import type { Event } from './events.ts';
import { liveReport } from './live.ts';

const PLAN: Event = { kind: 'plan', steps: [{ step: 'demo/root', title: 'compose the root' }] };
const NOTE: Event = { kind: 'note', text: 'waiting' };
const RESULT: Event = { kind: 'result', value: 1, text: 'one' };

test('tells at once what comes before the first step, and draws nothing for a build with nothing to do', async () => {
  const told: Event[] = [];
  const { report, close } = liveReport((event) => told.push(event));
  report(PLAN);
  report(NOTE);
  expect(told).toEqual([NOTE]);
  report({ kind: 'step-ended', step: 'demo/root', outcome: 'fresh', ms: 0 });
  report(RESULT);
  expect(told).toEqual([NOTE, RESULT]);
  await close();
  expect(told).toEqual([NOTE, RESULT]);
});

test('keeps what is said during the steps until the tree is drawn', async () => {
  const told: Event[] = [];
  const { report, close } = liveReport((event) => told.push(event));
  report(PLAN);
  report({ kind: 'step-started', step: 'demo/root', title: 'compose the root' });
  report({ kind: 'step-progress', step: 'demo/root', text: 'half', done: 1, total: 2, unit: 'packages' });
  report({ kind: 'warning', text: 'a small one' });
  report({ kind: 'step-ended', step: 'demo/root', outcome: 'done', ms: 1200 });
  report(RESULT);
  expect(told).toEqual([]);
  await close();
  expect(told).toEqual([{ kind: 'warning', text: 'a small one' }, RESULT]);
});
