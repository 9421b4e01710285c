/** youki's contest, where a checkout of youki is: CORACLE_YOUKI names it. Cargo compiles it there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../../cli/host/process.ts';
import { differences } from './support/expectations.ts';
import { withView } from './support/suite.ts';
import type { TapTest } from './support/tap.ts';

it("youki's contest says what is expected in a v1 view", { timeout: 2_400_000 }, async (context) => {
  const checkout = process.env['CORACLE_YOUKI'];
  if (!checkout) return context.skip('CORACLE_YOUKI names no checkout of youki');
  const places = ['tests/contest', 'crates'].map((name) => join(checkout, name));
  if (!places.some((place) => existsSync(place))) return context.skip(`${checkout} is no checkout of youki`);
  const packages = existsSync(join(checkout, 'tests/contest/contest')) ? ['contest', 'runtimetest'] : [];
  if (packages.length === 0) return context.skip(`${checkout} has no contest in tests/`);
  await runCommand({
    argv: ['cargo', 'build', '--release', '--locked', ...packages.flatMap((name) => ['--package', name])],
    cwd: checkout,
    env: { HOME: process.env['HOME'] ?? '/root' },
  });
  await withView(context, 'v1', async (view, runtime) => {
    const program = (name: string): string => join(checkout, 'target/release', name);
    const ran = await view.run(
      [program('contest'), 'run', '--runtime', runtime.path, '--runtimetest', program('runtimetest')],
      { cwd: checkout, timeoutMs: 1_200_000 },
    );
    expect(differences('contest', 'v1', runtime, readContest(ran.stdout))).toEqual([]);
  });
});

/** `# Start group NAME`, then lines `1 / 3 : test : ok`. */
function readContest(text: string): readonly TapTest[] {
  const tests: TapTest[] = [];
  let group = '';
  for (const line of text.split('\n')) {
    group = /^# Start group (\S+)/.exec(line)?.[1] ?? group;
    const [, name, word, note = ''] = /^\d+ \/ \d+ : (\S+) : (ok|not ok|skipped)(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const outcome = word === 'ok' ? 'passed' : word === 'skipped' ? 'not applicable' : 'failed';
    tests.push({ name: `${group}: ${name}`, outcome, note: note.trim() });
  }
  return tests;
}
