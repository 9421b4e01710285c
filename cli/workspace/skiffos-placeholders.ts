/**
 * Words that SkiffOS replaces in the fragments of its layers (scripts/build_configs.sh): the directory of the layer, and
 * the version. What stands for the results of its own merging, such as the list of overlays, belongs to the engine, which
 * says where its own are; so that becomes nothing, which overrules what layers say, as it does in SkiffOS.
 */
import type { Layer } from '../layers/layer.ts';

const LAYER_DIRECTORY = 'SKIFF_CONFIG_ROOT';
/** The longer one first, because the other is the beginning of it. */
const VERSIONS = ['REPLACEME_SKIFF_VERSION_COMMIT', 'REPLACEME_SKIFF_VERSION'] as const;
const RESULTS =
  /\S*REPLACEME_(?:(?:BR|KERNEL|UBOOT)_PATCHES|(?:BUSYBOX|KERNEL|UBOOT)_FRAGMENTS|ROOTFS_OVERLAY|FINAL_CONFIG_DIR)\S*\s*/g;

/** For the fragments of one layer: what a text value stands for. */
export function skiffosPlaceholders(layer: Pick<Layer, 'directory'>, version: string): (text: string) => string {
  return (text) => {
    let expanded = text.replaceAll(RESULTS, '').replaceAll(LAYER_DIRECTORY, () => layer.directory);
    for (const word of VERSIONS) expanded = expanded.replaceAll(word, () => version);
    return expanded;
  };
}
