/**
 * Buildroot's .hash files (its manual, "The .hash file"): lines of a kind of hash, the hash, and the name of a file, which
 * may be a download or a licence.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { PackageInfo } from '../build/package-info.ts';

/** File name → SHA-256; names with hashes of other kinds only are left out. */
export function parseHashFile(text: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, hash = '', name = ''] = /^sha256\s+([0-9a-f]{64})\s+(\S.*?)\s*$/.exec(line) ?? [];
    if (name !== '') hashes.set(name, hash);
  }
  return hashes;
}

/** Of the downloads and licence files of a package, from all of its .hash files that there are. */
export function packageHashes(info: PackageInfo, tree: string): ReadonlyMap<string, string> {
  const directory = info.package_dir ?? '';
  // Releases before 2023.11 do not say which files these are.
  const files = info.hashes ?? [join(directory, `${directory.split('/').at(-1)}.hash`)];
  return new Map(files.flatMap((file) => [...parseHashFile(readIfThere(isAbsolute(file) ? file : join(tree, file)))]));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
