/**
 * Measuring: what one run costs, and the medians of several runs that take turns, so that what else the machine does
 * meanwhile touches every subject alike. On a busy machine the processor time says more than the clock.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type PeakMemory, watchMemory } from './peak-memory.ts';

export interface Cost {
  readonly wallMs: number;
  /** User and system, of every process that took part. */
  readonly cpuMs: number;
}

export interface CommandCost extends Cost {
  readonly stdout: string;
  readonly peak: PeakMemory;
}

export interface CommandOptions {
  readonly cwd: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A file. */
  readonly stdin?: string;
}

/** bash counts what children's children took as well, in milliseconds; /usr/bin/time stops at hundredths of a second. */
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; exec 4>&2; { time "$@" 2>&4 3>&- 4>&-; } 2>&3';

/** Runs a command to its end. @throws Error with what it said if its exit code is not 0 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandCost> {
  const stdin = options.stdin === undefined ? 'ignore' : openSync(options.stdin, 'r');
  const child = spawn('bash', ['-c', TIMED, 'bench', ...argv], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [stdin, 'pipe', 'pipe', 'pipe'],
  });
  if (stdin !== 'ignore') closeSync(stdin);
  const memory = watchMemory(child.pid ?? 0);
  const [stdout, stderr, times, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    text(child.stdio[3] as Readable),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  const peak = memory.stop();
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}:\n${`${stdout}\n${stderr}`.slice(-4000)}`);
  const [wall, user, system] = times.trim().split(' ').map(Number);
  if (wall === undefined || user === undefined || system === undefined) throw new Error(`no times: ${times}`);
  return { wallMs: wall * 1000, cpuMs: (user + system) * 1000, stdout, peak };
}

/** The cost of work in this process. */
export async function runHere(work: () => unknown): Promise<Cost> {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

/** Lets the subjects take turns; the result has each one's runs in order. */
export async function takeTurns<R extends Readonly<Record<string, unknown>>>(
  rounds: number,
  subjects: { readonly [N in keyof R]: (round: number) => Promise<R[N]> },
): Promise<{ readonly [N in keyof R]: readonly R[N][] }> {
  const runs = {} as { [N in keyof R]: R[N][] };
  for (const name in subjects) runs[name] = [];
  for (let round = 0; round < rounds; round++) {
    for (const name in subjects) runs[name].push(await subjects[name](round));
  }
  return runs;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Each part by itself: the run with the middle time need not be the one with the middle work. */
export function medianCost(runs: readonly Cost[]): Cost {
  return { wallMs: median(runs.map(({ wallMs }) => wallMs)), cpuMs: median(runs.map(({ cpuMs }) => cpuMs)) };
}
