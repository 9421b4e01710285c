/** Options of the verbs that boot an image. */
import type { Options } from 'yargs';
import type { DeviceOptions } from '../run/device.ts';
import { numberOption } from './number-option.ts';

/** The smallest image that ships boots with 96 under emulation, and not with 64. */
const LEAST_MEMORY_MIB = 128;
const MOST_MEMORY_MIB = 1 << 20;
/** QEMU's machines have no more. */
const MOST_CPUS = 255;
const A_DAY_S = 24 * 60 * 60;

export const RUN_OPTIONS = {
  accel: {
    choices: ['kvm', 'tcg'],
    describe: 'How the processor is had (default: KVM if a probe guest runs, else emulation)',
  },
  cpus: numberOption('cpus', { describe: 'Processors of the machine', least: 1, most: MOST_CPUS }),
  memory: numberOption('memory', {
    describe: 'Memory in MiB; 1024 if not given',
    least: LEAST_MEMORY_MIB,
    most: MOST_MEMORY_MIB,
  }),
  firmware: {
    type: 'boolean',
    describe: 'Boot the disk by UEFI firmware and boot loader, instead of the kernel directly',
  },
  fresh: { type: 'boolean', describe: 'Start over with an empty persist' },
  'ssh-port': numberOption('ssh-port', {
    describe: 'Port on 127.0.0.1 that leads to ssh; a free one if not given',
    least: 1,
    most: 65535,
  }),
  timeout: {
    default: 300,
    ...numberOption('timeout', {
      describe: 'Seconds within which a checked boot must be healthy',
      least: 1,
      most: A_DAY_S,
    }),
  },
} as const satisfies Record<string, Options>;

export interface RunArguments {
  readonly accel?: string | undefined;
  readonly cpus?: number | undefined;
  readonly memory?: number | undefined;
  readonly firmware?: boolean | undefined;
  readonly fresh?: boolean | undefined;
  readonly sshPort?: number | undefined;
}

export function runOptions(
  args: RunArguments,
): Pick<DeviceOptions, 'accelerator' | 'cpus' | 'memoryMiB' | 'firmware' | 'fresh' | 'sshPort'> {
  return {
    accelerator: args.accel === 'kvm' || args.accel === 'tcg' ? args.accel : undefined,
    cpus: args.cpus,
    memoryMiB: args.memory,
    firmware: args.firmware,
    fresh: args.fresh,
    sshPort: args.sshPort,
  };
}
