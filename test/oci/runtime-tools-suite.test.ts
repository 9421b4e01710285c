/** The validation programs of runtime-tools, from the Go module proxy. They know version 1 of control groups only. */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { differences } from './support/expectations.ts';
import { go, goModule } from './support/go.ts';
import { directoryOrSkip, onlyWhenAsked, withView } from './support/suite.ts';
import { readTap, type TapTest } from './support/tap.ts';
import type { View } from './support/view.ts';

const VERSION = 'v0.9.1-0.20251114084447-edf4cb3d2116';
const PROGRAM_MS = 60_000;
const RACES = new Set(['kill', 'killsig', 'pidfile']);

it("runtime-tools' programs say what is expected in a v1 view", { timeout: 1_200_000 }, async (context) => {
  onlyWhenAsked(context, 4);
  const source = directoryOrSkip(context, await goModule('github.com/opencontainers/runtime-tools', VERSION));
  const programs = await compile(source);
  await withView(context, 'v1', async (view, runtime) => {
    const tests: TapTest[] = [];
    for (const name of readdirSync(programs).sort()) {
      // Some race with the short life of their own containers.
      let test = await runProgram(view, source, join(programs, name), name, runtime.path);
      for (let again = 0; again < 3 && test.outcome === 'failed' && RACES.has(name); again += 1) {
        test = await runProgram(view, source, join(programs, name), name, runtime.path);
      }
      tests.push(test);
    }
    expect(differences('runtime-tools', 'v1', runtime, tests)).toEqual([]);
  });
});

/** The programs, and the one that they run inside of containers. */
async function compile(source: string): Promise<string> {
  const programs = join(source, 'compiled');
  if (existsSync(join(source, 'runtimetest'))) return programs;
  mkdirSync(programs, { recursive: true });
  await go(source, ['build', '-ldflags=-s -w', '-o', `${programs}/`, './validation/...']);
  const inside = join(source, 'inside');
  await go(source, ['build', '-tags=netgo osusergo', '-o', inside, './cmd/runtimetest'], { CGO_ENABLED: '0' });
  copyFileSync(inside, join(source, 'runtimetest'));
  return programs;
}

/** One program is one test: good if it ends well and nothing in its output is not. */
async function runProgram(view: View, cwd: string, path: string, name: string, runtime: string): Promise<TapTest> {
  const ran = await view.run([path], { cwd, env: { RUNTIME: runtime, TMPDIR: '/tmp' }, timeoutMs: PROGRAM_MS });
  const all = readTap(ran.stdout);
  const bad = all.filter((test) => test.outcome === 'failed').map((test) => test.name);
  const skipped = all.length > 0 && all.every((test) => test.outcome === 'not applicable');
  const good = ran.exitCode === 0 && bad.length === 0;
  const note = good ? (all[0]?.note ?? '') : `${bad.join('; ')} ${ran.stderr.trim().slice(-300)}`;
  return { name, outcome: !good ? 'failed' : skipped ? 'not applicable' : 'passed', note };
}
