/**
 * What Buildroot says about its packages (`make show-info`): one JSON object, package → facts. It takes seconds, since every
 * package file is read for it, so it is asked once for a configuration.
 */
export interface PackageInfo {
  readonly type: 'target' | 'host' | 'rootfs';
  readonly name: string;
  /** Not of virtual packages and root file systems. */
  readonly virtual?: boolean;
  readonly version?: string;
  readonly licenses?: string;
  /** False for what may not be passed on as source (`REDISTRIBUTE = NO`); since 2023.02. */
  readonly redistributable?: boolean;
  readonly 'cpe-id'?: string;
  /** Below the download directory. */
  readonly dl_dir?: string;
  readonly stamp_dir?: string;
  readonly source_dir?: string;
  /** Below the output directory: `build/busybox-1.37.0`. */
  readonly build_dir?: string;
  /** Below the tree: `package/busybox`. */
  readonly package_dir?: string;
  readonly install_target?: boolean;
  readonly install_staging?: boolean;
  readonly install_images?: boolean;
  /** `https+https://…`, `git|urlencode+https://…`: how, and from where. */
  readonly downloads?: readonly { readonly source: string; readonly uris: readonly string[] }[];
  /** Paths in the tree, or absolute ones; since 2025.02. */
  readonly hashes?: readonly string[];
  /** Likewise. */
  readonly patches?: readonly string[];
  readonly dependencies: readonly string[];
  readonly reverse_dependencies: readonly string[];
}

export type PackageInfos = ReadonlyMap<string, PackageInfo>;

/** @param text what show-info printed; make may say something before it */
export function parsePackageInfo(text: string): PackageInfos {
  const start = text.indexOf('{');
  const found = JSON.parse(text.slice(start, text.lastIndexOf('}') + 1)) as Record<string, PackageInfo>;
  return new Map(Object.entries(found));
}

/** The symbol that turns a package on: `host-foo` has none of its own that a layer would set. */
export function packageSymbol(name: string): string {
  return `BR2_PACKAGE_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}
