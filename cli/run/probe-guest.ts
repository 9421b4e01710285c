/**
 * The smallest guests that prove that a processor runs: they count to 2^24 and then end the virtual machine by
 * themselves, in a way that a machine which never ran cannot.
 */
import type { Architecture } from '../layers/layer.ts';
import { QEMU } from './machine.ts';

export interface ProbeGuest {
  readonly image: Uint8Array;
  readonly qemu: string;
  /** QEMU's arguments besides the accelerator, for the image in a file. */
  readonly arguments: (image: string) => readonly string[];
  /** QEMU's exit code when the guest reached its end. */
  readonly exitCode: number;
}

const COMMON = ['-no-user-config', '-nodefaults', '-display', 'none', '-cpu', 'host', '-m', '64M'] as const;

export function probeGuest(arch: Architecture): ProbeGuest {
  return arch === 'x86_64' ? x86Guest() : arm64Guest();
}

/**
 * A firmware of 64 KiB, which the machine starts in real mode at its last 16 bytes. It goes to protected mode as every
 * kernel does, counts, and writes to a port at which a device ends QEMU with 2n + 1.
 */
function x86Guest(): ProbeGuest {
  const code = Buffer.from(
    [
      'fa', //                       cli
      '2e660f01164800', //           lgdtl %cs:0x48
      '0f20c0', //                   mov   %cr0, %eax
      '0c01', //                     or    $1, %al
      '0f22c0', //                   mov   %eax, %cr0
      '66ea1800ffff0800', //         ljmpl $8, $0xffff0018
      '66b81000', //                 mov   $16, %ax       (32-bit code from here, at 0x18)
      '8ed8', //                     mov   %ax, %ds
      'b900000001', //               mov   $0x1000000, %ecx
      '49', //                    1: dec   %ecx
      '75fd', //                     jnz   1b
      'b02a', //                     mov   $42, %al
      'e6f4', //                     out   %al, $0xf4
      'f4ebfd', //                2: hlt; jmp 2b
      '8d7600', //                   padding to 0x30
      '0000000000000000', //         descriptor table: nothing,
      'ffff0000009acf00', //         8: code, 4 GiB from 0
      'ffff00000092cf00', //         16: data, the same
      '17003000ffff', //             at 0x48: its size and address
    ].join(''),
    'hex',
  );
  const image = Buffer.alloc(0x10000, 0xf4);
  code.copy(image);
  // jmp 0, at the place where the processor starts.
  Buffer.from('e90d00', 'hex').copy(image, 0xfff0);
  return {
    image,
    qemu: QEMU.x86_64,
    arguments: (file) => [
      ...COMMON,
      '-machine',
      'q35',
      '-bios',
      file,
      '-device',
      'isa-debug-exit,iobase=0xf4,iosize=1',
    ],
    exitCode: 2 * 42 + 1,
  };
}

/** A raw kernel that counts and asks the hypervisor for SYSTEM_OFF (PSCI), on which QEMU ends in good order. */
function arm64Guest(): ProbeGuest {
  const words = [
    0xd2a02002, //    movz x2, #0x100, lsl #16
    0xf1000442, // 1: subs x2, x2, #1
    0x54ffffe1, //    b.ne 1b
    0x52800100, //    movz w0, #8
    0x72b08000, //    movk w0, #0x8400, lsl #16
    0xd4000002, //    hvc  #0
    0x14000000, // 2: b    2b
  ];
  const image = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) image.writeUInt32LE(word, index * 4);
  return {
    image,
    qemu: QEMU.arm64,
    arguments: (file) => [...COMMON, '-machine', 'virt', '-kernel', file],
    exitCode: 0,
  };
}
