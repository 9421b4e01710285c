/**
 * The moments of a build at which layers may run a program of their own, as data: docs/hooks.md says the same to people,
 * and a test keeps the two together.
 */
import type { HOOK_NAMES, Layer } from '../layers/layer.ts';
import type { EngineName } from '../workspace/resolved.ts';

export type HookName = (typeof HOOK_NAMES)[number];

export interface HookMoment {
  /** When, for people; completes "runs …". */
  readonly when: string;
  /** The directory that the hook is about: its first argument, its working directory, and this variable. */
  readonly variable: string;
  readonly directory: string;
}

export const HOOK_MOMENTS: Readonly<Record<HookName, HookMoment>> = {
  pre: {
    when: 'before the engine starts',
    variable: 'CORACLE_WORKSPACE_DIR',
    directory: 'the directory of the workspace',
  },
  'post-build': {
    when: "when Buildroot's packages and the overlays are in the target directory, before it becomes a root",
    variable: 'TARGET_DIR',
    directory: "Buildroot's target directory, which stays between builds",
  },
  'post-fakeroot': {
    when: 'on a copy of the target directory that has its owners and device nodes (Buildroot, under fakeroot)',
    variable: 'TARGET_DIR',
    directory: 'that copy; what is changed in it is in the image',
  },
  'post-image': {
    when: "when Buildroot's own images are made",
    variable: 'BINARIES_DIR',
    directory: "Buildroot's directory of images",
  },
  root: {
    when: 'on the complete root, before it becomes root.squashfs',
    variable: 'CORACLE_ROOT',
    directory: 'the root as a directory; what is changed in it is in the image',
  },
  image: {
    when: 'on the files of the boot partition, before the disk image is made',
    variable: 'CORACLE_BOOT',
    directory: 'the files of the boot partition as a directory; what is changed in it is in the image',
  },
  post: {
    when: 'after the image is complete',
    variable: 'CORACLE_OUTPUT',
    directory: 'the directory of the finished images',
  },
};

/** All names a hook may have. */
export const hookNames = Object.keys(HOOK_MOMENTS) as readonly HookName[];

export interface PlannedHook {
  readonly layer: Layer;
  /** As the layer calls it. */
  readonly name: HookName;
  readonly program: string;
}

/** Where an engine that is not Buildroot has the like of its moments. */
const WITHOUT_BUILDROOT: Readonly<Partial<Record<HookName, HookName>>> = {
  'post-build': 'root',
  'post-fakeroot': 'root',
  'post-image': 'post',
};

/** SkiffOS hands its layers' `pre.sh` and `post.sh` to Buildroot as post-build and post-image scripts. */
const OF_SKIFFOS: Readonly<Partial<Record<HookName, HookName>>> = { pre: 'post-build', post: 'post-image' };

/** The hooks of one moment in layer order. */
export function hooksAt(moment: HookName, layers: readonly Layer[], engine: EngineName): PlannedHook[] {
  return layers.flatMap((layer) =>
    hookNames.flatMap((name) => {
      const program = layer.contents.hooks[name];
      return program !== undefined && momentOf(layer, name, engine) === moment ? [{ layer, name, program }] : [];
    }),
  );
}

function momentOf(layer: Layer, name: HookName, engine: EngineName): HookName {
  const meant = (layer.form === 'skiffos' ? OF_SKIFFOS[name] : undefined) ?? name;
  return (engine === 'buildroot' ? undefined : WITHOUT_BUILDROOT[meant]) ?? meant;
}
