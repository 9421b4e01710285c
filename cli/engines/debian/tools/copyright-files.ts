/**
 * The copyright files of packages, /usr/share/doc/<package>/copyright, from the packages themselves: an image often leaves
 * its documents out. A package may point to the directory of another one.
 */
import { dirname, join } from 'node:path/posix';
import { readContent } from '../../../rootfs/content.ts';
import type { Entry } from '../../../rootfs/entry.ts';
import { readTarEntries } from '../../../rootfs/tar-entries.ts';
import { parseParagraphs } from '../apt/control.ts';

export interface PackedFiles {
  readonly name: string;
  /** Uncompressed tar of the package's files. */
  readonly tar: string;
}

const DOCUMENTS = '/usr/share/doc';

/** Package → text; packages without one are missing. */
export async function copyrightFiles(packages: readonly PackedFiles[]): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, Entry>();
  for (const { name, tar } of packages) {
    for (const entry of await readTarEntries(tar, `package ${name}`)) {
      if (entry.path.startsWith(`${DOCUMENTS}/`)) entries.set(entry.path, entry);
    }
  }
  const texts = new Map<string, string>();
  for (const { name } of packages) {
    const text = textAt(`${DOCUMENTS}/${name}/copyright`, entries);
    if (text !== undefined) texts.set(name, text);
  }
  return texts;
}

/** Links may lead in circles. */
const MOST_LINKS = 8;

function textAt(path: string, entries: ReadonlyMap<string, Entry>, links = 0): string | undefined {
  const entry = entries.get(path);
  if (entry?.type === 'file') return readContent(entry.content).toString('utf8');
  if (links === MOST_LINKS) return undefined;
  if (entry?.type === 'symlink') return textAt(join(dirname(path), entry.target), entries, links + 1);
  if (entry?.type === 'hardlink') return textAt(entry.target, entries, links + 1);
  const directory = entries.get(dirname(path));
  if (directory?.type !== 'symlink') return undefined;
  return textAt(join(dirname(directory.path), directory.target, 'copyright'), entries, links + 1);
}

/**
 * The short names of the licences of a copyright file in the machine-readable format
 * (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/), sorted; none if it is in another form.
 */
export function licencesOf(copyright: string): readonly string[] {
  const [head, ...rest] = parseParagraphs(copyright);
  if (!head?.get('format')?.includes('copyright-format')) return [];
  const names = rest
    .filter((paragraph) => paragraph.has('files'))
    .map((paragraph) => paragraph.get('license')?.split('\n')[0]?.trim() ?? '');
  return [...new Set(names)].filter((name) => name !== '').sort();
}
