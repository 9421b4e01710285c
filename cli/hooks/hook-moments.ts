/**
 * The moments of a build at which layers may run a program of their own, as data: docs/hooks.md says the same to people,
 * and a test keeps the two together.
 */
import type { HOOK_NAMES, Layer } from '../layers/layer.ts';

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

/**
 * The hooks of one moment in layer order. A SkiffOS layer's `pre.sh` is a Buildroot post-build script, which changes the
 * root before it becomes an image: its moment is `root`.
 */
export function hooksAt(moment: HookName, layers: readonly Layer[]): PlannedHook[] {
  return layers.flatMap((layer) =>
    hookNames.flatMap((name) => {
      const program = layer.contents.hooks[name];
      return program !== undefined && momentOf(layer, name) === moment ? [{ layer, name, program }] : [];
    }),
  );
}

function momentOf(layer: Layer, name: HookName): HookName {
  return layer.form === 'skiffos' && name === 'pre' ? 'root' : name;
}
