/** A workspace as it will be resolved once some fragments of one of its layers are edited: to see what an edit does first. */
import type { Assignment, Namespace } from '../kconfig/assignment.ts';
import { assignmentsOf } from '../kconfig/fragment.ts';
import { mergeAssignments } from '../kconfig/merge.ts';
import type { Layer } from '../layers/layer.ts';
import type { LayerFragments } from '../layers/layer-fragments.ts';
import type { OrderedLayer } from '../layers/order-layers.ts';
import { OVERRIDES } from './override-layers.ts';
import type { ResolvedConfig } from './resolved.ts';

/** @param fragments all that the layer has of the namespace; the layer may be one of the overrides that is not there yet */
export function withFragments(
  config: ResolvedConfig,
  layer: Layer,
  namespace: Namespace,
  fragments: LayerFragments,
): ResolvedConfig {
  const contents = {
    ...layer.contents,
    fragments: { ...layer.contents.fragments, [namespace]: fragments.map(({ file }) => file) },
  };
  const layers = replaced(config.layers, { ...layer, contents });
  const byFile = assignmentsByFile(config, namespace);
  for (const fragment of fragments) byFile.set(fragment.file, assignmentsOf(fragment));
  const files = layers.flatMap((one) => one.layer.contents.fragments[namespace]);
  const merged = mergeAssignments(files.flatMap((file) => byFile.get(file) ?? []));
  return { ...config, layers, symbols: { ...config.symbols, [namespace]: merged } };
}

/** Overrides come last, those of the workspace behind those of all. */
function replaced(layers: readonly OrderedLayer[], layer: Layer): readonly OrderedLayer[] {
  if (layers.some((one) => one.layer.name === layer.name)) {
    return layers.map((one) => (one.layer.name === layer.name ? { ...one, layer } : one));
  }
  const added: OrderedLayer = { layer, reason: { kind: 'overrides' } };
  const next = layers.findIndex((one) => layer.name === OVERRIDES && one.layer.root.kind === 'overrides');
  return next === -1 ? [...layers, added] : layers.toSpliced(next, 0, added);
}

function assignmentsByFile(config: ResolvedConfig, namespace: Namespace): Map<string, readonly Assignment[]> {
  const all = [...config.symbols[namespace].values()].flatMap(({ chain }) => chain);
  const byFile = Map.groupBy(all, ({ origin }) => origin.file);
  return new Map([...byFile].map(([file, list]) => [file, list.sort((a, b) => a.origin.line - b.origin.line)]));
}
