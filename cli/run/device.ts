/**
 * A virtual device that runs: from a built image and the user's wishes to a machine, its disk, its console, its ssh port.
 * The workspace's run directory is locked for as long.
 */
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type LockHolder, takeLock } from '../host/lock.ts';
import { thisHost } from '../host/this-host.ts';
import { type AcceleratorChoice, chooseAccelerator } from './accelerator.ts';
import { prepareFirmware } from './firmware.ts';
import { type ImagePlaces, kernelCommandLine, mustBeThere, type RunImage, readImage, slotFile } from './image.ts';
import type { Accelerator, ConsoleKind, Machine } from './machine.ts';
import { freePort } from './port.ts';
import { consoleLog, launchQemu, type Qemu, QMP_DESCRIPTOR } from './qemu.ts';
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
  /** Called when the workspace is being built, which is waited for. */
  readonly onWait?: (holder: LockHolder) => void;
}

const DEFAULT_MEMORY_MIB = 1024;
/** Emulated processors wait for each other: a third one costs more than it does. */
const MOST_CPUS: Readonly<Record<Accelerator, number>> = { kvm: 4, tcg: 2 };

export interface Device extends Qemu {
  readonly image: RunImage;
  readonly disk: RunDisk;
  readonly machine: Machine;
  readonly acceleration: AcceleratorChoice;
  readonly ssh: SshTarget;
}

/**
 * @throws Failure `not-built`, `locked`, `disk-layout-changed`, `port-in-use`, `command-missing`, `no-firmware`
 */
export async function startDevice(places: ImagePlaces, options: DeviceOptions): Promise<Device> {
  const directory = join(places.directory, 'run');
  await mkdir(directory, { recursive: true });
  const lock = await takeLock(join(directory, 'lock'), {
    what: `the virtual machine of workspace ${places.name}`,
    purpose: options.purpose,
    waitMs: 0,
    signal: options.signal,
  });
  try {
    // Slot and disk are of one build until QEMU has both.
    await using _build = await lockBuild(places, options);
    const image = await readImage(places);
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
    const qemu = launchQemu(machine, directory, { signal: options.signal, lock });
    await qemu.loaded;
    return { image, disk, machine, acceleration, ssh, ...qemu };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** The lock under which `coracle build` changes the workspace. */
function lockBuild(places: ImagePlaces, options: DeviceOptions): Promise<AsyncDisposable> {
  return takeLock(join(places.directory, 'lock'), {
    what: `workspace ${places.name}`,
    purpose: options.purpose,
    signal: options.signal,
    ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
  });
}

interface Prepared {
  readonly machine: Machine;
  readonly disk: RunDisk;
  readonly acceleration: AcceleratorChoice;
}

async function prepareMachine(image: RunImage, directory: string, options: DeviceOptions): Promise<Prepared> {
  const { arch } = image.facts;
  const [kernel, initramfs] = [slotFile(image, 'kernel'), slotFile(image, 'initramfs')];
  await mustBeThere(image, [image.disk, ...(options.firmware === true ? [] : [kernel, initramfs])]);
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
          kernel,
          initramfs,
          commandLine: [kernelCommandLine(image), ...(options.kernelParameters ?? [])].join(' '),
        };
  const machine: Machine = {
    arch,
    accelerator: acceleration.accelerator,
    cpus: options.cpus ?? Math.min(availableParallelism(), MOST_CPUS[acceleration.accelerator]),
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
