/**
 * Where the parts of a Buildroot build are. Buildroot keeps what it made between builds and names its files by absolute
 * paths, so all of it is in one directory of the workspace that stays, beside the stages.
 */
import { join } from 'node:path';

export interface BuildPlaces {
  /** `<workspace>/buildroot` */
  readonly directory: string;
  /** Buildroot's output directory (`O=`). */
  readonly output: string;
  /** What the layers give to Buildroot, in a form that it takes: fragments, patches, overlay, users, scripts. */
  readonly layers: string;
  /** What the output directory was last made of. */
  readonly state: string;
}

export function buildPlaces(workspaceDirectory: string): BuildPlaces {
  const directory = join(workspaceDirectory, 'buildroot');
  return {
    directory,
    output: join(directory, 'output'),
    layers: join(directory, 'layers'),
    state: join(directory, 'state.json'),
  };
}

/** Inside of {@link BuildPlaces.layers}. */
export const LAYER_FILES = {
  kernelFragment: 'kernel.config',
  ubootFragment: 'uboot.config',
  busyboxFragment: 'busybox.config',
  kernelPatches: 'patches/kernel',
  ubootPatches: 'patches/uboot',
  packagePatches: 'patches/packages',
  overlay: 'overlay',
  users: 'users.table',
  postBuild: 'scripts/post-build',
  postFakeroot: 'scripts/post-fakeroot',
  postImage: 'scripts/post-image',
  hostPackages: 'host-packages.mk',
} as const;
