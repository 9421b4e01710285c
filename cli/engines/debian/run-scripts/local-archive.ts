/**
 * A small archive of exactly the locked packages, as a directory that apt can read: so that what runs maintainer scripts
 * gets the packages that were checked, and needs no network.
 */
import { copyFile, link, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LockedPackage } from '../../../workspace/lock-file.ts';
import { downloadPath } from '../apt/download.ts';
import { unpackedPath } from '../unpacked.ts';

export async function makeLocalArchive(
  packages: readonly LockedPackage[],
  cache: string,
  directory: string,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const stanzas: string[] = [];
  for (const one of packages) {
    const name = `${one.sha256}.deb`;
    await shareFile(downloadPath(cache, one.sha256), join(directory, name));
    const control = await readFile(join(unpackedPath(cache, one.sha256), 'control', 'control'), 'utf8');
    stanzas.push(`${control.trimEnd()}\nFilename: ./${name}\nSize: ${one.size}\nSHA256: ${one.sha256}\n`);
  }
  await writeFile(join(directory, 'Packages'), stanzas.join('\n'));
}

/** A second name where that can be had; another file system needs a copy. */
async function shareFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
