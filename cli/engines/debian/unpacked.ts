/**
 * Unpacked packages in the cache: `<cache>/unpacked/<sha256>/` holds data.tar and control.tar, decompressed once.
 * A root tree refers to slices of data.tar, so it is never changed; a directory is complete or does not exist.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { writingCache } from '../../host/cache-writes.ts';
import { sha256File, temporaryBeside } from '../../host/files.ts';
import { removeLeftovers } from '../../host/leftovers.ts';
import { runCommand } from '../../host/process.ts';
import { ContentReader, contentSize } from '../../rootfs/content.ts';
import { lastName } from '../../rootfs/path.ts';
import { readTarEntries } from '../../rootfs/tar-entries.ts';
import type { LockedPackage } from '../../workspace/lock-schema.ts';
import { type Paragraph, parseParagraphs } from './apt/control.ts';
import { type DownloadOptions, downloadPath, fetchAgain } from './apt/download.ts';

export interface UnpackedPackage {
  readonly locked: LockedPackage;
  /** Uncompressed tar of the package's files. */
  readonly dataTar: string;
  readonly control: Paragraph;
  /** Maintainer scripts that it has: `preinst`, `postinst`, `config`. */
  readonly scripts: ReadonlyMap<string, Buffer>;
  /** Other control files as text: `conffiles`, `triggers`, `templates`. */
  readonly controlFiles: ReadonlyMap<string, string>;
}

export function unpackedPath(cache: string, sha256: string): string {
  return join(cache, 'unpacked', sha256);
}

/** Unpacks what is not yet unpacked, a few at a time; the packages must have been fetched. */
export async function unpackPackages(
  packages: readonly LockedPackage[],
  options: DownloadOptions,
): Promise<UnpackedPackage[]> {
  const todo = packages.filter((one) => !isUnpacked(unpackedPath(options.cache, one.sha256)));
  if (todo.length > 0) await writingCache(options.cache, () => removeLeftovers(join(options.cache, 'unpacked')));
  // The large ones first, so that none is left alone at the end.
  const queue = todo.toSorted((a, b) => a.size - b.size);
  let done = 0;
  const work = async (): Promise<void> => {
    for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
      options.signal?.throwIfAborted();
      await checkDownload(one, options);
      await writingCache(options.cache, () => unpackOne(one, options));
      done += 1;
      options.onProgress?.(done, todo.length);
    }
  };
  // Twice the processors: while one package is hashed, started or renamed, others are decompressed.
  await Promise.all(Array.from({ length: Math.min(2 * availableParallelism(), queue.length) }, work));
  return readUnpacked(packages, options.cache);
}

/**
 * The length is written last, and again compared: a machine that lost power may have lost data that was renamed. (Syncing
 * a hundred packages to the disk instead takes seconds where the disk is slow.)
 */
export function isUnpacked(directory: string): boolean {
  try {
    const expected = Number(readFileSync(join(directory, 'data.size'), 'utf8'));
    return statSync(join(directory, 'data.tar')).size === expected && existsSync(join(directory, 'control.tar'));
  } catch {
    return false;
  }
}

async function checkDownload(one: LockedPackage, options: DownloadOptions): Promise<void> {
  if ((await sha256File(downloadPath(options.cache, one.sha256))) !== one.sha256) await fetchAgain(one, options);
}

async function unpackOne(one: LockedPackage, options: DownloadOptions): Promise<void> {
  const file = downloadPath(options.cache, one.sha256);
  const directory = unpackedPath(options.cache, one.sha256);
  await mkdir(join(options.cache, 'unpacked'), { recursive: true });
  const temporary = temporaryBeside(directory);
  try {
    await mkdir(temporary);
    const dataTar = join(temporary, 'data.tar');
    const common = { cwd: temporary, signal: options.signal };
    await runCommand({ argv: ['dpkg-deb', '--fsys-tarfile', file], stdout: { file: dataTar }, ...common });
    const controlTar = { file: join(temporary, 'control.tar') };
    await runCommand({ argv: ['dpkg-deb', '--ctrl-tarfile', file], stdout: controlTar, ...common });
    await writeFile(join(temporary, 'data.size'), String((await stat(dataTar)).size));
    await replaceDirectory(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Another process may have made the same directory meanwhile; what it made is as good. What is damaged moves aside in one
 * step: emptied in its place, it could be taken for a free one and be removed with what the other put there.
 */
async function replaceDirectory(made: string, path: string): Promise<void> {
  if (existsSync(path) && !isUnpacked(path)) {
    const damaged = temporaryBeside(path);
    await rename(path, damaged).catch(unlessMissing);
    await rm(damaged, { recursive: true, force: true });
  }
  try {
    await rename(made, path);
  } catch (error) {
    if (!isUnpacked(path)) throw error;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

const SCRIPTS: readonly string[] = ['preinst', 'postinst', 'config'];

/** @throws Failure `damaged-archive`, `content-missing` when somebody changed the cache meanwhile */
export async function readUnpacked(packages: readonly LockedPackage[], cache: string): Promise<UnpackedPackage[]> {
  using reader = new ContentReader();
  const unpacked: UnpackedPackage[] = [];
  for (const one of packages) unpacked.push(await readOne(one, unpackedPath(cache, one.sha256), reader));
  return unpacked;
}

async function readOne(locked: LockedPackage, directory: string, reader: ContentReader): Promise<UnpackedPackage> {
  const scripts = new Map<string, Buffer>();
  const controlFiles = new Map<string, string>();
  let control: Paragraph = new Map();
  for (const entry of await readTarEntries(join(directory, 'control.tar'), `package ${locked.name}`)) {
    if (entry.type !== 'file') continue;
    const name = lastName(entry.path);
    // The longest of them, and nobody asks for it: the package was checked as a whole.
    if (name === 'md5sums') continue;
    const data = reader.read(entry.content, 0, contentSize(entry.content));
    if (name === 'control') control = parseParagraphs(data.toString('utf8'))[0] ?? control;
    else if (SCRIPTS.includes(name)) scripts.set(name, data);
    else controlFiles.set(name, data.toString('utf8'));
  }
  return { locked, dataTar: join(directory, 'data.tar'), control, scripts, controlFiles };
}
