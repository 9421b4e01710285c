/**
 * Content hashes of the parts of a tree (the files of a package, all the rest), remembered by what stat() says of all of a
 * part's files at once: a tree has 13,000 files, and most of the time nothing in it has changed.
 */
import { createHash } from 'node:crypto';
import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { writeShortcut } from '../../../host/cache-writes.ts';
import { sha256 } from '../../../host/files.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';

interface Remembered {
  /** Digest of names, sizes, times and inodes. */
  readonly stat: string;
  readonly hash: string;
}

/** A file changed this recently may change again without its time stamps telling. */
const RACY_MS = 2000;

/** Hash of the content of files and directories below `directory`, by their names in it. */
export type HashPart = (part: string, names: readonly string[]) => string;

export class PartHashes {
  readonly #path: string;
  readonly #directory: string;
  readonly #known: ReadonlyMap<string, Remembered>;
  readonly #used = new Map<string, Remembered>();
  #changed = false;

  /** @param path file that remembers between runs @param directory of the tree, absolute */
  constructor(path: string, directory: string) {
    this.#path = path;
    this.#directory = directory;
    this.#known = new Map(Object.entries(readRemembered(path)));
  }

  readonly hash: HashPart = (part, names) => {
    const { digest, newest } = this.#look(names);
    const known = this.#known.get(part);
    if (known?.stat === digest) {
      this.#used.set(part, known);
      return known.hash;
    }
    const hash = contentHash(this.#directory, names, new FileHashes());
    this.#changed = true;
    if (Date.now() - newest > RACY_MS) this.#used.set(part, { stat: digest, hash });
    return hash;
  };

  #look(names: readonly string[]): { readonly digest: string; readonly newest: number } {
    const digest = createHash('sha1');
    let newest = 0;
    const visit = (path: string, isDirectory: boolean): void => {
      if (isDirectory) {
        for (const child of children(path)) visit(`${path}/${child.name}`, child.isDirectory());
        return;
      }
      const { size, mtimeMs, ctimeMs, ino, mode } = lstatSync(path);
      newest = Math.max(newest, mtimeMs, ctimeMs);
      digest.update(`${path}\0${size} ${mtimeMs} ${ctimeMs} ${ino} ${mode}\n`);
    };
    for (const name of names) {
      const path = `${this.#directory}/${name}`;
      visit(path, lstatSync(path).isDirectory());
    }
    return { digest: digest.digest('base64'), newest };
  }

  /** Writes what was learned, if anything was. */
  async save(): Promise<void> {
    if (this.#changed) await writeShortcut(this.#path, JSON.stringify(Object.fromEntries(this.#used)));
  }
}

/** By content, file by file; names that are not absolute are below `directory`. */
export function contentHash(directory: string, names: readonly string[], hashes: FileHashes): string {
  const lines = names.flatMap((name) => {
    const path = resolve(directory, name);
    if (!lstatSync(path).isDirectory()) return [`${name} ${hashes.file(path)}`];
    return hashes.directory(path, name).map((file) => `${file.name} ${file.hash}`);
  });
  return sha256(lines.join('\n'));
}

function children(directory: string): Dirent[] {
  return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readRemembered(path: string): Record<string, Remembered> {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) ?? {}) as Record<string, Remembered>;
  } catch {
    // Only a shortcut: without it everything is read once.
    return {};
  }
}
