/**
 * Everything that a reviewer would run, as data: `coracle test` runs all of it, `npm run check` all but the boots.
 * Each check is a command of this checkout; the counts of its tests are read from what the runner itself writes.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../host/process.ts';

export interface Check {
  readonly name: string;
  readonly title: string;
  readonly argv: readonly [string, ...string[]];
  /** Below the checkout. */
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A program of the Rust toolchain that not everybody has installed: without it the check is skipped. */
  readonly component?: 'rustfmt' | 'clippy-driver';
  /** Tests are counted in the runner's report (a file it writes) or its output. */
  readonly counts?: 'vitest' | 'cargo';
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Test files that boot a guest; everything else runs without QEMU. */
export const BOOT_TESTS = 'test/boot/**';

export interface CheckSelection {
  readonly boots: boolean;
  /** Arguments for vitest: file filters. */
  readonly only: readonly string[];
  readonly reportFile: string;
}

export function checksOf(installation: string, selection: CheckSelection): Check[] {
  const bin = (name: string): string => join(installation, 'node_modules', '.bin', name);
  const tests: Check = {
    name: 'tests',
    title: selection.boots ? 'run the tests, boots included' : 'run the tests that need no guest',
    argv: [
      bin('vitest'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--reporter=${join(installation, 'cli', 'checks', 'skipped-reporter.ts')}`,
      `--outputFile.json=${selection.reportFile}`,
      ...(selection.boots ? [] : ['--exclude', BOOT_TESTS]),
      ...selection.only,
    ],
    counts: 'vitest',
  };
  if (selection.only.length > 0) return [tests];
  return [
    { name: 'format', title: 'check format and lint', argv: [bin('biome'), 'ci', '--error-on-warnings'] },
    { name: 'types', title: 'check types', argv: [bin('tsc'), '-p', '.'] },
    { name: 'dead-code', title: 'look for dead code', argv: [bin('knip')] },
    ...(existsSync(join(installation, 'device', 'Cargo.toml')) ? RUST_CHECKS : []),
    tests,
  ];
}

const RUST_CHECKS: readonly Check[] = [
  {
    name: 'rust-format',
    title: 'check the format of the device programs',
    argv: ['cargo', 'fmt', '--check'],
    directory: 'device',
    component: 'rustfmt',
  },
  {
    name: 'rust-lint',
    title: 'lint the device programs',
    argv: ['cargo', 'clippy', '--workspace', '--all-targets', '--locked', '--quiet', '--', '-D', 'warnings'],
    directory: 'device',
    component: 'clippy-driver',
  },
  {
    name: 'rust',
    title: 'run the tests of the device programs',
    argv: ['cargo', 'test', '--workspace', '--locked', '--quiet'],
    directory: 'device',
    counts: 'cargo',
  },
];

/**
 * Why a check cannot run here, if it cannot. Components are looked for where the toolchain is: the programs that rustup
 * puts into the PATH are there whether it has installed what they start or not.
 *
 * @param cwd where the check would run, which may choose the toolchain
 */
export async function reasonToSkip(
  { component }: Check,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  if (component === undefined) return undefined;
  const { stdout } = await runCommand({ argv: ['rustc', '--print', 'sysroot'], cwd, env, stdout: 'capture' });
  const programs = join(stdout.trim(), 'bin');
  return existsSync(join(programs, component)) ? undefined : `${component} is not beside cargo in ${programs}`;
}

/** Reads vitest's JSON report. */
export async function vitestCounts(reportFile: string): Promise<TestCounts> {
  const report = JSON.parse(await readFile(reportFile, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
  };
  return { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests };
}

/** Adds up cargo's closing lines: `test result: ok. 3 passed; 0 failed; 1 ignored; …`. */
export function cargoCounts(lines: readonly string[]): TestCounts {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const line of lines) {
    const found = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
    if (found === null) continue;
    sum.passed += Number(found[1]);
    sum.failed += Number(found[2]);
    sum.skipped += Number(found[3]);
  }
  return sum;
}
