/**
 * QEMU as a child that cannot outlive us: its output is the device's console, its monitor is on a socket of ours, and what it
 * complains about becomes a Failure.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Failure } from '../failure.ts';
import { baseEnvironment, killTree, quoteForPeople } from '../host/process.ts';
import { findProgram, thisHost } from '../host/this-host.ts';
import { DeviceConsole } from './console.ts';
import { LineSplitter } from './console-line.ts';
import { type Machine, QEMU, qemuArguments } from './machine.ts';
import { Qmp } from './qmp.ts';

/** The first after stdin, stdout and stderr. */
export const QMP_DESCRIPTOR = 3;

export interface Qemu extends AsyncDisposable {
  readonly console: DeviceConsole;
  /** QEMU has read kernel and firmware, or has ended. */
  readonly loaded: Promise<unknown>;
  readonly ended: Promise<QemuEnd>;
  /** Presses the power button and waits; pulls the plug at the limit. True: the device went down by itself. */
  readonly powerOff: (limitMs: number) => Promise<boolean>;
}

/** Why QEMU ended, if it was not in good order. */
export interface QemuEnd {
  readonly failure: Failure | undefined;
}

export interface LaunchOptions {
  /** Pulls the plug. */
  readonly signal: AbortSignal;
  /** Given back when QEMU has ended. */
  readonly lock: AsyncDisposable;
}

export function consoleLog(directory: string): string {
  return join(directory, 'console.log');
}

export function launchQemu(machine: Machine, directory: string, { signal, lock }: LaunchOptions): Qemu {
  signal.throwIfAborted();
  const terminal = machine.console.kind === 'terminal';
  const console = new DeviceConsole(terminal ? '/dev/null' : consoleLog(directory));
  const [program, ...args] = boundToUs(qemuArguments(machine));
  const child = spawn(program, args, {
    cwd: directory,
    env: baseEnvironment(),
    // On a terminal it must stay in the foreground's process group to read from it.
    detached: !terminal,
    stdio: [terminal ? 'inherit' : 'ignore', terminal ? 'inherit' : 'pipe', 'pipe', 'pipe'],
  });
  const errors = collectErrors(child, join(directory, 'qemu.log'), [program, ...args]);
  child.stdout?.on('data', (chunk: Buffer) => console.push(chunk));
  const qmp = new Qmp(child.stdio[QMP_DESCRIPTOR] as Duplex, ({ event }) => {
    // What the console has said until then is there already, and is read before that.
    if (event === 'RESET') setImmediate(() => console.restarted());
  });
  const kill = (): void => killQemu(child, terminal);
  signal.addEventListener('abort', kill, { once: true });
  const ended = untilEnded(child, machine, errors, join(directory, 'qemu.log')).then(async (end) => {
    signal.removeEventListener('abort', kill);
    console.end(end.failure ?? 'the device was switched off');
    await lock[Symbol.asyncDispose]();
    return end;
  });
  return {
    console,
    ended,
    loaded: qmp.execute('query-status').catch(() => undefined),
    powerOff: async (limitMs) => {
      await qmp.execute('system_powerdown').catch(() => undefined);
      const timer = new AbortController();
      const byItself = await Promise.race([ended.then(() => true), afterLimit(limitMs, timer.signal)]);
      timer.abort();
      if (!byItself) kill();
      await ended;
      return byItself;
    },
    [Symbol.asyncDispose]: async () => {
      kill();
      await ended;
    },
  };
}

/** Has the kernel kill QEMU when this process ends in whatever way, kill -9 included. */
function boundToUs(argv: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const setpriv = findProgram(thisHost(), 'setpriv');
  return setpriv === undefined ? argv : [setpriv, '--pdeathsig', 'KILL', '--', ...argv];
}

/** A machine without power loses nothing but what a device must stand losing anyway. */
function killQemu(child: ChildProcess, terminal: boolean): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // On the terminal, SIGTERM lets QEMU set the terminal right again.
  if (terminal) child.kill('SIGTERM');
  else killTree(child, 'SIGKILL');
}

function collectErrors(child: ChildProcess, log: string, argv: readonly string[]): readonly string[] {
  const errors: string[] = [];
  const file = createWriteStream(log);
  file.on('error', () => {});
  file.write(`$ ${argv.map(quoteForPeople).join(' ')}\n`);
  const splitter = new LineSplitter((line) => {
    errors.push(line);
    if (errors.length > 20) errors.shift();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    file.write(chunk);
    splitter.push(chunk);
  });
  child.once('close', () => file.end());
  return errors;
}

function untilEnded(child: ChildProcess, { arch }: Machine, errors: readonly string[], log: string): Promise<QemuEnd> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') return resolve({ failure: qemuFailure(error.message, errors, log) });
      resolve({ failure: missing(QEMU[arch]) });
    });
    child.once('close', (code, signal) => {
      // setpriv says 127 for a program that is not there.
      if (code === 127 && findProgram(thisHost(), QEMU[arch]) === undefined) resolve({ failure: missing(QEMU[arch]) });
      else if (code === 0 || signal === 'SIGKILL') resolve({ failure: undefined });
      else resolve({ failure: qemuFailure(`QEMU ended with ${signal ?? `exit code ${code}`}`, errors, log) });
    });
  });
}

function missing(program: string): Failure {
  return new Failure({
    code: 'command-missing',
    message: `the program ${program} is not on this machine`,
    hint: 'coracle doctor --for run says which packages are missing; coracle doctor --fix installs them',
  });
}

function qemuFailure(message: string, errors: readonly string[], log: string): Failure {
  return new Failure({ code: 'qemu', message, cause: errors.join('\n'), log });
}

function afterLimit(ms: number, signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}
