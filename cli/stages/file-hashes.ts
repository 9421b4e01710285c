/**
 * Content hashes of the user's files, remembered by what stat() says of them, so that a build with nothing changed reads
 * no file's content.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Failure } from '../failure.ts';
import { notUtf8 } from '../host/file-names.ts';
import { sha256, writeFileAtomic } from '../host/files.ts';
import type { StageInput } from './stage.ts';

interface Remembered {
  /** size, mtime and ctime in ns, inode, mode. */
  readonly stat: string;
  readonly hash: string;
}

/** A file changed this recently may change again without its time stamps telling. */
const RACY_NS = 2_000_000_000n;

export class FileHashes {
  readonly #path: string | undefined;
  readonly #known: Map<string, Remembered>;
  readonly #used = new Map<string, Remembered>();
  #changed = false;

  /** @param path file that remembers between runs; without it nothing is remembered. */
  constructor(path?: string) {
    this.#path = path;
    this.#known = new Map(Object.entries(path === undefined ? {} : readRemembered(path)));
  }

  /** Hash of a file's content and executable bit, or of a link's target. */
  file(path: string): string {
    const found = statOrFail(path);
    const stat = `${found.size}:${found.mtimeNs}:${found.ctimeNs}:${found.ino}:${found.mode}`;
    const known = this.#used.get(path) ?? this.#known.get(path);
    if (known?.stat === stat) {
      this.#used.set(path, known);
      return known.hash;
    }
    // Reading a FIFO would wait for ever; whoever wants the file says what is wrong with it.
    if (!found.isFile() && !found.isSymbolicLink()) return sha256('special');
    const kind = found.isSymbolicLink() ? 'link' : (found.mode & 0o111n) === 0n ? 'file' : 'executable';
    const content = found.isSymbolicLink() ? readlinkSync(path) : readOrFail(path);
    const hash = sha256(`${kind}\0${sha256(content)}`);
    if (BigInt(Date.now()) * 1_000_000n - found.mtimeNs > RACY_NS) {
      this.#used.set(path, { stat, hash });
      this.#changed = true;
    }
    return hash;
  }

  /** One input for each file, link and empty directory below `directory`, named `<name>/<relative path>`, sorted. */
  directory(directory: string, name: string): StageInput[] {
    const inputs: StageInput[] = [];
    const walk = (at: string): void => {
      const children = readDirectoryOrFail(at);
      if (children.length === 0) inputs.push({ name: join(name, relative(directory, at)), hash: 'directory' });
      for (const child of children) {
        const path = join(at, child.name);
        if (child.isDirectory()) walk(path);
        else inputs.push({ name: join(name, relative(directory, path)), hash: this.file(path) });
      }
    };
    walk(directory);
    return inputs;
  }

  /** Writes what was learned, if anything was. */
  async save(): Promise<void> {
    if (this.#path === undefined || !this.#changed) return;
    // Only a shortcut: an image is not worse for a disk that has no room left for this.
    await writeFileAtomic(this.#path, JSON.stringify(Object.fromEntries(this.#used))).catch(() => undefined);
  }
}

function readRemembered(path: string): Record<string, Remembered> {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) ?? {}) as Record<string, Remembered>;
  } catch {
    // Only a shortcut: without it everything is read once.
    return {};
  }
}

function statOrFail(path: string) {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readOrFail(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readDirectoryOrFail(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Failure {
  return new Failure({
    code: 'unreadable-file',
    message: `cannot read ${path}`,
    place: { file: path },
    cause: (error as Error).message,
    hint: 'check that the file exists and that you may read it',
    ...notUtf8(path),
  });
}
