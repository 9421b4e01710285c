/**
 * Brings every download of a configuration into the download directory, and checks it by its hash.
 *
 * Buildroot remembers in the output directory what it has downloaded (`.stamp_downloaded`) and does not look again, so the
 * files themselves are looked at first; what is missing although Buildroot believes it there is fetched by way of an output
 * directory that knows of nothing.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '../../../host/files.ts';
import type { StageContext } from '../../../stages/stage.ts';
import type { FetchedSources } from '../../engine-tools.ts';
import { type BuildrootMake, downloadDirectory } from '../build/make.ts';
import type { PackageInfo, PackageInfos } from '../build/package-info.ts';
import { watchedMake } from '../build/watched-make.ts';
import { packageHashes } from './hash-files.ts';
import { prepareMake, type ToolParts } from './prepared-make.ts';

interface Download {
  readonly package: string;
  readonly file: string;
  /** Undefined for what has no hash: Buildroot takes it as it is. */
  readonly sha256: string | undefined;
}

export async function fetchSources(parts: ToolParts, context: StageContext): Promise<FetchedSources> {
  const { environment, source } = parts;
  const { make, infos } = await prepareMake(parts, context);
  const directory = downloadDirectory(environment.cache);
  const downloads = downloadsOf(infos, source.tree().directory, directory);
  const missing = await badDownloads(downloads, context);
  const fetching = { targets: ['source'], config: parts.config, infos, context };
  // An output directory that no build has begun stays untouched: the build would not know what is in it.
  const isBegun = existsSync(make.places.state);
  if (missing.length > 0 && isBegun && !missing.some((one) => isStamped(one, infos, make))) {
    await watchedMake(make, fetching);
  }
  if ((await badDownloads(missing, context)).length > 0) {
    await withoutStamps(make, context, (bare) => watchedMake(bare, fetching));
  }
  // What a package of the user's or of this machine stands for is never downloaded, and no mistake.
  const sizes = await Promise.all(downloads.map(({ file }) => sizeOf(file)));
  const there = sizes.filter((size) => size !== undefined);
  return { files: there.length, bytes: there.reduce((sum, size) => sum + size, 0), directory };
}

function downloadsOf(infos: PackageInfos, tree: string, directory: string): readonly Download[] {
  const found = new Map<string, Download>();
  for (const [name, info] of infos) {
    if ((info.downloads ?? []).length === 0 || isOverridden(info)) continue;
    const hashes = packageHashes(info, tree);
    for (const { source } of info.downloads ?? []) {
      const file = join(directory, info.dl_dir ?? info.name, source);
      found.set(file, { package: name, file, sha256: hashes.get(source) });
    }
  }
  return [...found.values()];
}

/** Built from a directory (`<NAME>_OVERRIDE_SRCDIR`, site method `local`): nothing is downloaded, though Buildroot lists it. */
function isOverridden({ stamp_dir, version, downloads = [] }: PackageInfo): boolean {
  const isLocal = downloads.some(({ uris }) => uris[0]?.startsWith('local+'));
  return isLocal || (version !== 'custom' && stamp_dir?.endsWith('-custom') === true);
}

/** Whether make would take it for downloaded. */
function isStamped(one: Download, infos: PackageInfos, { places }: BuildrootMake): boolean {
  return existsSync(join(places.output, infos.get(one.package)?.stamp_dir ?? '', '.stamp_downloaded'));
}

async function badDownloads(downloads: readonly Download[], { signal, report, step }: StageContext) {
  const bad: Download[] = [];
  for (const [done, one] of downloads.entries()) {
    signal.throwIfAborted();
    report({ kind: 'step-progress', step, text: 'checking', done, total: downloads.length, unit: 'files' });
    if (!(await isGood(one))) bad.push(one);
  }
  return bad;
}

async function isGood({ file, sha256 }: Download): Promise<boolean> {
  if ((await sizeOf(file)) === undefined) return false;
  return sha256 === undefined || (await sha256File(file)) === sha256;
}

/** In bytes; undefined if there is no such file. */
async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function withoutStamps(
  make: BuildrootMake,
  context: StageContext,
  work: (make: BuildrootMake) => Promise<void>,
): Promise<void> {
  const output = join(context.scratch, 'output');
  await mkdir(output, { recursive: true });
  await copyFile(join(make.places.output, '.config'), join(output, '.config'));
  await work({ ...make, places: { ...make.places, output } });
  await rm(output, { recursive: true, force: true });
}
