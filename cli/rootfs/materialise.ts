/**
 * A root tree as a real directory, for hooks, and back again. An ordinary user can do it: owners, special modes and device
 * nodes stay in the tree, and the directory holds what such a user can make of the rest. What a hook did not touch comes
 * back exactly as it was.
 */
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { ContentReader, contentSize } from './content.ts';
import type { Content, Entry } from './entry.ts';
import { linksAfterFiles } from './hard-links.ts';
import type { RootTree } from './tree.ts';

const CHUNK = 1024 * 1024;
/** Bytes between two moments in which the rest of the program may do something. */
const BREATH = 16 * 1024 * 1024;

export interface Materialised {
  readonly directory: string;
  /** Where the tree's path is in the directory. */
  readonly at: (path: string) => string;
  /** What was made for each path, as it looked before anyone touched it. Devices and FIFOs are not in it. */
  readonly made: ReadonlyMap<string, BigIntStats>;
}

export interface MaterialiseOptions {
  /** Seconds since 1970, given to every file, so that hooks that look at times see the same ones each time. */
  readonly mtime: number;
  readonly signal?: AbortSignal;
}

/** Writes the tree into an empty or missing directory. */
export async function materialise(
  tree: RootTree,
  directory: string,
  options: MaterialiseOptions,
): Promise<Materialised> {
  const at = (path: string): string => (path === '/' ? directory : `${directory}${path}`);
  const entries = linksAfterFiles(tree.entries());
  using reader = new ContentReader();
  const buffer = Buffer.allocUnsafe(CHUNK);
  let sinceBreath = 0;
  mkdirSync(directory, { recursive: true });
  for (const entry of entries) {
    makeEntry(entry, at, (fd, content) => {
      copyContent(reader, content, fd, buffer);
      futimesSync(fd, options.mtime, options.mtime);
    });
    sinceBreath += entry.type === 'file' ? contentSize(entry.content) + 4096 : 4096;
    if (sinceBreath < BREATH) continue;
    sinceBreath = 0;
    options.signal?.throwIfAborted();
    await setImmediate();
  }
  // Directories last: making what is in them changed their times.
  for (const entry of entries.toReversed()) {
    if (entry.type === 'directory') utimesSync(at(entry.path), options.mtime, options.mtime);
  }
  const made = new Map<string, BigIntStats>();
  for (const entry of entries) {
    if (exists(entry)) made.set(entry.path, lstatSync(at(entry.path), { bigint: true }));
  }
  return { directory, at, made };
}

/** Whether an ordinary user can make it. */
function exists(entry: Entry): boolean {
  return entry.type !== 'device' && entry.type !== 'fifo';
}

function makeEntry(entry: Entry, at: (path: string) => string, copy: (fd: number, content: Content) => void): void {
  const path = at(entry.path);
  switch (entry.type) {
    case 'directory':
      mkdirSync(path, { recursive: entry.path === '/' });
      // Whoever runs the hook has to get in and change things; the tree knows the true mode.
      chmodSync(path, (entry.mode & 0o777) | 0o700);
      return;
    case 'file': {
      const fd = openSync(path, 'wx', 0o600);
      try {
        copy(fd, entry.content);
        fchmodSync(fd, (entry.mode & 0o777) | 0o600);
      } finally {
        closeSync(fd);
      }
      return;
    }
    case 'hardlink':
      linkSync(at(entry.target), path);
      return;
    case 'symlink':
      symlinkSync(entry.target, path);
      return;
    default:
      return;
  }
}

function copyContent(reader: ContentReader, content: Content, fd: number, buffer: Buffer): void {
  const size = contentSize(content);
  for (let offset = 0; offset < size; offset += CHUNK) {
    const chunk = buffer.subarray(0, Math.min(CHUNK, size - offset));
    reader.readInto(content, offset, chunk);
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done);
  }
}
