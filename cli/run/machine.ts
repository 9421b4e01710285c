/**
 * The virtual machine as QEMU arguments. Pure: a description goes in, an argument array comes out.
 *
 * x86_64 is a q35, arm64 a virt machine; disk, network and randomness are virtio, console is the serial port. Of the
 * machines and processor models that were tried under emulation, docs/run.md tells the times.
 */
import type { Architecture } from '../layers/layer.ts';

export type Accelerator = 'kvm' | 'tcg';

export interface Machine {
  readonly arch: Architecture;
  readonly accelerator: Accelerator;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly disk: string;
  /** Public keys that the device lets in, handed over by fw_cfg. */
  readonly authorizedKeys: string;
  /** Port on 127.0.0.1 that leads to the device's port 22. */
  readonly sshPort: number;
  readonly boot: DirectBoot | FirmwareBoot;
  readonly console: ConsoleKind;
  /** File descriptor, a connected socket, on which QEMU talks QMP. */
  readonly qmpDescriptor: number;
}

/** QEMU loads the kernel itself: no boot loader, the fastest way up. */
export interface DirectBoot {
  readonly kind: 'direct';
  readonly kernel: string;
  readonly initramfs: string;
  readonly commandLine: string;
}

/** UEFI firmware starts the boot loader from the disk, as on a real machine. */
export interface FirmwareBoot {
  readonly kind: 'firmware';
  readonly code: string;
  /** The firmware's variables, written to. */
  readonly variables: string;
}

export type ConsoleKind =
  /** QEMU's own stdin and stdout, in raw mode, with its monitor behind Ctrl-A C; also written to a file. */
  | { readonly kind: 'terminal'; readonly log: string }
  /** QEMU's stdout, nothing goes in. */
  | { readonly kind: 'pipe' };

export const QEMU: Readonly<Record<Architecture, string>> = {
  x86_64: 'qemu-system-x86_64',
  arm64: 'qemu-system-aarch64',
};

export function qemuArguments(machine: Machine): readonly [string, ...string[]] {
  return [
    QEMU[machine.arch],
    ...['-no-user-config', '-nodefaults', '-display', 'none'],
    ...['-machine', machineType(machine), '-accel', acceleration(machine), '-cpu', processor(machine)],
    ...['-smp', `${machine.cpus}`, '-m', `${machine.memoryMiB}M`],
    ...bootArguments(machine.boot),
    ...['-drive', `if=none,id=disk,format=raw,discard=unmap,file=${optionValue(machine.disk)}`],
    // A kernel given directly comes first by itself.
    ...['-device', `virtio-blk-pci,drive=disk${machine.boot.kind === 'firmware' ? ',bootindex=0' : ''}`],
    ...['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${machine.sshPort}-:22`],
    // An empty romfile: nobody boots from the network, and the file comes with another package.
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-device', 'virtio-rng-pci'],
    ...['-fw_cfg', `name=opt/coracle/authorized_keys,file=${optionValue(machine.authorizedKeys)}`],
    ...consoleArguments(machine.console),
    ...['-chardev', `socket,id=qmp,fd=${machine.qmpDescriptor}`, '-mon', 'chardev=qmp,mode=control'],
  ];
}

function machineType({ arch }: Machine): string {
  // Without the HPET the kernel calibrates nothing; it has the TSC and the ACPI timer.
  return arch === 'x86_64' ? 'q35,hpet=off' : 'virt';
}

function acceleration({ accelerator }: Machine): string {
  // In MiB. Of its default, 1024, emulation drops nothing when the machine starts anew, and what was translated for the
  // former boot makes the next one up to 4 times as long.
  return accelerator === 'tcg' ? 'tcg,tb-size=256' : accelerator;
}

function processor({ arch, accelerator }: Machine): string {
  if (accelerator === 'kvm') return 'host';
  // An arm64 `max` authenticates pointers by a cipher, which emulation has to compute for every function call: 4 times
  // the processor time. This one has none, but the atomic instructions that emulate well.
  return arch === 'x86_64' ? 'max' : 'neoverse-n1';
}

function bootArguments(boot: Machine['boot']): readonly string[] {
  if (boot.kind === 'direct') return ['-kernel', boot.kernel, '-initrd', boot.initramfs, '-append', boot.commandLine];
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${optionValue(boot.code)}`],
    ...['-drive', `if=pflash,unit=1,format=raw,file=${optionValue(boot.variables)}`],
  ];
}

function consoleArguments(console: ConsoleKind): readonly string[] {
  switch (console.kind) {
    case 'terminal':
      // signal=off: Ctrl-C is for the device. Ctrl-A X leaves.
      return [
        ...['-chardev', `stdio,id=console,mux=on,signal=off,logfile=${optionValue(console.log)},logappend=off`],
        ...['-serial', 'chardev:console', '-mon', 'chardev=console,mode=readline'],
      ];
    case 'pipe':
      return ['-chardev', 'stdio,id=console,mux=off,signal=off', '-serial', 'chardev:console'];
  }
}

/** A value inside of a QEMU option: a comma ends it unless doubled. */
export function optionValue(value: string): string {
  return value.replaceAll(',', ',,');
}
