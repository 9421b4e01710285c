/** A layer's overlay with all that the layer and the build know about it, for the build and for `coracle check` alike. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { lookAt } from '../host/look-at.ts';
import type { Layer } from '../layers/layer.ts';
import { LAYER_FILE } from '../layers/layer-contents.ts';
import { addOverlay } from './overlay.ts';
import type { LostMode } from './overlay-modes.ts';
import type { TemplateValues } from './template.ts';
import type { RootTree } from './tree.ts';

export interface LayerOverlayContext {
  readonly values: TemplateValues;
  /** Directories of the project and of Coracle, which an image does not have. */
  readonly ownDirectories: readonly string[];
}

/** @returns and throws what `addOverlay` does; nothing for a layer without an overlay. */
export async function addLayerOverlay(
  tree: RootTree,
  layer: Layer,
  { values, ownDirectories }: LayerOverlayContext,
): Promise<readonly LostMode[]> {
  const { overlay } = layer.contents;
  if (overlay === undefined) return [];
  const own = [layer.root.directory, layer.directory, ...ownDirectories];
  return addOverlay(tree, overlay, {
    layer: layer.name,
    values,
    layerMode: modeOf(layer),
    // A shell's $PWD may have come through a link.
    ownDirectories: [...new Set([...own, ...own.map(realPath)])],
  });
}

/** Of what a checkout surely has: layer.yaml, or the directory where SkiffOS's layers have no such file. */
function modeOf({ form, directory }: Layer): number {
  return lookAt(form === 'coracle' ? join(directory, LAYER_FILE) : directory)?.mode ?? 0;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
