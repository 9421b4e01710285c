/**
 * What a layer's file says by its mode beyond the executable bit, which is all that git keeps and an image takes over: found
 * when the overlay is copied, and told unless something else gives the file that mode.
 */
import type { FailureParts } from '../failure.ts';
import type { RootTree } from './tree.ts';

/** set-uid, set-gid and sticky. */
const SPECIAL = 0o7000;
/** Reading by group and others. */
const READING = 0o044;

export interface LostMode {
  /** In the layer. */
  readonly source: string;
  /** In the image, where it landed. */
  readonly path: string;
  readonly mode: number;
  /** Special bits that the file had. */
  readonly special: number;
  /** Bits of reading that it did not have. */
  readonly hidden: number;
  readonly layer: string;
}

/**
 * @param layerMode mode of layer.yaml, or of the layer's directory: where it, too, is closed to others, it is the umask of
 * who checked it out that speaks, and not the layer.
 */
export function lostBits(mode: number, layerMode: number): Pick<LostMode, 'special' | 'hidden'> | undefined {
  const special = mode & SPECIAL;
  const hidden = layerMode & ~mode & READING;
  return special === 0 && hidden === 0 ? undefined : { special, hidden };
}

/** Whether the image has the file without what its mode said, once hooks and later layers had their say. */
export function isStillLost(tree: RootTree, { path, special, hidden }: LostMode): boolean {
  const there = tree.get(path);
  return there?.type === 'file' && ((special & ~there.mode) !== 0 || (hidden & there.mode) !== 0);
}

export function lostModeWarning({ source, path, mode, special, layer }: LostMode): FailureParts {
  const octal = mode.toString(8).padStart(4, '0');
  const instead =
    special === 0 ? 'everyone may read it in the image' : 'it has no set-uid, set-gid or sticky bit in the image';
  return {
    code: 'mode-not-kept',
    message: `the mode ${octal} of ${path} is not kept: ${instead}`,
    place: { file: source },
    hint: `overlays keep the executable bit alone; a hook "root" of the layer can set more: chmod ${octal} "$CORACLE_ROOT${path}"`,
    layer,
  };
}
