/**
 * What SkiffOS itself always merges: the layers `pre` and `post` in configs-base/ of its checkout, before and behind every
 * list (scripts/build_configs.sh). They are its base: systemd, the kernel's essentials, the programs that boot it.
 *
 * `post` holds what scripts/build_configs.sh puts into the configuration (see skiffos-placeholders.ts).
 */
import { basename, dirname, join } from 'node:path';
import { isDirectory } from '../host/look-at.ts';
import type { Layer, LayerRoot } from '../layers/layer.ts';
import type { OrderedLayer } from '../layers/order-layers.ts';
import { readLayer } from '../layers/read-layer.ts';

/** Beside the `configs/` of a checkout. */
export const SKIFFOS_BASE = 'configs-base';

/** Of a checkout of SkiffOS. */
interface SkiffosBase {
  readonly pre: readonly OrderedLayer[];
  readonly post: readonly OrderedLayer[];
}

/**
 * @param ordered the list, whose layers' roots are looked at first, in the order of `roots`
 * @returns undefined if no root belongs to a checkout of SkiffOS.
 * @throws Failure what is wrong with the layers
 */
export function skiffosBase(roots: readonly LayerRoot[], ordered: readonly OrderedLayer[]): SkiffosBase | undefined {
  const used = new Set(ordered.map(({ layer }) => layer.root.directory));
  const nearest = [...roots.filter(({ directory }) => used.has(directory)), ...roots];
  const root = nearest.find(({ directory }) => isDirectory(join(baseOf(directory), 'pre')));
  if (root === undefined) return undefined;
  return { pre: baseLayer(root, 'pre'), post: baseLayer(root, 'post') };
}

/** Of a root that is the directory `configs` of a checkout. */
function baseOf(directory: string): string {
  return join(basename(directory) === 'configs' ? dirname(directory) : directory, SKIFFOS_BASE);
}

function baseLayer(root: LayerRoot, name: 'pre' | 'post'): readonly OrderedLayer[] {
  const directory = join(baseOf(root.directory), name);
  const layer = isDirectory(directory) ? readLayer(`${SKIFFOS_BASE}/${name}`, root, directory) : undefined;
  // SkiffOS merges what they hold, and does not look at what they depend on.
  return layer === undefined ? [] : [{ layer: { ...layer, depends: [] }, reason: { kind: 'skiffos-base' } }];
}

/** Without what SkiffOS does not count among the layers of a list: its own base, and the user's overrides. */
export function listedLayers(ordered: readonly OrderedLayer[]): readonly Layer[] {
  return ordered
    .filter(({ reason }) => reason.kind !== 'overrides' && reason.kind !== 'skiffos-base')
    .map(({ layer }) => layer);
}
