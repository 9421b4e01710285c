/**
 * The Buildroot tree and the BR2_EXTERNAL trees of one workspace, each read once and only when it is needed, and their
 * contents by hash: a plan can be made, and shown, where there is no tree.
 */

import { join } from 'node:path';
import { sha256 } from '../../../host/files.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type BuildrootTree, readBuildrootTree, type TreeParts, treeParts } from './buildroot-tree.ts';
import { type ExternalTree, externalTrees } from './external-trees.ts';

export interface TreeSource {
  /** @throws Failure, see {@link readBuildrootTree} */
  readonly tree: () => BuildrootTree;
  /** @throws Failure, see {@link externalTrees} */
  readonly externals: () => readonly ExternalTree[];
  /** The tree and the external trees by parts; those of an external tree begin with its name. */
  readonly parts: () => Promise<TreeParts>;
}

export function treeSource(config: ResolvedConfig, environment: BuildEnvironment): TreeSource {
  const tree = once(() => readBuildrootTree(config.settings.buildroot));
  const externals = once(() => externalTrees(config.layers.map(({ layer }) => layer)));
  const parts = once(async () => {
    const { directory } = tree();
    // Shared by all workspaces that are built from the tree.
    const remembered = join(environment.cache, 'buildroot/trees', `${sha256(directory).slice(0, 32)}.json`);
    const hashes = new FileHashes(remembered);
    const found = new Map(treeParts({ directory }, hashes));
    await hashes.save();
    for (const external of externals()) {
      for (const [name, hash] of treeParts(external, environment.hashes)) found.set(`${external.name}/${name}`, hash);
    }
    return found;
  });
  return { tree, externals, parts };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
