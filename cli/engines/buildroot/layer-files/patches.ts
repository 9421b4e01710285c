/**
 * Patches of layers as directories that Buildroot takes: one for each layer that has any, numbered in layer order, with
 * names that make can work with.
 *
 * Kernel and U-Boot patches (BR2_LINUX_KERNEL_PATCH, BR2_TARGET_UBOOT_PATCH) are flat directories, applied by name; patches
 * of packages (BR2_GLOBAL_PATCH_DIR) are in a directory named after the package, and perhaps one for its version. Hash files
 * for packages' downloads lie beside these.
 */
import { join, relative } from 'node:path';
import { Failure } from '../../../failure.ts';
import { type Layer, PATCH_KINDS, type PatchKind } from '../../../layers/layer.ts';

export interface PatchDirectory {
  readonly layer: string;
  /** `0-core-engine`; below `patches/<kind>` of the layer files. */
  readonly directory: string;
  /** Path inside of the directory → file of the layer. */
  readonly files: ReadonlyMap<string, string>;
}

const PATCH = /\.patch(?:\.(?:gz|bz2|xz|zst|lz|lzma))?$/;

/** @throws Failure `bad-patch-name` */
export function layerPatches(layers: readonly Layer[]): Readonly<Record<PatchKind, readonly PatchDirectory[]>> {
  const of = (kind: PatchKind): readonly PatchDirectory[] =>
    layers.flatMap((layer, index) => {
      const base = join(layer.directory, `${kind}_patches`);
      const files = new Map(
        layer.contents.patches[kind].flatMap((file, at) => {
          const name = nameFor(kind, layer, relative(base, file), at);
          return name === undefined ? [] : [[checked(name, file, layer), file] as const];
        }),
      );
      const directory = `${index}-${layer.name.replaceAll(/[^\w.-]/g, '-')}`;
      return files.size === 0 ? [] : [{ layer: layer.name, directory, files }];
    });
  return Object.fromEntries(PATCH_KINDS.map((kind) => [kind, of(kind)])) as Record<
    PatchKind,
    readonly PatchDirectory[]
  >;
}

/** Undefined for what Buildroot would not look at. */
function nameFor(kind: PatchKind, layer: Layer, path: string, index: number): string | undefined {
  if (kind === 'buildroot') return path;
  if (!PATCH.test(path)) return undefined;
  // Below a directory, SkiffOS's layers keep what is not to be applied.
  if (path.includes('/')) {
    return layer.form === 'skiffos' ? undefined : `${String(index + 1).padStart(4, '0')}-${path.replaceAll('/', '-')}`;
  }
  return path;
}

function checked(name: string, file: string, layer: Layer): string {
  if (/^[\w@%+=,./~-]+$/.test(name)) return name;
  throw new Failure({
    code: 'bad-patch-name',
    message: `${JSON.stringify(name)} is not a name for a patch`,
    place: { file },
    cause: 'Buildroot passes it through make and a shell',
    hint: 'letters, digits and @ % + = , . ~ _ -',
    layer: layer.name,
  });
}
