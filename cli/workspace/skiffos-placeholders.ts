/**
 * Words that SkiffOS replaces in the fragments of its layers (scripts/build_configs.sh): the directory of the layer, and
 * the version. What stands for the results of its own merging, such as the list of overlays, belongs to the engine, which
 * says where its own are: such an assignment is none.
 */
import type { Layer } from '../layers/layer.ts';

const LAYER_DIRECTORY = 'SKIFF_CONFIG_ROOT';
/** The longer one first, because the other is the beginning of it. */
const VERSIONS = ['REPLACEME_SKIFF_VERSION_COMMIT', 'REPLACEME_SKIFF_VERSION'] as const;
const RESULTS =
  /REPLACEME_(?:(?:BR|KERNEL|UBOOT)_PATCHES|(?:BUSYBOX|KERNEL|UBOOT)_FRAGMENTS|ROOTFS_OVERLAY|FINAL_CONFIG_DIR)/;

/** For the fragments of one layer: what a text value stands for, undefined if it is for the engine to say. */
export function skiffosPlaceholders(
  layer: Pick<Layer, 'directory'>,
  version: string,
): (text: string) => string | undefined {
  return (text) => {
    if (RESULTS.test(text)) return undefined;
    let expanded = text.replaceAll(LAYER_DIRECTORY, () => layer.directory);
    for (const word of VERSIONS) expanded = expanded.replaceAll(word, () => version);
    return expanded;
  };
}
