/**
 * The moment `root` for engines that hold the root as a tree: only when a layer has such a hook is the tree made a
 * directory, and only what the hooks changed is read back.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { materialise } from '../rootfs/materialise.ts';
import { reimport } from '../rootfs/reimport.ts';
import type { RootTree } from '../rootfs/tree.ts';
import type { HookContext } from './hook-environment.ts';
import { hooksAt } from './hook-moments.ts';
import { runPlannedHook } from './run-hook.ts';

export interface RootHookContext extends Omit<HookContext, 'directory' | 'workspaceDirectory'> {
  /** Empty directory on a disk with room for the whole root; the caller removes it. */
  readonly scratch: string;
  /** Directory of the cache that keeps what hooks write (see rootfs/stored-content.ts). */
  readonly store: string;
}

/** Runs all `root` hooks and changes the tree as they did; whether there were any. */
export async function runRootHooks(tree: RootTree, context: RootHookContext): Promise<boolean> {
  const hooks = hooksAt(
    'root',
    context.config.layers.map(({ layer }) => layer),
    context.config.engine,
  );
  if (hooks.length === 0) return false;
  // SkiffOS's hooks look for the root in `target` of the workspace, and leave things in `images`.
  const directory = join(context.scratch, 'target');
  await mkdir(join(context.scratch, 'images'), { recursive: true });
  let root = await materialise(tree, directory, { mtime: context.sourceDateEpoch, ...signalOf(context) });
  for (const hook of hooks) {
    await runPlannedHook('root', hook, { ...context, directory, workspaceDirectory: context.scratch });
    const origin = `hook ${hook.name} of ${hook.layer.name}`;
    root = (await reimport(tree, root, { origin, store: context.store })).root;
  }
  return true;
}

function signalOf({ signal }: RootHookContext): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
