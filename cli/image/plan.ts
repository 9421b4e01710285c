/**
 * The image as stages: squashfs → initramfs → slot → disk. What an engine made goes in, whichever engine it was; a slot
 * directory, its manifest and a disk image come out. docs/image.md describes them, docs/boot.md is the contract with the
 * device.
 */
import type { EnginePlan, StageFile } from '../engines/engine.ts';
import type { BuildEnvironment } from '../engines/environment.ts';
import type { Stage } from '../stages/stage.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { DISK_FILE, diskStage } from './disk.ts';
import { initramfsStage } from './initramfs.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { slotStage } from './slot.ts';
import { squashfsStage } from './squashfs.ts';

export interface ImagePlan {
  /** In an order in which each comes after what it needs. */
  readonly stages: readonly Stage[];
  readonly output: ImageOutput;
}

export interface ImageOutput {
  /** A directory: kernel, initramfs, root.squashfs, manifest.json. */
  readonly slot: StageFile;
  readonly manifest: StageFile;
  readonly disk: StageFile;
  /** Index of the tree that root.squashfs is made of. */
  readonly root: StageFile;
}

/** @param initProgram stage that has the static program `coracle-init` */
export function planImage(
  config: ResolvedConfig,
  environment: BuildEnvironment,
  engine: EnginePlan,
  initProgram: Stage,
): ImagePlan {
  const squashfs = squashfsStage(engine.output.root);
  const initramfs = initramfsStage(engine.output.initramfsModules, initProgram);
  const slot = slotStage(config, environment, { engine: engine.output, squashfs, initramfs });
  const disk = diskStage(config, environment, slot, engine.output.bootFiles);
  return {
    stages: [squashfs, initramfs, slot, disk],
    output: {
      slot: { stage: slot, path: '.' },
      manifest: { stage: slot, path: MANIFEST_FILE },
      disk: { stage: disk, path: DISK_FILE },
      root: engine.output.root,
    },
  };
}
