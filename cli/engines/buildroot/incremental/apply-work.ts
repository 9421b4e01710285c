/**
 * Takes back what has to be built again, so that plain make does the rest. Only files of the output directory are removed,
 * and each removal may be done twice: a build that is stopped in the middle of it begins anew with the same plan.
 */
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageInfo } from '../build/package-info.ts';
import type { BuildPlaces } from '../build-places.ts';
import { APPLIED } from '../layer-files/patches.ts';
import { removeEmptyAbove, skeletonDirectory } from './empty-directories.ts';
import { InstalledFiles } from './installed-files.ts';
import type { BuildFacts } from './plan-work.ts';
import type { Work } from './work.ts';

export async function applyWork(
  work: readonly Work[],
  before: BuildFacts,
  after: BuildFacts,
  { places, tree }: { readonly places: BuildPlaces; readonly tree: string },
): Promise<void> {
  const { output } = places;
  const skeleton = skeletonDirectory(tree);
  if (work.some(({ kind }) => kind === 'everything')) {
    await rm(output, { recursive: true, force: true });
    return;
  }
  const installed = new InstalledFiles(output);
  for (const one of work) {
    if (one.kind !== 'package') continue;
    const directory = before.packages.get(one.name)?.stamp_dir;
    if (directory === undefined) continue;
    await installed.remove(directory, skeleton);
    if (one.how === 'scratch') await rm(join(output, directory), { recursive: true, force: true });
    else await removeStamps(join(output, directory), RECONFIGURE);
  }
  // What comes back was built by other options, and make would take it for built.
  for (const [name, { stamp_dir: directory }] of after.packages) {
    if (before.packages.has(name) || directory === undefined) continue;
    await installed.remove(directory, skeleton);
    await rm(join(output, directory), { recursive: true, force: true });
  }
  for (const info of after.packages.values()) await removeHalfPatched(info, output);
  if (work.some(({ kind }) => kind === 'target')) await emptyTarget(output);
  else await removeOldOverlay(installed, { before, after, output, skeleton });
}

/** A package whose patches went in halfway, when the build failed or was stopped: Buildroot would apply the first ones again. */
async function removeHalfPatched({ build_dir: directory }: PackageInfo, output: string): Promise<void> {
  if (directory === undefined) return;
  const has = (name: string): boolean => existsSync(join(output, directory, name));
  if (has(APPLIED) && !has('.stamp_patched')) await rm(join(output, directory), { recursive: true, force: true });
}

/** What `<package>-reconfigure` of Buildroot removes (package/pkg-generic.mk, package/pkg-kconfig.mk). */
const RECONFIGURE = [
  'dotconfig',
  'kconfig_fixup_done',
  'configured',
  'built',
  'installed',
  'staging_installed',
  'target_installed',
  'images_installed',
  'host_installed',
];
const REINSTALL = ['installed', 'target_installed'];

async function removeStamps(directory: string, stamps: readonly string[]): Promise<void> {
  for (const stamp of stamps) await rm(join(directory, `.stamp_${stamp}`), { force: true });
}

/** Every package installs into it anew. Those that are not built any more, too, should they come back. */
export async function emptyTarget(output: string): Promise<void> {
  const build = join(output, 'build');
  for (const entry of existsSync(build) ? readdirSync(build, { withFileTypes: true }) : []) {
    if (!entry.isDirectory()) continue;
    const { name } = entry;
    await removeStamps(join(build, name), REINSTALL);
    // Its installation for the host is what puts the compiler's libraries into the target directory.
    if (name.startsWith('host-gcc-final-')) await removeStamps(join(build, name), ['host_installed']);
  }
  await rm(join(output, 'target'), { recursive: true, force: true });
}

interface OverlayChange {
  readonly before: BuildFacts;
  readonly after: BuildFacts;
  readonly output: string;
  readonly skeleton: string;
}

/** make copies overlays over the target directory; what an overlay does not have any more would stay there. */
async function removeOldOverlay(
  installed: InstalledFiles,
  { before, after, output, skeleton }: OverlayChange,
): Promise<void> {
  const target = join(output, 'target');
  for (const [path, was] of before.overlay) {
    const is = after.overlay.get(path);
    if (is === was || was.startsWith('directory')) continue;
    // Of another type than before, rsync would not always replace it.
    if (is !== undefined && is.split(' ')[0] === was.split(' ')[0]) continue;
    await rm(join(target, path), { force: true, recursive: true });
    await removeEmptyAbove(target, path, skeleton);
    // What the overlay had covered is installed again.
    for (const owner of installed.ownersOf(path)) await removeStamps(join(output, owner), REINSTALL);
  }
  const gone = [...before.overlay].filter(([path, was]) => was.startsWith('directory') && !after.overlay.has(path));
  // What is in a directory comes before it.
  for (const [path] of gone.sort(([a], [b]) => (a < b ? 1 : -1))) {
    await removeEmptyAbove(target, join(path, 'what was in it'), skeleton);
  }
}
