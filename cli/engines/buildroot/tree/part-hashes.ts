/**
 * Content hashes of the parts of a tree (the files of a package, all the rest), remembered by what stat() says of all files
 * at once, and of all of a part's: a tree has 13,000 files, and most of the time nothing in it has changed.
 */
import { createHash } from 'node:crypto';
import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { writeShortcut } from '../../../host/cache-writes.ts';
import { sha256 } from '../../../host/files.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';

interface RememberedTree {
  /** See tree-stat.ts; undefined if something in the tree was too young. */
  readonly whole?: string | undefined;
  readonly parts: Readonly<Record<string, Remembered>>;
}

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
  readonly #whole: string | undefined;
  readonly #used = new Map<string, Remembered>();
  #changed = false;
  #isYoung = false;

  readonly #now: () => number;

  /** @param path file that remembers between runs @param directory of the tree, absolute */
  constructor(path: string, directory: string, now: () => number = Date.now) {
    this.#now = now;
    this.#path = path;
    this.#directory = directory;
    const { whole, parts } = readRemembered(path);
    this.#whole = whole;
    this.#known = new Map(Object.entries(parts));
  }

  /** All parts, without a look at any, if the digest of all files is the one that they had. In the order in which they were. */
  all(whole: string | undefined): ReadonlyMap<string, string> | undefined {
    if (whole === undefined || whole !== this.#whole) return undefined;
    return new Map([...this.#known].map(([part, { hash }]) => [part, hash]));
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
    if (this.#now() - newest > RACY_MS) this.#used.set(part, { stat: digest, hash });
    else this.#isYoung = true;
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

  /** Writes what was learned, if anything was. @param whole the digest of all files, from before any part was looked at */
  async save(whole: string | undefined): Promise<void> {
    const kept = this.#isYoung ? undefined : whole;
    if (!this.#changed && kept === this.#whole) return;
    const remembered: RememberedTree = { whole: kept, parts: Object.fromEntries(this.#used) };
    await writeShortcut(this.#path, JSON.stringify(remembered));
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

function readRemembered(path: string): RememberedTree {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<RememberedTree> | null;
    return { whole: found?.whole, parts: found?.parts ?? {} };
  } catch {
    // Only a shortcut: without it everything is read once.
    return { parts: {} };
  }
}
