import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runRootHooks } from '../hooks/root-hooks.ts';
import { IMAGE_TIME } from '../rootfs/image-time.ts';
import type { RootTree } from '../rootfs/tree.ts';
import type { StageContext } from '../stages/stage.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import type { BuildEnvironment } from './environment.ts';

/** Runs the layers' `root` hooks on a root that is complete, in a stage. */
export async function applyRootHooks(
  tree: RootTree,
  config: ResolvedConfig,
  environment: BuildEnvironment,
  { log, signal, scratch: base }: StageContext,
): Promise<void> {
  const scratch = join(base, 'hooks');
  await mkdir(scratch, { recursive: true });
  const store = join(environment.cache, 'contents');
  await runRootHooks(tree, { config, log, sourceDateEpoch: IMAGE_TIME, signal, scratch, store });
}
