/**
 * Runs the real program as a user would: the launcher, the bundle, the pinned Node, and nothing of the developer's
 * environment but the paths of programs.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Event } from '../../cli/ui/events.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program with its arguments that starts what comes behind it: `unshare --net`, `setpriv …`. */
export type Wrapper = readonly [string, ...string[]];

const LAUNCHER = fileURLToPath(new URL('../../coracle', import.meta.url));
/** Output of a build of many workspaces; more would be a mistake of its own. */
const MOST_OUTPUT = 64 << 20;

export function coracle(
  cwd: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  wrapper?: Wrapper,
): Promise<Ran> {
  const [program, ...rest] = wrapper === undefined ? [LAUNCHER, ...args] : [...wrapper, LAUNCHER, ...args];
  const options = { cwd, env: environmentOf(cwd, environment), encoding: 'utf8', maxBuffer: MOST_OUTPUT } as const;
  return new Promise((resolve) => {
    execFile(program, rest, options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 128;
      resolve({ exitCode, stdout, stderr });
    });
  });
}

/** A run that goes on: its events as they come, and a way to wait for one of them. */
export interface Running {
  readonly child: ChildProcess;
  readonly events: readonly Event[];
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The first event that answers, come or yet to come; undefined if the run ends without one. */
  readonly event: (answers: (event: Event) => boolean) => Promise<Event | undefined>;
  readonly stderr: () => string;
}

/** Starts a verb with `--json`; what is left of it when the test ends is killed. */
export function startCoracle(
  cwd: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(LAUNCHER, [...args, '--json'], { cwd, env: environmentOf(cwd, environment) });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  const told: Buffer[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    events.push(...lines.map((line) => JSON.parse(line) as Event));
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk: Buffer) => told.push(chunk));
  let isOver = false;
  const ended = new Promise<Awaited<Running['ended']>>((resolve) => {
    child.on('close', (exitCode, signal) => {
      isOver = true;
      resolve({ exitCode, signal });
      for (const look of waiting) look();
    });
  });
  const event: Running['event'] = (answers) =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(answers);
        if (found === undefined && !isOver) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { child, events, ended, event, stderr: () => Buffer.concat(told).toString('utf8') };
}

function environmentOf(cwd: string, environment: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: cwd, ...environment };
}
