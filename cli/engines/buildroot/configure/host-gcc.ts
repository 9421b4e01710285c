/** The host's own compiler, as far as Buildroot's Kconfig asks about it. */
import { Failure } from '../../../failure.ts';
import { runCommand } from '../../../host/process.ts';

export interface HostGcc {
  /** Major version. */
  readonly version: number;
  /** First word of its target triplet: `x86_64`, `aarch64`. */
  readonly architecture: string;
}

/** @throws Failure `command-missing`, `unknown-compiler` */
export async function hostGcc(signal?: AbortSignal): Promise<HostGcc> {
  const ask = async (question: '-dumpversion' | '-dumpmachine'): Promise<string> => {
    const asked = runCommand({ argv: ['gcc', question], cwd: '/', stdout: 'capture', signal });
    return (await asked).stdout.trim();
  };
  const [version, machine] = [await ask('-dumpversion'), await ask('-dumpmachine')];
  const [architecture = ''] = machine.split('-');
  const major = Number.parseInt(version, 10);
  if (Number.isNaN(major) || architecture === '') {
    throw new Failure({
      code: 'unknown-compiler',
      message: "the machine's gcc does not say what it is",
      cause: `it answers -dumpversion by ${JSON.stringify(version)}, and -dumpmachine by ${JSON.stringify(machine)}`,
    });
  }
  return { version: major, architecture };
}
