/**
 * The way back from a materialised root: finds what a hook changed, made and removed, and does the same to the tree. What
 * was not touched keeps everything the directory could not show (owner, special modes, extended attributes); what is new
 * belongs to root, since who happened to build must not show in an image.
 */
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { readContent } from './content.ts';
import type { Entry } from './entry.ts';
import type { Materialised } from './materialise.ts';
import { joinPath, sortByBytes } from './path.ts';
import { storeContent } from './stored-content.ts';
import type { RootTree } from './tree.ts';

export interface ReimportOptions {
  /** Who changed it, e.g. `hook root of layer my/layer`. */
  readonly origin: string;
  /** Directory of the cache for new contents. */
  readonly store: string;
}

export interface Reimported {
  /** The directory as it is now, for the next hook. */
  readonly root: Materialised;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** @throws Failure `hook-unsupported` for what an image cannot hold (sockets, names that are not UTF-8) */
export async function reimport(tree: RootTree, root: Materialised, options: ReimportOptions): Promise<Reimported> {
  const seen = new Map<string, BigIntStats>();
  const changes = { added: [] as string[], changed: [] as string[], removed: [] as string[] };
  const newFiles = new Map<bigint, string>();
  for (const found of walk(root, '/', options.origin)) {
    seen.set(found.path, found.stats);
    const before = root.made.get(found.path);
    if (before !== undefined && isUntouched(before, found.stats)) continue;
    const there = tree.get(found.path);
    if (before !== undefined && there !== undefined && isSameContent(tree, found, before, there)) {
      if (!chmodded(found, before)) continue;
      tree.setMetadata(found.path, { mode: modeOf(found.stats) });
    } else {
      if (there !== undefined && !isSameKind(there, found)) tree.remove(found.path);
      tree.put(await newEntry(found, before, there, newFiles, options));
    }
    (before === undefined ? changes.added : changes.changed).push(found.path);
  }
  for (const path of root.made.keys()) {
    if (!seen.has(path) && tree.remove(path)) changes.removed.push(path);
  }
  return { root: { ...root, made: seen }, ...changes };
}

interface Found {
  readonly path: string;
  /** Where it is on this machine. */
  readonly file: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly stats: BigIntStats;
}

/** Everything in the directory, parents first. */
function* walk(root: Materialised, path: string, origin: string): Generator<Found> {
  const file = root.at(path);
  const stats = looking(file, origin, () => lstatSync(file, { bigint: true }));
  const type = typeOf(stats);
  if (type === undefined) {
    throw unsupported(
      `${origin} left ${path}, which is neither a file, a directory nor a link`,
      'make such files at boot',
    );
  }
  yield { path, file, type, stats };
  if (type !== 'directory') return;
  for (const name of sortByBytes(looking(file, origin, () => readdirSync(file))))
    yield* walk(root, joinPath(path, name), origin);
}

function looking<T>(file: string, origin: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    // Node reads a name that is not UTF-8 with this character in it, and then finds no such file.
    const hint = file.includes('\ufffd')
      ? 'its name is not UTF-8'
      : 'a hook must leave everything readable for who runs it';
    throw unsupported(`cannot read ${file}, which ${origin} left: ${(error as Error).message}`, hint);
  }
}

function typeOf(stats: BigIntStats): Found['type'] | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : undefined;
}

/** Every way of changing a file changes its ctime, which no program can set. */
function isUntouched(before: BigIntStats, now: BigIntStats): boolean {
  return before.ctimeNs === now.ctimeNs && before.ino === now.ino && before.size === now.size;
}

/** Touched or linked, but with nothing in it that an image would show. */
function isSameContent(tree: RootTree, found: Found, before: BigIntStats, there: Entry): boolean {
  const { path, type, file, stats } = found;
  if (type === 'directory') return there.type === 'directory';
  if (type === 'symlink') return there.type === 'symlink' && readlinkSync(file) === there.target;
  if (!before.isFile() || before.size !== stats.size) return false;
  if (before.ino === stats.ino && before.mtimeNs === stats.mtimeNs) return true;
  const content = tree.file(path)?.content;
  return content !== undefined && stats.size <= COMPARED && readContent(content).equals(readFileSync(file));
}

function isSameKind(there: Entry, found: Found): boolean {
  return there.type === found.type || (there.type === 'hardlink' && found.type === 'file');
}

/** Larger files are taken for changed when their time is: a copy too many costs less than reading both. */
const COMPARED = 64 * 1024 * 1024;

function chmodded({ type, stats }: Found, before: BigIntStats): boolean {
  return type !== 'symlink' && modeOf(stats) !== modeOf(before);
}

function modeOf(stats: BigIntStats): number {
  return Number(stats.mode & 0o7777n);
}

async function newEntry(
  found: Found,
  before: BigIntStats | undefined,
  there: Entry | undefined,
  newFiles: Map<bigint, string>,
  options: ReimportOptions,
): Promise<Entry> {
  const { path, file, stats } = found;
  // An editor that writes a new file in place of an old one means the old owner and mode, of which it saw a part.
  const isEdit = before !== undefined && there !== undefined && isSameKind(there, found);
  const mode = isEdit && !chmodded(found, before) ? there.mode : modeOf(stats);
  const owner = isEdit ? { uid: there.uid, gid: there.gid } : { uid: 0, gid: 0 };
  const base = { path, mode, ...owner, origin: options.origin };
  if (found.type === 'directory') return { ...base, type: 'directory' };
  if (found.type === 'symlink') return { ...base, mode: 0o777, type: 'symlink', target: readlinkSync(file) };
  const first = stats.nlink > 1n ? newFiles.get(stats.ino) : undefined;
  if (first !== undefined) return { ...base, type: 'hardlink', target: first };
  newFiles.set(stats.ino, path);
  return { ...base, type: 'file', content: await storeContent(options.store, file) };
}

function unsupported(message: string, hint: string): Failure {
  return new Failure({ code: 'hook-unsupported', message, hint });
}
