/** A virtual machine that runs to its end, and what it said on the way. Always emulated: the same everywhere. */
import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { killTree } from '../../cli/host/process.ts';
import { LineSplitter } from '../../cli/run/console-line.ts';
import { optionValue, QEMU } from '../../cli/run/machine.ts';
import { Qmp } from '../../cli/run/qmp.ts';
import type { ProbeImage } from './probe-image.ts';

export interface GuestOptions {
  readonly image: ProbeImage;
  /** Path of the disk; undefined: none at start. */
  readonly disk?: string | undefined;
  /** Besides `coracle.slot` and the manifest's own. */
  readonly parameters?: readonly string[];
  /** In place of the manifest's own. */
  readonly kernelParameters?: readonly string[];
  /** What the probe's init is told to do. */
  readonly tasks?: readonly string[];
  readonly more?: readonly string[];
  readonly slot?: string;
  readonly limitMs?: number;
  /** The guest is switched off when a line matches. */
  readonly killAt?: RegExp;
  /** `tell` gives QEMU a command; a refusal becomes a line, and a guest that ends before the answer is no failure. */
  readonly onLine?: (line: string, tell: Tell) => void;
}

export type Tell = (command: string, parameters: Readonly<Record<string, unknown>>) => void;

export interface GuestRun {
  readonly lines: readonly string[];
  /** What follows `probe: <word> `, by word. */
  readonly probe: ReadonlyMap<string, readonly string[]>;
  /** /run/coracle/boot.json, if init got so far. */
  readonly boot: BootSummary | undefined;
}

export interface BootSummary {
  readonly slot: string;
  readonly version: string;
  readonly persist: {
    readonly state: string;
    readonly cause?: string;
    readonly reason?: string;
    readonly grown: boolean;
    readonly growing?: boolean;
  };
  readonly ms: Readonly<Record<'kernel' | 'modules' | 'boot' | 'root' | 'persist' | 'total', number>>;
}

/** Runs until the guest powers off or restarts, which ends QEMU. */
export async function runGuest(options: GuestOptions): Promise<GuestRun> {
  const { image, limitMs = 120_000 } = options;
  const [program, ...args] = [QEMU[image.arch], ...guestArguments(options)];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true });
  const lines: string[] = [];
  const qmp = new Qmp(child.stdio[3] as Duplex, () => undefined);
  const tell: Tell = (command, parameters) => {
    qmp.execute(command, parameters).catch((error: Error) => lines.push(`qemu: ${error.message}`));
  };
  const console = new LineSplitter((line) => {
    lines.push(line);
    options.onLine?.(line, tell);
    if (options.killAt?.test(line)) killTree(child, 'SIGKILL');
  });
  child.stdout?.on('data', (chunk: Buffer) => console.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => lines.push(`qemu: ${chunk}`));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killTree(child, 'SIGKILL');
  }, limitMs);
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve());
  });
  clearTimeout(timer);
  if (late) throw new Error(`the guest did not end within ${limitMs / 1000} s:\n${lines.join('\n')}`);
  return { lines, ...readProbe(lines) };
}

function guestArguments({ image, disk, parameters = [], tasks = [], more = [], ...other }: GuestOptions): string[] {
  const { slot = image.manifest.version, kernelParameters = image.manifest.kernelParameters } = other;
  const commandLine = [`coracle.slot=${slot}`, ...kernelParameters, 'quiet', 'panic=-1', ...parameters];
  // A busy machine emulates the timer too late for the kernel's check of it, which then panics.
  if (image.arch === 'x86_64') commandLine.push('no_timer_check');
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-accel', 'tcg', '-m', '512M', '-smp', '2'],
    ...(image.arch === 'x86_64'
      ? ['-machine', 'q35,hpet=off', '-cpu', 'max']
      : ['-machine', 'virt', '-cpu', 'neoverse-n1']),
    ...['-kernel', image.kernel, '-initrd', image.initramfs, '-append', [...commandLine, '--', ...tasks].join(' ')],
    ...['-device', 'pcie-root-port,id=socket,chassis=1'],
    ...(disk === undefined ? [] : [...driveArguments('disk', disk), '-device', 'virtio-blk-pci,drive=disk']),
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'],
    ...more,
  ];
}

/** A drive that no device has yet. */
export function driveArguments(id: string, path: string): readonly string[] {
  return ['-drive', `if=none,id=${id},format=raw,file=${optionValue(path)}`];
}

function readProbe(lines: readonly string[]): Pick<GuestRun, 'probe' | 'boot'> {
  const probe = new Map<string, string[]>();
  for (const line of lines) {
    const match = /^probe: (\S+) ?(.*)$/.exec(line.trim());
    const [, word, rest] = match ?? [];
    if (word === undefined || rest === undefined) continue;
    probe.set(word, [...(probe.get(word) ?? []), rest.trim()]);
  }
  const [text] = probe.get('boot') ?? [];
  return { probe, boot: text === undefined ? undefined : (JSON.parse(text) as BootSummary) };
}
