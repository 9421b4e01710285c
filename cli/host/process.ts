/**
 * Child processes. Every child has an argument array, a working directory, an explicit environment, a log file and a
 * process group of its own, so that stopping it stops its whole tree. Nothing passes through a shell.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { Failure } from '../failure.ts';
import { endingWithUs } from './lifeline.ts';
import { DISK_FULL, saysDiskFull } from './system-failure.ts';
import { searchPath } from './this-host.ts';

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** Added to {@link baseEnvironment}; the caller's own environment is not inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** stdout and stderr are appended here. */
  readonly log?: string;
  /** Fed to the child's stdin; a function writes it by itself and ends it. Without it stdin is empty. */
  readonly stdin?: Readable | string | Uint8Array | ((input: Writable) => Promise<void>);
  /** Where stdout goes: `capture` returns it, a path writes it there, `log` (default) only logs it. */
  readonly stdout?: 'capture' | 'log' | { readonly file: string };
  /** Called for each line of stdout and stderr, as it comes. */
  readonly onLine?: (line: string) => void;
  /** Called with whatever stdout and stderr give, as it comes; not with a stdout that is captured. */
  readonly onData?: (data: Buffer, stream: 'stdout' | 'stderr') => void;
  readonly signal?: AbortSignal | undefined;
  /** Ends the tree after this long; the failure's code is then `command-timeout`. */
  readonly timeoutMs?: number;
  /** Ends what the child left running, too: for programs that others wrote, whose daemons must not outlive the build. */
  readonly endLeftovers?: boolean;
  /** Exit codes that are not failures; 0 unless told. */
  readonly accept?: readonly number[];
  /** Open descriptors that the child gets as its own from 3 on. */
  readonly descriptors?: readonly number[];
}

export interface Finished {
  readonly exitCode: number;
  /** Empty unless captured. */
  readonly stdout: string;
}

/** What every child gets: a fixed locale and time zone, so that output and images do not depend on the user's. */
export function baseEnvironment(): Record<string, string> {
  return {
    PATH: searchPath().join(':'),
    HOME: process.env['HOME'] ?? '/',
    TMPDIR: process.env['TMPDIR'] ?? '/tmp',
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
  };
}

const TAIL_LINES = 40;
const GRACE_MS = 3000;

/**
 * Runs a command to its end.
 *
 * @throws Failure `command-missing`, `command-failed`, `disk-full`, `command-timeout`, `stopped`; the cause holds the last lines.
 */
export async function runCommand(command: Command): Promise<Finished> {
  command.signal?.throwIfAborted();
  const [program, ...args] = command.argv;
  const log = openLog(command.log);
  const outFile = typeof command.stdout === 'object' ? openSync(command.stdout.file, 'w') : undefined;
  const tail: string[] = [];
  const captured: Buffer[] = [];
  try {
    log.write(`$ ${command.argv.map(quoteForPeople).join(' ')}\n`);
    const child = endingWithUs(() =>
      spawn(program, args, {
        cwd: command.cwd,
        env: { ...baseEnvironment(), ...command.env },
        detached: true,
        stdio: [
          command.stdin === undefined ? 'ignore' : 'pipe',
          outFile ?? 'pipe',
          'pipe',
          ...(command.descriptors ?? []),
        ],
      }),
    );
    const take = (line: string): void => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      command.onLine?.(line);
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      const splitter = lineSplitter(take);
      stream.on('data', (chunk: Buffer) => {
        if (stream === child.stdout && command.stdout === 'capture') captured.push(chunk);
        else {
          splitter.push(chunk);
          command.onData?.(chunk, stream === child.stdout ? 'stdout' : 'stderr');
        }
        log.write(chunk);
      });
      stream.on('end', () => splitter.end());
    }
    const fed = feed(child, command.stdin).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    const signals = [log.broken, ...(command.signal === undefined ? [] : [command.signal])];
    const end = await untilEnd(child, { ...command, signal: AbortSignal.any(signals) });
    if (log.broken.aborted) throw log.broken.reason;
    const unfed = await fed;
    // A child that ends early breaks its own pipe; its exit code tells the story.
    if (unfed !== undefined && end.kind === 'ended' && !isBrokenPipe(unfed.error)) throw unfed.error;
    if (end.kind === 'stopped') throw new Failure({ code: 'stopped', message: `${program} was stopped` });
    if (end.kind === 'missing') {
      throw new Failure({
        code: 'command-missing',
        message: `the program ${program} is not on this machine`,
        hint: 'coracle doctor says which packages are missing; coracle doctor --fix installs them',
      });
    }
    if (end.kind === 'timeout') {
      throw new Failure({
        code: 'command-timeout',
        message: `${program} did not end within ${(command.timeoutMs ?? 0) / 1000} s`,
        cause: tail.join('\n'),
        log: command.log,
      });
    }
    if (!(command.accept ?? [0]).includes(end.exitCode)) {
      const cause = tail.join('\n');
      throw new Failure({
        code: 'command-failed',
        ...(saysDiskFull(cause) && DISK_FULL),
        message: `${program} ended with ${end.signal ?? `exit code ${end.exitCode}`}`,
        cause,
        log: command.log,
      });
    }
    return { exitCode: end.exitCode, stdout: Buffer.concat(captured).toString('utf8') };
  } finally {
    log.close();
    if (outFile !== undefined) closeSync(outFile);
  }
}

type End =
  | { readonly kind: 'ended'; readonly exitCode: number; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'missing' };

function untilEnd(child: ChildProcess, command: Command): Promise<End> {
  return new Promise((resolve, reject) => {
    let reason: 'stopped' | 'timeout' | undefined;
    let killer: NodeJS.Timeout | undefined;
    const stop = (why: 'stopped' | 'timeout'): void => {
      if (reason !== undefined) return;
      reason = why;
      killTree(child, 'SIGTERM');
      killer = setTimeout(() => killTree(child, 'SIGKILL'), GRACE_MS);
    };
    const onAbort = (): void => stop('stopped');
    command.signal?.addEventListener('abort', onAbort, { once: true });
    if (command.signal?.aborted === true) onAbort();
    const timer = command.timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), command.timeoutMs);
    const clear = (): void => {
      clearTimeout(timer);
      clearTimeout(killer);
      command.signal?.removeEventListener('abort', onAbort);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      clear();
      if (error.code === 'ENOENT') resolve({ kind: 'missing' });
      else reject(error);
    });
    child.on('close', (exitCode, signal) => {
      clear();
      if (reason !== undefined || command.endLeftovers === true) killTree(child, 'SIGKILL');
      resolve(reason === undefined ? { kind: 'ended', exitCode: exitCode ?? 128, signal } : { kind: reason });
    });
  });
}

/** Signals the child's whole process group; a group that is gone already is fine. */
export function killTree(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function feed(child: ChildProcess, stdin: Command['stdin']): Promise<void> {
  if (stdin === undefined || child.stdin === null) return;
  if (typeof stdin === 'string' || stdin instanceof Uint8Array) {
    const input = child.stdin;
    await new Promise<void>((resolve, reject) => {
      input.on('error', reject);
      input.end(stdin, () => resolve());
    });
    return;
  }
  if (typeof stdin !== 'function') return pipeline(stdin, child.stdin);
  // Errors reach the writer by the write that they fail; without a listener they would end the program first.
  child.stdin.on('error', () => {});
  try {
    await stdin(child.stdin);
  } catch (error) {
    // Half of an input is not to be taken for all of it, but the child must see an end of it.
    child.stdin.destroy();
    throw error;
  }
}

const BROKEN_PIPE = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE']);

function isBrokenPipe(error: unknown): boolean {
  return BROKEN_PIPE.has((error as NodeJS.ErrnoException).code ?? '');
}

interface Log {
  readonly write: (data: string | Uint8Array) => void;
  readonly close: () => void;
  /** Aborted, with the reason, when nothing more can be written: a full disk stops the command instead of the program. */
  readonly broken: AbortSignal;
}

function openLog(path: string | undefined): Log {
  const breaker = new AbortController();
  const broken = breaker.signal;
  if (path === undefined) return { write: () => undefined, close: () => undefined, broken };
  mkdirSync(dirname(path), { recursive: true });
  const descriptor = openSync(path, 'a');
  const write = (data: string | Uint8Array): void => {
    try {
      if (!broken.aborted) writeFileSync(descriptor, data);
    } catch (error) {
      breaker.abort(error);
    }
  };
  return { write, close: () => closeSync(descriptor), broken };
}

/** A line that never ends is cut here, so that a program that prints no new line does not fill the memory. */
const LONGEST_LINE = 64 * 1024;

function lineSplitter(take: (line: string) => void): { push(chunk: Buffer): void; end(): void } {
  // A character may be cut in two by the pipe.
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    push(chunk) {
      const lines = (rest + decoder.write(chunk)).split(/\r?\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
      if (rest.length <= LONGEST_LINE) return;
      take(rest);
      rest = '';
    },
    end() {
      rest += decoder.end();
      if (rest !== '') take(rest);
      rest = '';
    },
  };
}

/** A command line as a person would type it, safe to paste; for logs and hints only, never for a shell of ours. */
export function quoteForPeople(word: string): string {
  // A terminal acts upon control characters, and takes a new line for the end of the command.
  if (/\p{Cc}/u.test(word)) return `$'${word.replaceAll(/[\p{Cc}'\\]/gu, escaped)}'`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** As bash and its like read it in `$'…'`. */
function escaped(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '\n') return '\\n';
  return code < 0x20 || code >= 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : `\\${character}`;
}
