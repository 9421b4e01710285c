/** What can be said of the layers of a Buildroot workspace without a tree, for `coracle check`. */
import { Failure, Failures, throwAny } from '../../../failure.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { externalTrees } from '../tree/external-trees.ts';
import { layerCflags } from './cflags.ts';
import { layerPatches } from './patches.ts';

/** @throws Failure for each mistake in BR2_EXTERNAL trees, patches' names and cflags, all at once */
export function checkForBuildroot({ layers: ordered }: ResolvedConfig): void {
  const layers = ordered.map(({ layer }) => layer);
  const failures: Failure[] = [];
  for (const check of [externalTrees, layerPatches, layerCflags]) {
    try {
      check(layers);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(...(error instanceof Failures ? error.all : [error]));
    }
  }
  throwAny(failures);
}
