/**
 * The programs for the device as a stage: device/ and a Rust toolchain go in, a static coracle-init comes out. Programs
 * are kept in the cache by content, so that workspaces share them; of two builds that need the same one, one compiles.
 */
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copySources, sourceInputs } from '../engines/device-sources.ts';
import type { BuildEnvironment } from '../engines/environment.ts';
import { writingCache } from '../host/cache-writes.ts';
import { sha256, sha256File, temporaryBeside, writeFileAtomic } from '../host/files.ts';
import { type LockHolder, takeLock } from '../host/lock.ts';
import { type Host, thisHost } from '../host/this-host.ts';
import type { Architecture } from '../layers/layer.ts';
import type { Stage, StageContext, StageInput } from '../stages/stage.ts';
import { type Compilation, compileProgram, FORMAT } from './compile.ts';
import { foreignSysroot } from './standard-library.ts';
import { findTarget } from './targets.ts';
import { rustToolchain } from './toolchain.ts';

/** File name of the program in the stage's directory. */
export const INIT_PROGRAM = 'coracle-init';

export function planDevicePrograms(arch: Architecture, environment: BuildEnvironment, host: Host = thisHost()): Stage {
  const inputs = () => programInputs(arch, environment, host);
  return {
    name: 'device-programs',
    title: 'compile the programs for the device',
    needs: [],
    inputs,
    run: async (context) => {
      const before = await inputs();
      const key = sha256(JSON.stringify(before)).slice(0, 32);
      const kept = join(environment.cache, 'device', key, arch, INIT_PROGRAM);
      if (!(await isWhole(kept))) await makeOnce(kept, before, { arch, environment, host, context });
      const program = join(context.output, INIT_PROGRAM);
      await copyFile(kept, program);
      return { digest: await sha256File(program) };
    },
  };
}

interface Work {
  readonly arch: Architecture;
  readonly environment: BuildEnvironment;
  readonly host: Host;
  readonly context: StageContext;
}

async function programInputs(arch: Architecture, environment: BuildEnvironment, host: Host): Promise<StageInput[]> {
  const toolchain = await rustToolchain(arch, { ...environment, host });
  const target = findTarget(arch, host);
  return [
    ...sourceInputs(join(environment.installation, 'device'), environment.hashes),
    { name: 'format of device programs', hash: FORMAT },
    { name: 'architecture', hash: arch },
    { name: 'the Rust compiler', hash: toolchain.release },
    { name: 'the static C library', hash: environment.hashes.file(target.libc) },
  ];
}

/** Compiles into the cache, unless another build has just done that. */
async function makeOnce(kept: string, inputs: readonly StageInput[], work: Work): Promise<void> {
  const { context } = work;
  const { report, step, signal } = context;
  const lock = {
    what: 'the programs for the device',
    purpose: 'compiling them',
    signal,
    onWait: ({ pid }: LockHolder) =>
      report({ kind: 'step-progress', step, text: `process ${pid} is compiling them, too: waiting` }),
  };
  await using _ = await writingCache(work.environment.cache, () =>
    context.jobs.lend(() => takeLock(`${dirname(kept)}.lock`, lock)),
  );
  if (await isWhole(kept)) return;
  const source = join(context.scratch, 'source');
  copySources(...sourceArguments(work.environment, source, inputs));
  const compiling = await compilation(source, work);
  const program = await context.jobs.make((jobs) => compileProgram(INIT_PROGRAM, { ...compiling, jobs }));
  await writingCache(work.environment.cache, () => keep(program, kept));
}

function sourceArguments(environment: BuildEnvironment, to: string, inputs: readonly StageInput[]) {
  const files = inputs.filter(({ name }) => name.startsWith('device/'));
  return [join(environment.installation, 'device'), to, files, environment.hashes] as const;
}

async function compilation(source: string, { arch, environment, host, context }: Work): Promise<Compilation> {
  const { report, step, log, signal } = context;
  const toolchain = await rustToolchain(arch, { ...environment, host });
  const { cache, offline } = environment;
  const sysroot = toolchain.hasTarget
    ? undefined
    : await foreignSysroot(arch, toolchain, { cache, offline, log, signal });
  return {
    ...{ toolchain, target: findTarget(arch, host), sysroot, source, offline, log, signal },
    scratch: join(context.scratch, 'target'),
    onLine: (line) => {
      const crate = /^\s*Compiling (\S+)/.exec(line)?.[1];
      if (crate !== undefined) report({ kind: 'step-progress', step, text: `compiling ${crate}` });
    },
  };
}

/** The hash beside the program is written last: what has none, or another, was left by a crash and is made anew. */
async function keep(program: string, kept: string): Promise<void> {
  await mkdir(dirname(kept), { recursive: true });
  const temporary = temporaryBeside(kept);
  try {
    await copyFile(program, temporary);
    await rename(temporary, kept);
  } finally {
    await rm(temporary, { force: true });
  }
  await writeFileAtomic(`${kept}.sha256`, await sha256File(kept));
}

async function isWhole(kept: string): Promise<boolean> {
  try {
    return (await readFile(`${kept}.sha256`, 'utf8')) === (await sha256File(kept));
  } catch {
    return false;
  }
}
