/** Options of the verbs that boot an image. */
import type { Options } from 'yargs';
import type { DeviceOptions } from '../run/device.ts';

export const RUN_OPTIONS = {
  accel: {
    choices: ['kvm', 'tcg'],
    describe: 'How the processor is had (default: KVM if a probe guest runs, else emulation)',
  },
  cpus: { type: 'number', describe: 'Processors of the machine' },
  memory: { type: 'number', describe: 'Memory in MiB (default: 1024)' },
  firmware: {
    type: 'boolean',
    describe: 'Boot the disk by UEFI firmware and boot loader, instead of the kernel directly',
  },
  fresh: { type: 'boolean', describe: 'Start over with an empty persist' },
  'ssh-port': { type: 'number', describe: 'Port on 127.0.0.1 that leads to ssh (default: a free one)' },
  timeout: { type: 'number', default: 300, describe: 'Seconds within which a checked boot must be healthy' },
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
