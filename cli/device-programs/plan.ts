/**
 * The programs for the device as stages, one each: device/ and a Rust toolchain go in, a static program comes out. Programs
 * are kept in the cache by content, so that workspaces share them; of two builds that need the same one, one compiles. A
 * stage is keyed by the crates of its program, so that a change of one program leaves the others alone.
 */
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copySources, programInputs, sourceInputs } from '../engines/device-sources.ts';
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

/** The one that the initramfs is made of. */
export const INIT_PROGRAM = 'coracle-init';

/** A stage named as the program, which is the one file in its directory. */
export function planDeviceProgram(
  name: string,
  arch: Architecture,
  environment: BuildEnvironment,
  host: Host = thisHost(),
): Stage {
  const inputs = () => stageInputs(name, arch, environment, host);
  return {
    name,
    title: `compile ${name} for the device`,
    needs: [],
    inputs,
    run: async (context) => {
      const before = await inputs();
      const key = sha256(JSON.stringify(before)).slice(0, 32);
      const kept = join(environment.cache, 'device', key, arch, name);
      if (!(await isWhole(kept))) await makeOnce(kept, before, { name, arch, environment, host, context });
      const program = join(context.output, name);
      await copyFile(kept, program);
      return { digest: await sha256File(program) };
    },
  };
}

interface Work {
  readonly name: string;
  readonly arch: Architecture;
  readonly environment: BuildEnvironment;
  readonly host: Host;
  readonly context: StageContext;
}

async function stageInputs(
  program: string,
  arch: Architecture,
  environment: BuildEnvironment,
  host: Host,
): Promise<StageInput[]> {
  const toolchain = await rustToolchain(arch, { ...environment, host });
  const target = findTarget(arch, host);
  return [
    ...programInputs(join(environment.installation, 'device'), program, environment.hashes),
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
    what: `the program ${work.name}`,
    purpose: 'compiling it',
    signal,
    onWait: ({ pid }: LockHolder) =>
      report({ kind: 'step-progress', step, text: `process ${pid} is compiling it, too: waiting` }),
  };
  await using _ = await writingCache(work.environment.cache, () =>
    context.jobs.lend(() => takeLock(`${dirname(kept)}.lock`, lock)),
  );
  if (await isWhole(kept)) return;
  const source = join(context.scratch, 'source');
  copySources(...sourceArguments(work.environment, source, inputs));
  const compiling = await compilation(source, work);
  const program = await context.jobs.make((jobs) => compileProgram(work.name, { ...compiling, jobs }));
  await writingCache(work.environment.cache, () => keep(program, kept));
}

/** All of the workspace, which cargo wants to see whole; of the program's own files those that it is keyed by. */
function sourceArguments({ installation, hashes }: BuildEnvironment, to: string, inputs: readonly StageInput[]) {
  const device = join(installation, 'device');
  const keyed = new Map(inputs.map((input) => [input.name, input]));
  const files = sourceInputs(device, hashes).map((file) => keyed.get(file.name) ?? file);
  return [device, to, files, hashes] as const;
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
