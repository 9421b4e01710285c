/** The files of layers that change how the packages of a toolchain are built: patches, hashes of downloads, makefiles. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../../host/files.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { buildPlaces } from '../build-places.ts';
import { askedOf } from '../configure/request.ts';
import { layerPatches } from '../layer-files/patches.ts';
import { overrideMakefile } from '../machine/host-tools.ts';

/** Packages that a toolchain is made of. */
export const TOOLCHAIN_PACKAGES: ReadonlySet<string> = new Set([
  ...['gcc', 'binutils', 'glibc', 'musl', 'musl-compat-headers', 'uclibc', 'linux-headers', 'elf2flt'],
  ...['gmp', 'mpc', 'mpfr', 'isl', 'libxcrypt'],
]);

export interface SdkFiles {
  /** For its packages: `<directory>/<package>/…` → file. */
  readonly patches: ReadonlyMap<string, string>;
  /** Of all of them, and of what the machine's tools stand in for. */
  readonly hash: string;
}

export function sdkFiles(config: ResolvedConfig): SdkFiles {
  const named = new Map(askedOf(config, 'buildroot').map(({ symbol, value }) => [symbol, value.value]));
  const patches = new Map([
    ...namedPatches((named.get('BR2_GLOBAL_PATCH_DIR') ?? '').split(' ')),
    ...patchesOfLayers(config),
  ]);
  const makefile = named.get('BR2_PACKAGE_OVERRIDE_FILE') ?? '';
  const hash = sha256(
    JSON.stringify([
      [...patches].map(([path, file]) => [path, contentOf(file)]),
      overrideMakefile(config, buildPlaces('/'), '') ?? '',
      makefile === '' || !existsSync(makefile) ? '' : contentOf(makefile),
    ]),
  );
  return { patches, hash };
}

function contentOf(file: string): string {
  return sha256(readFileSync(file));
}

function isOfToolchain(path: string): boolean {
  return TOOLCHAIN_PACKAGES.has(path.split('/')[0] ?? '');
}

function* patchesOfLayers(config: ResolvedConfig): Generator<readonly [string, string]> {
  for (const { directory, files } of layerPatches(config.layers.map(({ layer }) => layer)).buildroot) {
    for (const [path, file] of files) if (isOfToolchain(path)) yield [join(directory, path), file];
  }
}

/** Of directories that layers name by their symbol, beside those that they hold. */
function* namedPatches(directories: readonly string[]): Generator<readonly [string, string]> {
  for (const [at, directory] of directories.filter((one) => one !== '' && existsSync(one)).entries()) {
    for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
      const file = join(directory, path);
      if (isOfToolchain(path) && statSync(file).isFile()) yield [join(`named-${at}`, path), file];
    }
  }
}
