import { describe, expect, it } from 'vitest';
import { type Machine, optionValue, qemuArguments } from './machine.ts';

const MACHINE: Machine = {
  arch: 'x86_64',
  accelerator: 'tcg',
  cpus: 2,
  memoryMiB: 1024,
  disk: '/work space, etc/disk.img',
  authorizedKeys: '/k/id.pub',
  sshPort: 2222,
  boot: { kind: 'direct', kernel: '/s/kernel', initramfs: '/s/initramfs', commandLine: 'coracle.slot=1 quiet' },
  console: { kind: 'pipe' },
  qmpDescriptor: 3,
};

function valuesOf(machine: Machine, option: string): readonly string[] {
  const argv = qemuArguments(machine);
  return argv.flatMap((word, index) => (word === option ? [argv[index + 1] ?? ''] : []));
}

describe('qemuArguments', () => {
  it('loads the kernel directly, with the command line as one word', () => {
    expect(qemuArguments(MACHINE)[0]).toBe('qemu-system-x86_64');
    expect(valuesOf(MACHINE, '-append')).toEqual(['coracle.slot=1 quiet']);
    expect(valuesOf(MACHINE, '-kernel')).toEqual(['/s/kernel']);
  });

  it('doubles commas in paths, which end a value of an option', () => {
    expect(valuesOf(MACHINE, '-drive')[0]).toContain('file=/work space,, etc/disk.img');
    expect(optionValue('a,b,,c')).toBe('a,,b,,,,c');
  });

  it('reaches ssh on the loopback interface only', () => {
    expect(valuesOf(MACHINE, '-netdev')).toEqual(['user,id=net,hostfwd=tcp:127.0.0.1:2222-:22']);
  });

  it('hands the keys over by fw_cfg', () => {
    expect(valuesOf(MACHINE, '-fw_cfg')).toEqual(['name=opt/coracle/authorized_keys,file=/k/id.pub']);
  });

  it('takes a processor that emulation is quick with, and the real one under KVM', () => {
    expect(valuesOf({ ...MACHINE, arch: 'arm64' }, '-cpu')).toEqual(['neoverse-n1']);
    expect(valuesOf({ ...MACHINE, arch: 'arm64' }, '-machine')).toEqual(['virt']);
    expect(valuesOf({ ...MACHINE, accelerator: 'kvm' }, '-cpu')).toEqual(['host']);
  });

  it('keeps little of what emulation has translated, and says nothing of that to KVM', () => {
    expect(valuesOf(MACHINE, '-accel')).toEqual(['tcg,tb-size=256']);
    expect(valuesOf({ ...MACHINE, accelerator: 'kvm' }, '-accel')).toEqual(['kvm']);
  });

  it('gives the disk to the firmware, with its variables, and no kernel', () => {
    const machine: Machine = { ...MACHINE, boot: { kind: 'firmware', code: '/f/code.fd', variables: '/f/vars' } };
    expect(valuesOf(machine, '-kernel')).toEqual([]);
    expect(valuesOf(machine, '-drive').slice(0, 2)).toEqual([
      'if=pflash,unit=0,format=raw,readonly=on,file=/f/code.fd',
      'if=pflash,unit=1,format=raw,file=/f/vars',
    ]);
    expect(valuesOf(machine, '-device')[0]).toContain('bootindex=0');
  });

  it('gives Ctrl-C on a terminal to the device, and writes the console to a file as well', () => {
    const machine: Machine = { ...MACHINE, console: { kind: 'terminal', log: '/w/console.log' } };
    expect(valuesOf(machine, '-chardev')[0]).toBe(
      'stdio,id=console,mux=on,signal=off,logfile=/w/console.log,logappend=off',
    );
  });
});
