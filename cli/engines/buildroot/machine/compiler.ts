/**
 * The machine's gcc and binutils for an architecture: the default compiler, or one with its version in its name where a
 * release of Buildroot does not know the default one yet.
 */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../../../failure.ts';
import { runCommand } from '../../../host/process.ts';
import { findProgram, gnuTriplet, type Host } from '../../../host/this-host.ts';
import type { Architecture } from '../../../layers/layer.ts';

export interface MachineCompiler {
  /** Absolute paths, without links. */
  readonly gcc: string;
  readonly cpp: string;
  readonly major: number;
  /** First line of `gcc --version` and of `ld --version`: changes with every build of Debian's. */
  readonly release: string;
  /** Where libgcc.a is. */
  readonly libraries: string;
  /** Absolute path of a program of binutils, or one like gcc-ar; undefined if it is not there. */
  readonly tool: (name: string) => string | undefined;
}

/**
 * @param majors of gcc that will do, best first
 * @throws Failure `host-packages-missing`, `compiler-unknown`
 */
export async function machineCompiler(
  arch: Architecture,
  majors: readonly number[],
  host: Host,
): Promise<MachineCompiler> {
  const gnu = gnuTriplet(arch);
  const native = host.arch === arch;
  const find = (name: string): string | undefined =>
    findProgram(host, `${gnu}-${name}`) ?? (native ? findProgram(host, name) : undefined);
  const standard = find('gcc');
  if (standard === undefined || find('ld') === undefined) throw compilerMissing(arch, native, gnu);
  const standardMajor = await majorOf(standard);
  const major = [standardMajor, ...majors].find(
    (one) => majors.includes(one) && (one === standardMajor || find(`gcc-${one}`) !== undefined),
  );
  if (major === undefined) throw compilerUnknown(standardMajor, majors, native, gnu);
  const suffix = major === standardMajor ? '' : `-${major}`;
  const gcc = realpathSync(find(`gcc${suffix}`) ?? standard);
  const cpp = find(`cpp${suffix}`);
  if (cpp === undefined) throw compilerMissing(arch, native, gnu);
  const ask = (program: string, option: string): Promise<string> => firstLine(program, option);
  return {
    gcc,
    cpp: realpathSync(cpp),
    major,
    release: `${await ask(gcc, '--version')}, ${await ask(find('ld') ?? 'ld', '--version')}`,
    libraries: dirname(realpathSync(await ask(gcc, '-print-file-name=libgcc.a'))),
    tool: (name) => find(name.startsWith('gc') ? `${name}${suffix}` : name),
  };
}

async function firstLine(program: string, option: string): Promise<string> {
  const { stdout } = await runCommand({ argv: [program, option], cwd: '/', stdout: 'capture' });
  return stdout.split('\n')[0] ?? '';
}

async function majorOf(gcc: string): Promise<number> {
  return Number((await firstLine(gcc, '-dumpversion')).split('.')[0]);
}

function compilerMissing(arch: Architecture, native: boolean, gnu: string): Failure {
  const name = native ? 'gcc' : `gcc-${gnu.replaceAll('_', '-')}`;
  return new Failure({
    code: 'host-packages-missing',
    message: `this machine has no compiler for ${arch}`,
    hint: `apt-get install ${name}, or let Buildroot build its toolchain`,
  });
}

function compilerUnknown(found: number, majors: readonly number[], native: boolean, gnu: string): Failure {
  const newest = majors[0] ?? 0;
  const name = native ? `gcc-${newest}` : `gcc-${newest}-${gnu.replaceAll('_', '-')}`;
  return new Failure({
    code: 'compiler-unknown',
    message: `this machine's gcc ${found} is newer than this release of Buildroot knows (up to ${newest})`,
    hint: `apt-get install ${name}, take a newer Buildroot, or let it build its own toolchain`,
  });
}
