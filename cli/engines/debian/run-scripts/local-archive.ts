/**
 * A small archive of exactly the locked packages, as a directory that apt can read: so that what runs maintainer scripts
 * gets the packages that were checked, and needs no network.
 */
import { copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LockedPackage } from '../../../workspace/lock-schema.ts';
import { formatParagraph } from '../apt/control.ts';
import { downloadPath } from '../apt/download.ts';
import { readUnpacked } from '../unpacked.ts';

export async function makeLocalArchive(
  packages: readonly LockedPackage[],
  cache: string,
  directory: string,
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const stanzas: string[] = [];
  for (const { locked: one, control } of await readUnpacked(packages, cache)) {
    const name = `${one.sha256}.deb`;
    await shareFile(downloadPath(cache, one.sha256), join(directory, name));
    stanzas.push(`${formatParagraph(control)}Filename: ./${name}\nSize: ${one.size}\nSHA256: ${one.sha256}\n`);
  }
  await writeFile(join(directory, 'Packages'), stanzas.join('\n'));
}

/** A second name where that can be had; another file system needs a copy. */
async function shareFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
