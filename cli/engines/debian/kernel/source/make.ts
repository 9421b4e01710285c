/** The kernel's own make, for one architecture, with everything fixed that would make two builds differ. */
import type { JobShare } from '../../../../host/job-budget.ts';
import { type Command, runCommand } from '../../../../host/process.ts';
import { type HostArchitecture, thisHost } from '../../../../host/this-host.ts';
import type { Architecture } from '../../../../layers/layer.ts';

interface KernelArchitecture {
  /** ARCH of the kernel's make. */
  readonly name: string;
  readonly crossPrefix: string;
  /** Target of make that gives the image, and where that is then. */
  readonly imageTarget: string;
  readonly image: string;
}

export const KERNEL_ARCHITECTURES: Readonly<Record<Architecture, KernelArchitecture>> = {
  x86_64: {
    name: 'x86',
    crossPrefix: 'x86_64-linux-gnu-',
    imageTarget: 'bzImage',
    image: 'arch/x86/boot/bzImage',
  },
  arm64: { name: 'arm64', crossPrefix: 'aarch64-linux-gnu-', imageTarget: 'Image', image: 'arch/arm64/boot/Image' },
};

export interface MakeOptions {
  readonly arch: Architecture;
  /** The unpacked source; the build happens in it. */
  readonly source: string;
  readonly log: string;
  readonly signal: AbortSignal;
  readonly jobs: JobShare;
}

export class KernelMake {
  readonly source: string;
  readonly arch: Architecture;
  readonly architecture: string;
  readonly #options: MakeOptions;

  constructor(options: MakeOptions) {
    this.source = options.source;
    this.arch = options.arch;
    this.architecture = KERNEL_ARCHITECTURES[options.arch].name;
    this.#options = options;
  }

  async run(targets: readonly string[], onLine?: (line: string) => void): Promise<void> {
    await this.#options.jobs.make(({ env, descriptors }) =>
      this.#make(targets, { env, descriptors, ...(onLine === undefined ? {} : { onLine }) }),
    );
  }

  /** `uname -r` of what is built. */
  async release(): Promise<string> {
    const { stdout } = await this.#make(['-s', '--no-print-directory', 'kernelrelease'], { stdout: 'capture' });
    return stdout.trim();
  }

  #make(
    args: readonly string[],
    { env, ...more }: Partial<Pick<Command, 'descriptors' | 'env' | 'onLine' | 'stdout'>>,
  ) {
    const { source, log, signal, arch } = this.#options;
    const prefix = crossPrefix(arch, thisHost().arch);
    return runCommand({
      argv: ['nice', 'make', `ARCH=${this.architecture}`, `CROSS_COMPILE=${prefix}`, ...args],
      cwd: source,
      log,
      signal,
      env: {
        ...env,
        KBUILD_BUILD_TIMESTAMP: 'Thu Jan  1 00:00:00 UTC 1970',
        KBUILD_BUILD_USER: 'coracle',
        KBUILD_BUILD_HOST: 'coracle',
        KBUILD_BUILD_VERSION: '1',
        // Set, so that no `+` is appended for a source without a repository.
        LOCALVERSION: '-coracle',
      },
      ...more,
    });
  }
}

/** Of the compiler's name; empty where the machine's own compiler is right. */
export function crossPrefix(arch: Architecture, host: HostArchitecture): string {
  return arch === host ? '' : KERNEL_ARCHITECTURES[arch].crossPrefix;
}
