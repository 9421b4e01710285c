/** Directories that are left empty when what was in them is taken away: a build from nothing would not make them. */
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Removes the directories above `path` that are empty now, up to `root`.
 *
 * @param root the target, the staging or the host directory
 * @param path of what was removed, below it
 * @param skeleton directory of the tree that every root begins as a copy of; what is there stays
 */
export async function removeEmptyAbove(root: string, path: string, skeleton: string): Promise<void> {
  for (let above = dirname(path); above !== '.' && above !== '/'; above = dirname(above)) {
    if (existsSync(join(skeleton, above))) return;
    try {
      await rmdir(join(root, above));
    } catch {
      // It holds something, is a link, or is gone already.
      return;
    }
  }
}

/** Of a Buildroot tree. */
export function skeletonDirectory(tree: string): string {
  return join(tree, 'system/skeleton');
}
