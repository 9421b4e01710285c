/**
 * Packages by hash: what the cache has is used, the rest comes through apt's own acquire methods, which know proxies,
 * certificates, pipelining and resuming, and check each file's SHA-256. A file is in the cache whole or not at all; one
 * that was changed behind our back is noticed when it is used (see unpack.ts) and fetched again.
 */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { writingCache } from '../../../host/cache-writes.ts';
import { sha256File } from '../../../host/files.ts';
import { takeLock } from '../../../host/lock.ts';
import type { LockedPackage } from '../../../workspace/lock-schema.ts';
import type { PrivateApt } from './private-apt.ts';
import type { ArchiveSource } from './sources.ts';

export interface DownloadOptions {
  readonly cache: string;
  readonly offline: boolean;
  /** Opened only when something has to be fetched. */
  readonly apt: () => Promise<PrivateApt>;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

const HELPER = '/usr/lib/apt/apt-helper';

export function downloadPath(cache: string, sha256: string): string {
  return join(cache, 'downloads', `${sha256}.deb`);
}

/** Makes sure that all are in the cache, with the right length; the content is checked by whoever reads it. */
export async function fetchPackages(packages: readonly LockedPackage[], options: DownloadOptions): Promise<void> {
  const missing = await missingPackages(packages, options.cache);
  if (missing.length === 0) return;
  if (options.offline) throw notInCache(missing);
  const directory = join(options.cache, 'downloads');
  const lock = { what: 'the download cache', purpose: 'fetching packages', signal: options.signal };
  await using _ = await writingCache(options.cache, () => takeLock(join(directory, 'fetch.lock'), lock));
  // Somebody else may have fetched them while we waited.
  const wanted = await missingPackages(missing, options.cache);
  if (wanted.length === 0) return;
  const apt = await options.apt();
  await writingCache(options.cache, () => fetchMissing(wanted, apt, options));
}

/** Removes a package that turned out to be damaged, and fetches it anew. */
export async function fetchAgain(one: LockedPackage, options: DownloadOptions): Promise<void> {
  if (options.offline) throw damagedOffline(one);
  await writingCache(options.cache, () => rm(downloadPath(options.cache, one.sha256), { force: true }));
  await fetchPackages([one], options);
}

async function missingPackages(packages: readonly LockedPackage[], cache: string): Promise<LockedPackage[]> {
  const sizes = await Promise.all(
    packages.map((one) =>
      stat(downloadPath(cache, one.sha256)).then(
        (found) => found.size,
        () => -1,
      ),
    ),
  );
  return packages.filter((one, index) => sizes[index] !== one.size);
}

async function fetchMissing(packages: readonly LockedPackage[], apt: PrivateApt, options: DownloadOptions) {
  const incoming = join(options.cache, 'downloads', 'incoming');
  await mkdir(incoming, { recursive: true });
  let left = packages;
  let complaint: Failure | undefined;
  // A second mirror may have what the first one lacks.
  const rounds = Math.max(1, ...apt.sources.map((source) => source.uris.length));
  for (let mirror = 0; mirror < rounds && left.length > 0; mirror += 1) {
    let started = packages.length - left.length;
    const argv = left.flatMap((one) => [
      mirrorUri(one.uri, apt.sources, mirror),
      join(incoming, one.sha256),
      `SHA256:${one.sha256}`,
    ]);
    try {
      await apt.run([HELPER, '-q', 'download-file', ...argv], {
        stdout: 'log',
        onLine: (line) => {
          if (!line.startsWith('Get:')) return;
          started += 1;
          options.onProgress?.(Math.min(started, packages.length), packages.length);
        },
      });
    } catch (error) {
      if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
      complaint = error;
    }
    left = await takeIn(left, incoming, options.cache);
  }
  if (left.length > 0) throw unfetched(left, complaint);
}

/** Moves what is complete into the cache; returns what is not there. */
async function takeIn(packages: readonly LockedPackage[], incoming: string, cache: string): Promise<LockedPackage[]> {
  const left: LockedPackage[] = [];
  for (const one of packages) {
    const file = join(incoming, one.sha256);
    const size = await stat(file).then(
      (found) => found.size,
      () => -1,
    );
    if (size === one.size && (await sha256File(file)) === one.sha256)
      await rename(file, downloadPath(cache, one.sha256));
    else left.push(one);
  }
  return left;
}

/** A locked place in the archive on one of the mirrors of today. */
function mirrorUri(place: string, sources: readonly ArchiveSource[], index: number): string {
  const colon = place.indexOf(':');
  const archive = place.slice(0, colon);
  const source = sources.find((one) => one.archive === archive) ?? sources[0];
  const mirror = source?.uris[Math.min(index, source.uris.length - 1)] ?? '';
  const path = place
    .slice(colon + 1)
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%2B', '%2b'))
    .join('/');
  // Apt uses a file in place, with a link to it; the cache needs its own.
  return `${mirror.replace(/^file:/, 'copy:')}/${path}`;
}

function names(packages: readonly LockedPackage[]): string {
  const first = packages.slice(0, 5).map((one) => `${one.name} ${one.version}`);
  return packages.length > 5 ? `${first.join(', ')} and ${packages.length - 5} more` : first.join(', ');
}

function notInCache(packages: readonly LockedPackage[]): Failure {
  return new Failure({
    code: 'offline',
    message: `${names(packages)} ${packages.length === 1 ? 'is' : 'are'} not in the cache, and --offline forbids to fetch`,
    hint: 'build once with a network; the cache keeps what was fetched',
  });
}

function damagedOffline(one: LockedPackage): Failure {
  return new Failure({
    code: 'offline',
    message: `the cached package ${one.name} ${one.version} is damaged, and --offline forbids to fetch it again`,
    hint: 'build once with a network',
  });
}

function unfetched(packages: readonly LockedPackage[], complaint: Failure | undefined): Failure {
  const said = complaint?.parts.cause ?? '';
  const cause = said
    .split('\n')
    .filter((line) => /^(?:E|Err|W):/.test(line))
    .slice(0, 8)
    .join('\n');
  if (/\b404\b|\b410\b|File not found|No such file/i.test(said)) {
    return new Failure({
      code: 'package-gone',
      message: `the mirror no longer has ${names(packages)}, which coracle.lock names`,
      cause,
      hint: 'the mirror keeps current versions only: run coracle update, which moves the lock to them',
      log: complaint?.parts.log,
    });
  }
  // The second is what apt 3.0 has to say of a file: mirror's file with another hash.
  if (/Hash Sum mismatch|Undetermined Error/i.test(said)) {
    return new Failure({
      code: 'package-tampered',
      message: `what the mirror gives for ${names(packages)} has another hash than coracle.lock`,
      cause,
      hint: [
        'something between here and the archive changes files, or the mirror is broken: try another mirror;',
        'or coracle.lock was edited: take it from version control again, or run coracle update',
      ].join('\n'),
      log: complaint?.parts.log,
    });
  }
  return new Failure({
    code: 'mirror-unreachable',
    message: `cannot fetch ${names(packages)}`,
    cause,
    hint: 'check the network, or name another mirror for the workspace (debian: {mirror: …})',
    log: complaint?.parts.log,
  });
}
