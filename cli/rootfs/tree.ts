/**
 * RootTree: a root file system as data. Packages, effects, users and overlays put entries in; the image stage reads them
 * in one sorted order. Contents stay where they are (slices of cached archives) until someone reads them.
 *
 * The rules of putting are those of unpacking on the target: links to directories are followed for parents (so that
 * `/bin/sh` lands in `/usr/bin` on a merged tree), a directory over a directory only changes its metadata, and what would
 * lose files in silence (a file over a directory, a directory over a file) is a failure naming both origins.
 */
import { Failure } from '../failure.ts';
import { readContent } from './content.ts';
import type { Content, Entry } from './entry.ts';
import { isNormalPath, joinPath, lastName, parentPath, pathParts, sortByBytes } from './path.ts';
import { badPath, conflict, danglingHardLink, escaped, loop } from './tree-failures.ts';

export type FileEntry = Extract<Entry, { type: 'file' }>;
export type DirectoryEntry = Extract<Entry, { type: 'directory' }>;

/** Who puts an entry, and what is not the default: 0644 (files) or 0755 (directories), root:root. */
export interface PutOptions {
  readonly origin: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export type Metadata = Partial<Pick<Entry, 'mode' | 'uid' | 'gid' | 'xattrs'>>;

interface Node {
  entry: Entry;
  /** Directories only. */
  readonly children: Map<string, Node> | undefined;
  readonly parent: Node | undefined;
}

/** As Linux: a path that crosses more links than this is taken for a loop. */
const MAX_LINKS = 40;

export class RootTree {
  #root: Node;
  /** Hard links by the path of the file that they share. */
  readonly #links = new Map<string, Set<string>>();
  #size = 1;

  constructor(origin = 'root') {
    const entry: Entry = { path: '/', type: 'directory', mode: 0o755, uid: 0, gid: 0, origin };
    this.#root = { entry, children: new Map(), parent: undefined };
  }

  /** Number of entries, the root among them. */
  get size(): number {
    return this.#size;
  }

  /** The entry at exactly this path; no link is followed. */
  get(path: string): Entry | undefined {
    return this.#find(path)?.entry;
  }

  has(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  /**
   * Puts an entry, replacing what is there, and returns it as it landed (its path may differ by a link on the way).
   *
   * @throws Failure `path-conflict`, `path-escape`, `link-loop`
   */
  put(entry: Entry): Entry {
    if (!isNormalPath(entry.path)) throw badPath(entry.path, entry.origin);
    if (entry.path === '/') return this.#putRoot(entry);
    const parent = this.#makeDirectory(parentPath(entry.path), entry);
    const name = lastName(entry.path);
    const there = parent.children?.get(name);
    const landed = joinPath(parent.entry.path, name);
    if (entry.type === 'directory' && there !== undefined) return this.#putDirectoryOver(there, entry);
    if (there?.children !== undefined) throw conflict(entry, landed, there.entry);
    const placed = this.#withLandedLink(landed === entry.path ? entry : { ...entry, path: landed });
    if (placed.type === 'hardlink' && placed.target === landed && there !== undefined) return there.entry;
    if (there !== undefined) this.#forget(there.entry);
    if (placed.type === 'hardlink') this.#linksOf(placed.target).add(landed);
    const children = placed.type === 'directory' ? new Map<string, Node>() : undefined;
    parent.children?.set(name, { entry: placed, children, parent });
    this.#size += 1;
    return placed;
  }

  addFile(path: string, data: string | Uint8Array, options: PutOptions): Entry {
    const content: Content = { kind: 'bytes', data: typeof data === 'string' ? Buffer.from(data) : data };
    return this.put({ path, type: 'file', content, ...owned(options, 0o644) });
  }

  addLink(path: string, target: string, options: PutOptions): Entry {
    return this.put({ path, type: 'symlink', target, ...owned(options, 0o777) });
  }

  addDirectory(path: string, options: PutOptions): Entry {
    return this.put({ path, type: 'directory', ...owned(options, 0o755) });
  }

  /** Removes exactly this path with all below; whether there was anything. A file's other hard links keep its content. */
  remove(path: string): boolean {
    const node = this.#find(path);
    if (node?.parent === undefined) return false;
    const gone = [...this.#walk(node)].map((below) => below.entry);
    node.parent.children?.delete(lastName(node.entry.path));
    // Links before files: a link that goes too must not inherit.
    for (const entry of gone) if (entry.type === 'hardlink') this.#forget(entry);
    for (const entry of gone) if (entry.type !== 'hardlink') this.#forget(entry);
    return true;
  }

  /**
   * The entry that a path means on the target, links followed, the last one too; undefined if there is none.
   *
   * @throws Failure `link-loop`, `path-escape`
   */
  resolve(path: string): Entry | undefined {
    return this.#follow(path, `looking up ${path}`)?.entry;
  }

  /** Entries directly in a directory (links followed), by name; empty when it is none. */
  children(path: string): Entry[] {
    const children = this.#follow(path, `listing ${path}`)?.children;
    if (children === undefined) return [];
    return sortByBytes([...children.keys()]).flatMap((name) => children.get(name)?.entry ?? []);
  }

  /** All entries sorted by the bytes of their paths, which puts parents before what they hold. */
  entries(): Entry[] {
    const byPath = new Map<string, Entry>();
    for (const node of this.#walk(this.#root)) byPath.set(node.entry.path, node.entry);
    return sortByBytes([...byPath.keys()]).flatMap((path) => byPath.get(path) ?? []);
  }

  /** The entry at exactly this path and all below it, in no particular order. */
  below(path: string): Entry[] {
    const node = this.#find(path);
    return node === undefined ? [] : Array.from(this.#walk(node), (each) => each.entry);
  }

  /** Changes owner, mode or extended attributes at exactly this path; all hard links of a file change with it. */
  setMetadata(path: string, changes: Metadata): void {
    const entry = this.get(path);
    if (entry === undefined) throw new Failure({ code: 'not-a-file', message: `the root has no ${path}` });
    const file = entry.type === 'hardlink' ? entry.target : path;
    for (const each of [file, ...(this.#links.get(file) ?? [])]) {
      this.#replace(each, (old) => ({ ...old, ...changes }));
    }
  }

  /** The file that a path means, links of both kinds followed. */
  file(path: string): FileEntry | undefined {
    const entry = this.resolve(path);
    if (entry?.type === 'file') return entry;
    return entry?.type === 'hardlink' ? this.file(entry.target) : undefined;
  }

  /** @throws Failure `not-a-file` */
  async read(path: string): Promise<Buffer> {
    const file = this.file(path);
    if (file === undefined) {
      throw new Failure({ code: 'not-a-file', message: `the root has no file ${path}` });
    }
    return readContent(file.content);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const part of pathParts(path)) node = node?.children?.get(part);
    return node;
  }

  *#walk(node: Node): Generator<Node> {
    yield node;
    if (node.children === undefined) return;
    for (const child of node.children.values()) yield* this.#walk(child);
  }

  #putRoot(entry: Entry): Entry {
    if (entry.type !== 'directory') throw conflict(entry, '/', this.#root.entry);
    this.#root.entry = entry;
    return entry;
  }

  /** A package that ships `/bin/` as a directory on a tree where it is a link means the link's directory. */
  #putDirectoryOver(there: Node, entry: DirectoryEntry): Entry {
    if (there.children !== undefined) {
      there.entry = { ...entry, path: there.entry.path };
      return there.entry;
    }
    if (there.entry.type !== 'symlink') throw conflict(entry, there.entry.path, there.entry);
    const isNew = this.#follow(there.entry.path, `${entry.origin} puts ${entry.path}`) === undefined;
    const node = this.#makeDirectory(there.entry.path, entry);
    if (isNew) node.entry = { ...entry, path: node.entry.path };
    return node.entry;
  }

  /** The directory that `path` means, with links followed and whatever is missing made for `entry`. */
  #makeDirectory(path: string, entry: Entry): Node {
    const node = this.#follow(path, `${entry.origin} puts ${entry.path}`, (parent, name) => {
      const made: Node = {
        entry: {
          path: joinPath(parent.entry.path, name),
          type: 'directory',
          mode: 0o755,
          uid: 0,
          gid: 0,
          origin: entry.origin,
        },
        children: new Map(),
        parent,
      };
      parent.children?.set(name, made);
      this.#size += 1;
      return made;
    });
    if (node?.children === undefined) throw conflict(entry, path, node?.entry);
    return node;
  }

  #follow(path: string, doing: string, make?: (parent: Node, name: string) => Node): Node | undefined {
    let node = this.#root;
    let links = 0;
    // Last part first, so that a link's target is pushed in front of what is left.
    const todo = pathParts(path).reverse();
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (node.parent === undefined) throw escaped(path, doing);
        node = node.parent;
        continue;
      }
      if (node.children === undefined) return make === undefined ? undefined : node;
      const next = node.children.get(part) ?? make?.(node, part);
      if (next === undefined) return undefined;
      if (next.entry.type === 'symlink') {
        links += 1;
        if (links > MAX_LINKS) throw loop(next.entry, doing);
        if (next.entry.target.startsWith('/')) node = this.#root;
        todo.push(...next.entry.target.split('/').reverse());
        continue;
      }
      node = next;
    }
    return node;
  }

  /**
   * A hard link with its target as a path of this tree: links on the way followed, another hard link's file taken. What
   * the names of a file share, they share from here on.
   */
  #withLandedLink(entry: Entry): Entry {
    if (entry.type !== 'hardlink') return entry;
    const parent = this.#follow(parentPath(entry.target), `${entry.origin} links ${entry.path}`);
    const named = parent?.children?.get(lastName(entry.target))?.entry;
    const file = named?.type === 'hardlink' ? this.get(named.target) : named;
    if (file?.type !== 'file') throw danglingHardLink(entry);
    const { content: _, ...shared } = file;
    return { ...shared, type: 'hardlink', path: entry.path, origin: entry.origin, target: file.path };
  }

  #linksOf(path: string): Set<string> {
    const known = this.#links.get(path);
    if (known !== undefined) return known;
    const made = new Set<string>();
    this.#links.set(path, made);
    return made;
  }

  /** Keeps the promise that a hard link's target is a file: when the file goes, its first link takes its content. */
  #forget(entry: Entry): void {
    this.#size -= 1;
    if (entry.type === 'hardlink') this.#links.get(entry.target)?.delete(entry.path);
    if (entry.type !== 'file') return;
    const [heir, ...rest] = sortByBytes([...(this.#links.get(entry.path) ?? [])]);
    this.#links.delete(entry.path);
    if (heir === undefined) return;
    this.#replace(heir, (link) => ({ ...entry, path: heir, origin: link.origin }));
    for (const path of rest) {
      this.#replace(path, (link) => (link.type === 'hardlink' ? { ...link, target: heir } : link));
      this.#linksOf(heir).add(path);
    }
  }

  #replace(path: string, change: (entry: Entry) => Entry): void {
    const node = this.#find(path);
    if (node !== undefined) node.entry = change(node.entry);
  }
}

function owned(options: PutOptions, mode: number): Pick<Entry, 'mode' | 'uid' | 'gid' | 'origin'> {
  return { mode: options.mode ?? mode, uid: options.uid ?? 0, gid: options.gid ?? 0, origin: options.origin };
}
