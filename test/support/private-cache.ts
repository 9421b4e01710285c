/**
 * A cache for one test, which may spoil it: the downloads that a project's lock names, and the compiled programs for
 * the device. Packages are not unpacked in it. Files are second names of those in the user's cache where that can be
 * had, so a test puts another file in the place of one that it wants to spoil.
 */
import { copyFileSync, cpSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { downloadPath } from '../../cli/engines/debian/apt/download.ts';
import { unpackedPath } from '../../cli/engines/debian/unpacked.ts';
import { readLockFile } from '../../cli/workspace/lock-file.ts';
import type { LockedPackage } from '../../cli/workspace/lock-schema.ts';
import { temporaryDirectory } from './files.ts';
import { CACHE } from './small-project.ts';

export interface PrivateCache {
  readonly directory: string;
  readonly variables: { readonly CORACLE_CACHE: string };
  readonly packages: readonly LockedPackage[];
}

export async function privateCache(project: string, directory = temporaryDirectory()): Promise<PrivateCache> {
  const from = CACHE.CORACLE_CACHE;
  const packages = (await readLockFile(project)).debian['small']?.packages ?? [];
  mkdirSync(join(directory, 'downloads'), { recursive: true });
  for (const { sha256 } of packages) takeFile(downloadPath(from, sha256), downloadPath(directory, sha256));
  if (existsSync(join(from, 'device'))) cpSync(join(from, 'device'), join(directory, 'device'), { recursive: true });
  return { directory, variables: { CORACLE_CACHE: directory }, packages };
}

/** The package's file in the cache becomes another one, and has to be unpacked again. */
export function spoil(cache: PrivateCache, name: string, content: (whole: LockedPackage) => Uint8Array): LockedPackage {
  const one = cache.packages.find((each) => each.name === name);
  if (one === undefined) throw new Error(`the small project has no package ${name}`);
  rmSync(downloadPath(cache.directory, one.sha256));
  rmSync(unpackedPath(cache.directory, one.sha256), { recursive: true, force: true });
  writeFileSync(downloadPath(cache.directory, one.sha256), content(one));
  return one;
}

function takeFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
