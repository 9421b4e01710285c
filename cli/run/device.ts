/**
 * A virtual device that runs: QEMU as a child that cannot outlive us, its console, its power button, its ssh port. The
 * workspace's run directory is locked for as long.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Failure } from '../failure.ts';
import { takeLock } from '../host/lock.ts';
import { baseEnvironment, killTree, quoteForPeople } from '../host/process.ts';
import { findProgram, thisHost } from '../host/this-host.ts';
import { type Accelerator, type AcceleratorChoice, chooseAccelerator } from './accelerator.ts';
import { DeviceConsole } from './console.ts';
import { LineSplitter } from './console-line.ts';
import { prepareFirmware } from './firmware.ts';
import { kernelCommandLine, type RunImage, slotFile } from './image.ts';
import { type ConsoleKind, type Machine, QEMU, qemuArguments } from './machine.ts';
import { freePort } from './port.ts';
import { Qmp } from './qmp.ts';
import { prepareDisk, type RunDisk } from './run-disk.ts';
import { ensureKey, forgetHostKey, type SshTarget } from './ssh.ts';

export interface DeviceOptions {
  /** Shared cache; remembers whether KVM works. */
  readonly cache: string;
  /** Instead of the choice by a probe. */
  readonly accelerator?: Accelerator | undefined;
  readonly cpus?: number | undefined;
  readonly memoryMiB?: number | undefined;
  readonly sshPort?: number | undefined;
  /** Boot the disk by UEFI instead of the kernel directly. */
  readonly firmware?: boolean | undefined;
  /** Start with an empty persist. */
  readonly fresh?: boolean | undefined;
  /** The user's terminal is the console; otherwise it is only listened to. */
  readonly terminal?: boolean | undefined;
  readonly hostKey?: SshTarget['hostKey'];
  /** Added to the kernel command line of a direct boot. */
  readonly kernelParameters?: readonly string[];
  /** What the lock says, `coracle run qemu`. */
  readonly purpose: string;
  readonly signal: AbortSignal;
}

/** Why QEMU ended, if it was not good order. */
export interface QemuEnd {
  readonly failure: Failure | undefined;
}

const DEFAULT_MEMORY_MIB = 1024;
/** More do not boot faster, and a laptop has other things to do. */
const MOST_CPUS = 4;

export interface Device extends AsyncDisposable {
  readonly image: RunImage;
  readonly disk: RunDisk;
  readonly machine: Machine;
  readonly acceleration: AcceleratorChoice;
  readonly console: DeviceConsole;
  readonly ssh: SshTarget;
  readonly ended: Promise<QemuEnd>;
  /** Presses the power button and waits; pulls the plug at the limit. True: the device went down by itself. */
  readonly powerOff: (limitMs: number) => Promise<boolean>;
}

/** @throws Failure `locked`, `disk-layout-changed`, `port-in-use`, `command-missing`, `no-firmware` */
export async function startDevice(image: RunImage, options: DeviceOptions): Promise<Device> {
  const directory = join(image.directory, 'run');
  await mkdir(directory, { recursive: true });
  const lock = await takeLock(join(directory, 'lock'), {
    what: `the virtual machine of workspace ${image.name}`,
    purpose: options.purpose,
    waitMs: 0,
    signal: options.signal,
  });
  try {
    const { machine, disk, acceleration } = await prepareMachine(image, directory, options);
    const ssh: SshTarget = {
      host: '127.0.0.1',
      port: machine.sshPort,
      user: 'root',
      directory,
      name: `coracle-${image.name}`,
      hostKey: options.hostKey ?? 'kept',
    };
    // Over reboots the key has to stay the same; an earlier run may have been another disk, or one without persist.
    await forgetHostKey(ssh);
    return { image, disk, machine, acceleration, ssh, ...launch(machine, directory, lock, options.signal) };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

interface Prepared {
  readonly machine: Machine;
  readonly disk: RunDisk;
  readonly acceleration: AcceleratorChoice;
}

async function prepareMachine(image: RunImage, directory: string, options: DeviceOptions): Promise<Prepared> {
  const { arch } = image.facts;
  const [disk, authorizedKeys, sshPort, acceleration] = await Promise.all([
    prepareDisk(image.disk, directory, { fresh: options.fresh === true }),
    ensureKey(directory),
    freePort(options.sshPort),
    options.accelerator === undefined
      ? chooseAccelerator(arch, { host: thisHost().arch, cache: options.cache, signal: options.signal })
      : { accelerator: options.accelerator, reason: undefined },
  ]);
  const console: ConsoleKind =
    options.terminal === true ? { kind: 'terminal', log: consoleLog(directory) } : { kind: 'pipe' };
  const boot: Machine['boot'] =
    options.firmware === true
      ? { kind: 'firmware', ...(await prepareFirmware(arch, directory, options.fresh === true)) }
      : {
          kind: 'direct',
          kernel: slotFile(image, 'kernel'),
          initramfs: slotFile(image, 'initramfs'),
          commandLine: [kernelCommandLine(image), ...(options.kernelParameters ?? [])].join(' '),
        };
  const machine: Machine = {
    arch,
    accelerator: acceleration.accelerator,
    cpus: options.cpus ?? Math.min(availableParallelism(), MOST_CPUS),
    memoryMiB: options.memoryMiB ?? DEFAULT_MEMORY_MIB,
    disk: disk.path,
    authorizedKeys,
    sshPort,
    boot,
    console,
    qmpDescriptor: QMP_DESCRIPTOR,
  };
  return { machine, disk, acceleration };
}

export function consoleLog(directory: string): string {
  return join(directory, 'console.log');
}

/** The first after stdin, stdout and stderr. */
const QMP_DESCRIPTOR = 3;

type Launched = Pick<Device, 'console' | 'ended' | 'powerOff' | typeof Symbol.asyncDispose>;

function launch(machine: Machine, directory: string, lock: AsyncDisposable, signal: AbortSignal): Launched {
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
