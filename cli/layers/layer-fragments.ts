/**
 * The fragments of one layer and namespace, to be edited: each setting goes where the layer says something of its symbol
 * already, else into a file of its own. Nothing is written here.
 */
import { join } from 'node:path';
import type { Namespace } from '../kconfig/assignment.ts';
import type { Setting } from '../kconfig/changes.ts';
import { type Fragment, formatFragment, parseFragment, readFragment, withValue } from '../kconfig/fragment.ts';
import type { Layer } from './layer.ts';
import { compareNames } from './layer-contents.ts';

/** In the order in which they are merged. */
export type LayerFragments = readonly Fragment[];

/** @throws Failure for a fragment that cannot be read; lines that Kconfig would drop count, too */
export async function readLayerFragments(layer: Layer, namespace: Namespace): Promise<LayerFragments> {
  return Promise.all(layer.contents.fragments[namespace].map((file) => readFragment(file, layer.name, namespace)));
}

/** @param newFile name of the fragment that takes what no other has */
export function withSettings(
  fragments: LayerFragments,
  settings: readonly Setting[],
  { layer, namespace, newFile }: { readonly layer: Layer; readonly namespace: Namespace; readonly newFile: string },
): LayerFragments {
  const edited = new Map(fragments.map((one) => [one.file, one]));
  for (const { symbol, value } of settings) {
    const last = [...edited.values()].findLast(({ lines }) => lines.some((line) => line.assignment?.symbol === symbol));
    const file = join(layer.directory, namespace, newFile);
    const fragment = last ?? edited.get(file) ?? parseFragment('', { file, layer: layer.name, namespace });
    edited.set(fragment.file, withValue(fragment, symbol, value));
  }
  return [...edited.values()].sort((a, b) => compareNames(a.file, b.file));
}

/** File → text of those that are not as they were. */
export function editedFiles(before: LayerFragments, after: LayerFragments): ReadonlyMap<string, string> {
  const old = new Map(before.map((one) => [one.file, formatFragment(one)]));
  return new Map(
    after.map((one) => [one.file, formatFragment(one)] as const).filter(([file, text]) => old.get(file) !== text),
  );
}
