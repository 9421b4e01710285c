/**
 * What each suite is known to say of our runtime: expectations/SUITE.yaml, by cgroup view, with a reason for everything
 * that does not pass. A run is compared with it: what got worse is wrong, and so is what got better unseen.
 * CORACLE_OCI_UPDATE=1 writes the file anew and keeps the reasons; new ones are then to be written by hand.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Runtime } from './runtime.ts';
import type { TapTest } from './tap.ts';

export interface Expected {
  readonly passed: readonly string[];
  /** Name → why. */
  readonly failed: Readonly<Record<string, string>>;
  readonly notApplicable: Readonly<Record<string, string>>;
}

export const UNEXPLAINED = 'not explained yet';
const DIRECTORY = join(import.meta.dirname, '../expectations');

/** By view; empty where nothing was recorded. */
export function readExpectations(suite: string): Readonly<Record<string, Expected>> {
  const file = join(DIRECTORY, `${suite}.yaml`);
  if (!existsSync(file)) return {};
  return parse(readFileSync(file, 'utf8')) as Record<string, Expected>;
}

/** Lines that say where a run differs from what is expected; of another runtime than ours nothing is expected. */
export function differences(suite: string, view: string, runtime: Runtime, tests: readonly TapTest[]): string[] {
  process.stdout.write(`${suite}, ${view}, ${runtime.name}: ${totals(tests)}\n`);
  if (runtime.name !== 'coracle-oci') {
    for (const { name, outcome, note } of tests) {
      if (outcome === 'failed') process.stdout.write(`  failed: ${name}: ${note.slice(0, 300)}\n`);
    }
    return [];
  }
  const all = readExpectations(suite);
  const expected = all[view] ?? { passed: [], failed: {}, notApplicable: {} };
  if (process.env['CORACLE_OCI_UPDATE'] === '1') {
    const text = stringify({ ...all, [view]: recorded(tests, expected) }, { lineWidth: 120 });
    writeFileSync(join(DIRECTORY, `${suite}.yaml`), text);
    return [];
  }
  return compare(tests, expected);
}

export function compare(tests: readonly TapTest[], expected: Expected): string[] {
  const found = new Map(tests.map((test) => [test.name, test]));
  const lines: string[] = [];
  for (const { name, outcome, note } of tests) {
    if (outcome === 'failed' && !(name in expected.failed)) lines.push(`fails: ${name}: ${note.trim()}`);
    const why = expected.failed[name];
    // What fails for want of something here may well pass elsewhere, and a race may be won.
    if (outcome === 'passed' && why !== undefined && !/^(?:this machine|this kernel|a race)/.test(why)) {
      lines.push(`passes, though expected to fail: ${name}`);
    }
    const known = name in expected.failed || name in expected.notApplicable || expected.passed.includes(name);
    if (!known && outcome !== 'failed') lines.push(`is not known: ${name}`);
  }
  for (const name of [...expected.passed, ...Object.keys(expected.failed)]) {
    if (!found.has(name)) lines.push(`was not run: ${name}`);
  }
  for (const [name, why] of Object.entries(expected.failed)) {
    if (why === UNEXPLAINED) lines.push(`fails without a reason in the list: ${name}`);
  }
  return lines;
}

function recorded(tests: readonly TapTest[], before: Expected): Expected {
  const named = (outcome: TapTest['outcome']): TapTest[] =>
    tests.filter((test) => test.outcome === outcome).sort((a, b) => (a.name < b.name ? -1 : 1));
  const explained = (outcome: 'failed' | 'not applicable', reasons: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      named(outcome).map(({ name, note }) => [
        name,
        reasons[name] ?? (outcome === 'failed' || note === '' ? UNEXPLAINED : note),
      ]),
    );
  return {
    passed: named('passed').map(({ name }) => name),
    failed: explained('failed', before.failed),
    notApplicable: explained('not applicable', before.notApplicable),
  };
}

function totals(tests: readonly TapTest[]): string {
  const count = (outcome: TapTest['outcome']): number => tests.filter((test) => test.outcome === outcome).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('not applicable')} not applicable`;
}
