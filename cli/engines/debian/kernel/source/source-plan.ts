/**
 * `kernel: source` as a stage: compiles the kernel that a workspace asks for, unless the cache has it. Kernels are kept by the
 * content of what they are made from in `<cache>/kernels/<key>/`, so that workspaces share them, and going back is free.
 */
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../../failure.ts';
import { writingCache } from '../../../../host/cache-writes.ts';
import { sha256, sha256File, syncDirectory } from '../../../../host/files.ts';
import { takeLock } from '../../../../host/lock.ts';
import { runCommand } from '../../../../host/process.ts';
import { thisHost } from '../../../../host/this-host.ts';
import { formatDotConfig } from '../../../../kconfig/dotconfig.ts';
import type { KernelBase } from '../../../../layers/layer.ts';
import { readTarEntries } from '../../../../rootfs/tar-entries.ts';
import type { Stage, StageContext } from '../../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../../environment.ts';
import { readKernelTree } from '../kernel-tree.ts';
import { type PackedKernel, symbolInputs } from '../packed-kernel.ts';
import { buildKernel, type KernelPatch } from './build-kernel.ts';
import { crossPrefix } from './make.ts';

export interface SourceParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  /** The stage that brings the packages. */
  readonly from: Stage;
  /** The unpacked linux-source package. */
  readonly source: (context: StageContext) => Promise<PackedKernel>;
  /** The distribution's kernel, for its configuration; asked for only if the base is `package`. */
  readonly kernel: (context: StageContext) => Promise<PackedKernel>;
}

export interface SourcePlan {
  readonly stage: Stage;
  readonly kernel: (context: StageContext) => Promise<PackedKernel>;
}

/** Raise it when the same inputs give another kernel. */
const FORMAT = '1';
const FACTS = 'kernel.json';
const TAR = 'kernel.tar';

export function planSourceKernel(parts: SourceParts): SourcePlan {
  const { config, environment } = parts;
  const base = kernelBase(config);
  const patches = kernelPatches(config);
  const stage: Stage = {
    name: 'kernel-build',
    title: 'compile the kernel',
    needs: [parts.from],
    inputs: async () => [
      ...symbolInputs(config),
      { name: 'base of the kernel configuration', hash: sha256(base) },
      { name: 'compiler', hash: sha256(await compilerVersion(config)) },
      ...(await Promise.all(
        patches.map(async ({ file }) => ({ name: `patch ${file}`, hash: await sha256File(file) })),
      )),
      { name: 'format', hash: FORMAT },
    ],
    run: async (context) => {
      const source = await parts.source(context);
      const from = base === 'package' ? await parts.kernel(context) : undefined;
      const key = await kernelKey(config, [source.key, from?.key ?? base]);
      const directory = join(environment.cache, 'kernels', key);
      const facts = { name: `linux ${source.version} (compiled)`, version: source.version, key };
      const make = async (): Promise<void> => {
        const packageConfig = from === undefined ? undefined : await configOf(from);
        const made = join(context.scratch, 'made');
        await mkdir(made);
        const options = { config, base, packageConfig, patches, sourceTar: source.tar, origin: facts.name };
        await buildKernel(options, join(made, TAR), context);
        await writingCache(environment.cache, () => keep(made, directory));
      };
      if (!existsSync(directory)) await makeOnce(directory, environment.cache, make, context.signal);
      // Not a reference to the cache: somebody may tidy that up. Nor a hard link: whoever writes to it writes to this only.
      await copyFile(join(directory, TAR), join(context.output, TAR), constants.COPYFILE_FICLONE);
      await writeFile(join(context.output, FACTS), JSON.stringify(facts));
      return { digest: key };
    },
  };
  return {
    stage,
    kernel: async (context) => {
      const directory = context.outputOf(stage);
      const facts = JSON.parse(await readFile(join(directory, FACTS), 'utf8')) as Omit<PackedKernel, 'tar'>;
      return { ...facts, tar: join(directory, TAR) };
    },
  };
}

/** Of builds that need the same kernel, one compiles. */
async function makeOnce(directory: string, cache: string, make: () => Promise<void>, signal: AbortSignal) {
  const lock = { what: 'the kernel in the cache', purpose: 'compiling it', signal };
  await using _ = await writingCache(cache, () => takeLock(`${directory}.lock`, lock));
  if (!existsSync(directory)) await make();
}

/** The last layer that has an opinion decides. */
export function kernelBase(config: ResolvedConfig): KernelBase {
  return config.layers.map(({ layer }) => layer.debian.kernelBase).findLast((base) => base !== undefined) ?? 'package';
}

export function kernelPatches(config: ResolvedConfig): readonly KernelPatch[] {
  return config.layers.flatMap(({ layer }) =>
    layer.contents.patches.kernel.map((file): KernelPatch => ({ layer: layer.name, file })),
  );
}

async function kernelKey(config: ResolvedConfig, from: readonly string[]): Promise<string> {
  const patches = await Promise.all(kernelPatches(config).map(({ file }) => sha256File(file)));
  const asked = sha256(formatDotConfig(config.symbols.kernel));
  return sha256(JSON.stringify([FORMAT, config.arch, ...from, asked, patches, await compilerVersion(config)]));
}

async function compilerVersion(config: ResolvedConfig): Promise<string> {
  const compiler = `${crossPrefix(config.arch, thisHost().arch)}gcc`;
  try {
    return (await runCommand({ argv: [compiler, '--version'], cwd: '/', stdout: 'capture' })).stdout;
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-missing') throw error;
    throw error.with({ cause: 'kernel: source compiles a kernel', hint: 'coracle doctor --fix --for kernel-source' });
  }
}

async function configOf(packed: PackedKernel) {
  return readKernelTree(await readTarEntries(packed.tar, `package ${packed.name}`), packed.name).config;
}

/** The scratch directory may be on another file system than the cache. */
async function keep(made: string, directory: string): Promise<void> {
  const temporary = `${directory}.new`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  await copyFile(join(made, TAR), join(temporary, TAR));
  await syncDirectory(temporary);
  await rename(temporary, directory);
  await syncDirectory(join(directory, '..'));
}
