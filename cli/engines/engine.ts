/**
 * What an engine is: it turns a ResolvedConfig into a kernel and a root tree, by stages. The image stage takes over from
 * there and does not know which engine it was.
 */
import type { RootProgram } from '../layers/layer.ts';
import type { Stage } from '../stages/stage.ts';
import type { EngineName, ResolvedConfig } from '../workspace/resolved.ts';
import type { EngineTools } from './engine-tools.ts';
import type { BuildEnvironment } from './environment.ts';

export interface Engine {
  readonly name: EngineName;
  /**
   * Pure and quick: describes the stages, runs nothing.
   *
   * @param workspaceDirectory for what an engine keeps from one build to the next, beside the stages
   * @param deviceProgram for an engine that does not compile the layers' {@link RootProgram}s itself
   */
  readonly plan: (
    config: ResolvedConfig,
    environment: BuildEnvironment,
    workspaceDirectory: string,
    deviceProgram: DeviceProgram,
  ) => EnginePlan;
}

/** The stage that compiles one of Coracle's programs for the workspace's architecture: a file of its name. */
export type DeviceProgram = (name: RootProgram) => Stage;

export interface EnginePlan {
  /** Throws what is wrong with the machine or the paths and can be told before anything runs. */
  readonly check?: () => void;
  /** In an order in which each comes after what it needs. */
  readonly stages: readonly Stage[];
  readonly output: EngineOutput;
  readonly tools: EngineTools;
}

/** A file that a stage makes: `path` is relative to that stage's directory. */
export interface StageFile {
  readonly stage: Stage;
  readonly path: string;
}

export interface EngineOutput {
  /** Bootable kernel image (bzImage or Image). */
  readonly kernel: StageFile;
  /** JSON {@link KernelFacts}. */
  readonly kernelFacts: StageFile;
  /** A root tree index (rootfs/tree-index.ts), the root as it goes into root.squashfs. */
  readonly root: StageFile;
  /** JSON list of {@link InitramfsModule}, in load order; empty when all is built in. */
  readonly initramfsModules: StageFile;
  /** JSON list of {@link BootFile}: for the boot partition outside of the slots (boot loader). */
  readonly bootFiles: StageFile;
  /** JSON list of {@link PackageRecord}, for the manifest. */
  readonly packages: StageFile;
  /** JSON {@link ToolchainFacts}, where the engine takes a toolchain that was made before the image. */
  readonly toolchain?: StageFile;
  /** What of the machine that builds stood in for something that is usually built, for the manifest: `toolchain`. */
  readonly fromMachine?: readonly string[];
}

export interface KernelFacts {
  /** `uname -r` of the kernel. */
  readonly release: string;
  readonly version: string;
}

/** May hold more than this. */
export interface ToolchainFacts {
  /** By which it is kept, if it is. */
  readonly name?: string;
  /** `gcc 14.3.0`, `musl` */
  readonly parts: readonly string[];
}

export interface InitramfsModule {
  /** `dm_verity`, for messages and the load list. */
  readonly name: string;
  /** The uncompressed .ko on this machine: absolute, or relative to the list's own directory. */
  readonly file: string;
}

export interface BootFile {
  /** Path on the boot partition, `EFI/BOOT/BOOTX64.EFI`. */
  readonly path: string;
  /** On this machine: absolute, or relative to the list's own directory. */
  readonly file: string;
}

export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
  /** Layers that asked for it; empty for dependencies. */
  readonly askedBy: readonly string[];
}
