/**
 * Where the makefiles of packages are. Releases before 2025.02 do not tell (`package_dir`), so there they are looked for: a
 * package is named after its directory and its makefile.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PackageInfos } from './package-info.ts';

/** Below a tree: directories that have packages. */
const PLACES = ['package', 'boot', 'linux', 'toolchain'] as const;

/** @param tree directory of the Buildroot tree. @param externals those of the BR2_EXTERNAL trees */
export function withPackageDirectories(infos: PackageInfos, tree: string, externals: readonly string[]): PackageInfos {
  const isUnknown = [...infos.values()].some(({ type, package_dir }) => type !== 'rootfs' && package_dir === undefined);
  if (!isUnknown) return infos;
  const found = new Map<string, string>();
  for (const top of [tree, ...externals]) {
    for (const path of directoriesWithPackages(top)) {
      found.set(basename(path), top === tree ? path : join(top, path));
    }
  }
  return new Map(
    [...infos].map(([name, info]) => {
      const directory = info.package_dir ?? found.get(name.replace(/^host-/, ''));
      return [name, directory === undefined ? info : { ...info, package_dir: directory }];
    }),
  );
}

/** Relative to the tree. */
function directoriesWithPackages(top: string): readonly string[] {
  return PLACES.filter((place) => existsSync(join(top, place))).flatMap((place) => [
    place,
    ...readdirSync(join(top, place), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name === `${basename(entry.parentPath)}.mk`)
      .map((entry) => entry.parentPath.slice(top.length + 1)),
  ]);
}
