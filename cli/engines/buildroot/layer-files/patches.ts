/**
 * Patches of layers as directories that Buildroot takes: one for each layer that has any, numbered in layer order, with
 * names that make can work with.
 *
 * Kernel and U-Boot patches (BR2_LINUX_KERNEL_PATCH, BR2_TARGET_UBOOT_PATCH) are flat directories, applied by name; patches
 * of packages (BR2_GLOBAL_PATCH_DIR) are in a directory named after the package, and perhaps one for its version. Hash files
 * for packages' downloads lie beside these.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Failure } from '../../../failure.ts';
import { type Layer, PATCH_KINDS, type PatchKind } from '../../../layers/layer.ts';
import { type BuildPlaces, LAYER_FILES } from '../build-places.ts';

export interface PatchDirectory {
  readonly layer: string;
  /** `0-core-engine`; below `patches/<kind>` of the layer files. */
  readonly directory: string;
  /** Path inside of the directory → file of the layer. */
  readonly files: ReadonlyMap<string, string>;
}

/** Below the layer files. */
export const PATCH_DIRECTORIES: Readonly<Record<PatchKind, string>> = {
  kernel: LAYER_FILES.kernelPatches,
  uboot: LAYER_FILES.ubootPatches,
  buildroot: LAYER_FILES.packagePatches,
};

export interface GivenPatch {
  readonly layer: string;
  /** Inside of the layer's directory of patches. */
  readonly path: string;
  /** The layer's own file. */
  readonly file: string;
}

/** The patch of a layer that Buildroot applied from the layer files. @param applied absolute */
export function givenPatch(applied: string, layers: readonly Layer[], places: BuildPlaces): GivenPatch | undefined {
  const patches = layerPatches(layers);
  for (const kind of PATCH_KINDS) {
    for (const { layer, directory, files } of patches[kind]) {
      const base = `${join(places.layers, PATCH_DIRECTORIES[kind], directory)}/`;
      const path = applied.slice(base.length);
      const file = applied.startsWith(base) ? files.get(path) : undefined;
      if (file !== undefined) return { layer, path, file };
    }
  }
  return undefined;
}

/** What support/scripts/apply-patches.sh began to apply, a path a line, the last one last. @param directory of the build */
export function appliedPatches(directory: string): readonly string[] {
  try {
    const text = readFileSync(join(directory, APPLIED), 'utf8');
    return text.split('\n').filter((line) => line !== '');
  } catch {
    // None yet.
    return [];
  }
}

/** In the directory in which a package is built. */
export const APPLIED = '.applied_patches_list';

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

/** Files that look like patches, and that Buildroot leaves out without a word: it applies what ends in `.patch`. */
export function ignoredPatches(layers: readonly Layer[]): readonly Failure[] {
  return layers.flatMap((layer) =>
    PATCH_KINDS.flatMap((kind) => {
      const all = layer.contents.patches[kind];
      const base = join(layer.directory, `${kind}_patches`);
      const isLeftOut = (file: string): boolean => {
        if (!LIKE_A_PATCH.test(file)) return false;
        if (kind === 'buildroot') return !all.includes(join(dirname(file), 'series'));
        return layer.form !== 'skiffos' || !relative(base, file).includes('/');
      };
      return all.filter(isLeftOut).map((file) => ignored(layer.name, file, relative(layer.directory, file)));
    }),
  );
}

const LIKE_A_PATCH = /\.(?:diff(?:\.\w+)?|patch\.\w+)$/;

function ignored(layer: string, file: string, path: string): Failure {
  return new Failure({
    code: 'ignored-patch',
    message: `${layer}: ${path} is not applied: Buildroot takes what ends in .patch`,
    hint: /\.(?:gz|bz2|xz|zst|lz|lzma)$/.test(file) ? 'decompress it' : 'give it a name that ends in .patch',
    place: { file },
    layer,
  });
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
