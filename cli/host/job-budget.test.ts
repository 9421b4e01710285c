import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobBudget, type MakeJobs } from './job-budget.ts';
import { runCommand } from './process.ts';

const { signal } = new AbortController();
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle budget '));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Counts what is at work at once. */
function counter() {
  const counted = { now: 0, most: 0 };
  const work = async (): Promise<void> => {
    counted.now += 1;
    counted.most = Math.max(counted.most, counted.now);
    await delay(5);
    counted.now -= 1;
  };
  return { counted, work };
}

describe('without makes', () => {
  it('at most so many at once', async () => {
    const budget = new JobBudget(2);
    const { counted, work } = counter();
    await Promise.all(Array.from({ length: 10 }, () => budget.share(signal, work)));
    expect(counted).toEqual({ now: 0, most: 2 });
  });

  it('first come, first served', async () => {
    const budget = new JobBudget(1);
    const order: number[] = [];
    await Promise.all([1, 2, 3].map((one) => budget.share(signal, async () => void order.push(one))));
    expect(order).toEqual([1, 2, 3]);
  });

  it('who is stopped while waiting leaves the line', async () => {
    const budget = new JobBudget(1);
    const stopper = new AbortController();
    await budget.share(signal, async () => {
      const waiting = budget.share(stopper.signal, async () => 'worked');
      stopper.abort(new Error('enough'));
      await expect(waiting).rejects.toThrow('enough');
    });
    await expect(budget.share(signal, async () => 'worked')).resolves.toBe('worked');
  });

  it('a job that is lent is another one’s, until it is wanted back', async () => {
    const budget = new JobBudget(1);
    const order: string[] = [];
    await budget.share(signal, async (jobs) => {
      await jobs.lend(async () => budget.share(signal, async () => void order.push('other')));
      order.push('one');
    });
    expect(order).toEqual(['other', 'one']);
  });
});

describe('with makes', () => {
  /** Each recipe says when it begins and ends. */
  const RECIPES = `
all: $(addprefix job-,1 2 3 4 5 6)
job-%:
\t@echo + >>$(RECORD); sleep 0.1; echo - >>$(RECORD)
`;

  function make(jobs: MakeJobs, directoryOfMake: string, more: { readonly signal?: AbortSignal } = {}) {
    return runCommand({
      argv: [
        'make',
        '-s',
        '-f',
        join(directory, 'Makefile'),
        `RECORD=${join(directory, 'record').replace(/ /g, '\\ ')}`,
      ],
      cwd: directoryOfMake,
      env: jobs.env,
      descriptors: jobs.descriptors,
      ...more,
    });
  }

  function mostAtOnce(): number {
    let [now, most] = [0, 0];
    for (const sign of readFileSync(join(directory, 'record'), 'utf8').trim().split('\n')) {
      now += sign === '+' ? 1 : -1;
      most = Math.max(most, now);
    }
    return most;
  }

  it.each([1, 2, 3])('three side by side have %i jobs together', async (count) => {
    writeFileSync(join(directory, 'Makefile'), RECIPES);
    const budget = new JobBudget(count, 3);
    await Promise.all([1, 2, 3].map(() => budget.share(signal, (jobs) => jobs.make((one) => make(one, directory)))));
    expect(mostAtOnce()).toBe(count);
  });

  it('one alone has all of them, by makes of its own as well', async () => {
    writeFileSync(join(directory, 'inner.mk'), RECIPES);
    writeFileSync(join(directory, 'Makefile'), 'all:\n\t$(MAKE) -f inner.mk\n');
    const budget = new JobBudget(3);
    const output: string[] = [];
    await budget.share(signal, (jobs) =>
      jobs.make((one) =>
        runCommand({
          argv: ['make', '-s', `RECORD=${join(directory, 'record').replace(/ /g, '\\ ')}`],
          cwd: directory,
          env: one.env,
          descriptors: one.descriptors,
          onLine: (line) => output.push(line),
        }),
      ),
    );
    expect(mostAtOnce()).toBe(3);
    expect(output).toEqual([]);
  });

  it('work of this process takes its turn', async () => {
    writeFileSync(join(directory, 'Makefile'), RECIPES);
    const budget = new JobBudget(2);
    const record = join(directory, 'record');
    const other = async (): Promise<void> => {
      writeFileSync(record, '+\n', { flag: 'a' });
      await delay(50);
      writeFileSync(record, '-\n', { flag: 'a' });
    };
    await Promise.all([
      budget.share(signal, (jobs) => jobs.make((one) => make(one, directory))),
      ...Array.from({ length: 4 }, () => budget.share(signal, other)),
    ]);
    expect(mostAtOnce()).toBe(2);
  });

  it('what a killed make held comes back', async () => {
    writeFileSync(join(directory, 'Makefile'), 'all: a b\na b:\n\t@echo + >>record; exec sleep 60\n');
    const budget = new JobBudget(2);
    const killed = budget.share(signal, (jobs) =>
      jobs.make(async (one) => {
        const running = runCommand({
          argv: [
            'sh',
            '-c',
            'make -s & child=$!; until [ "$(wc -l 2>&1 <record)" = 2 ]; do sleep 0.02; done; kill -9 $child 0',
          ],
          cwd: directory,
          env: one.env,
          descriptors: one.descriptors,
        });
        await running;
      }),
    );
    await expect(killed).rejects.toMatchObject({ parts: { code: 'command-failed' } });
    const { counted, work } = counter();
    await Promise.all(Array.from({ length: 6 }, () => budget.share(signal, work)));
    expect(counted.most).toBe(2);
  });
});
