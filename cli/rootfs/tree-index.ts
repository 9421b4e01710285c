/**
 * A root tree kept in a file: JSON lines, the first a table of archives and origins, then one entry a line in the tree's
 * own order. Contents that live in archives are kept as references, so an index is small, and lasts as long as the cache.
 */
import { readFile } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import { writeFileAtomic } from '../host/files.ts';
import type { Content, Entry } from './entry.ts';
import { RootTree } from './tree.ts';

const FORMAT = 'coracle-root-1';

interface Head {
  readonly format: string;
  readonly entries: number;
  readonly files: readonly string[];
  readonly origins: readonly string[];
}

/** An entry as a line; what is usual (root:root, no extended attributes) is left out. */
interface Line {
  readonly path: string;
  readonly type: Entry['type'];
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Index into {@link Head.origins}. */
  readonly origin: number;
  readonly target?: string;
  /** [index into {@link Head.files}, offset, size] */
  readonly slice?: readonly [number, number, number];
  /** base64 */
  readonly data?: string;
  readonly device?: readonly ['char' | 'block', number, number];
  /** Name → base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** The same tree gives the same bytes. */
export async function writeTreeIndex(tree: RootTree, file: string): Promise<void> {
  const files = new Table();
  const origins = new Table();
  const lines = tree.entries().map((entry) => JSON.stringify(toLine(entry, files, origins)));
  const head: Head = { format: FORMAT, entries: lines.length, files: files.values, origins: origins.values };
  await writeFileAtomic(file, `${[JSON.stringify(head), ...lines].join('\n')}\n`);
}

/** @throws Failure `bad-root-index` */
export async function readTreeIndex(file: string): Promise<RootTree> {
  try {
    const [first = '', ...rest] = (await readFile(file, 'utf8')).trimEnd().split('\n');
    const head = JSON.parse(first) as Head;
    if (head.format !== FORMAT) throw new Error(`its format is ${head.format}, not ${FORMAT}`);
    if (head.entries !== rest.length) throw new Error(`it has ${rest.length} entries, not ${head.entries}`);
    const entries = rest.map((line) => toEntry(JSON.parse(line) as Line, head));
    const tree = new RootTree();
    // A hard link can only be put once its file is there, which may sort behind it.
    for (const entry of entries) if (entry.type !== 'hardlink') tree.put(entry);
    for (const entry of entries) if (entry.type === 'hardlink') tree.put(entry);
    return tree;
  } catch (error) {
    throw new Failure({
      code: 'bad-root-index',
      message: `cannot read the root index ${file}`,
      cause: (error as Error).message,
      hint: 'it is made by a build; remove its stage directory and build again',
    });
  }
}

/** Strings that many entries share, each with its number. */
class Table {
  readonly values: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(value: string): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.#numbers.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}

function toLine(entry: Entry, files: Table, origins: Table): Line {
  const line: Line = {
    path: entry.path,
    type: entry.type,
    mode: entry.mode,
    ...(entry.uid !== 0 && { uid: entry.uid }),
    ...(entry.gid !== 0 && { gid: entry.gid }),
    origin: origins.number(entry.origin),
    ...(entry.xattrs && { xattrs: mapValues(entry.xattrs, toBase64) }),
  };
  switch (entry.type) {
    case 'file':
      return entry.content.kind === 'slice'
        ? { ...line, slice: [files.number(entry.content.file), entry.content.offset, entry.content.size] }
        : { ...line, data: toBase64(entry.content.data) };
    case 'symlink':
    case 'hardlink':
      return { ...line, target: entry.target };
    case 'device':
      return { ...line, device: [entry.device, entry.major, entry.minor] };
    default:
      return line;
  }
}

function toEntry(line: Line, head: Head): Entry {
  const base = {
    path: line.path,
    mode: line.mode,
    uid: line.uid ?? 0,
    gid: line.gid ?? 0,
    origin: head.origins[line.origin] ?? 'unknown',
    ...(line.xattrs && { xattrs: mapValues(line.xattrs, fromBase64) }),
  };
  switch (line.type) {
    case 'file':
      return { ...base, type: 'file', content: toContent(line, head) };
    case 'symlink':
    case 'hardlink':
      return { ...base, type: line.type, target: line.target ?? '' };
    case 'device': {
      const [device, major, minor] = line.device ?? ['char', 0, 0];
      return { ...base, type: 'device', device, major, minor };
    }
    default:
      return { ...base, type: line.type };
  }
}

function toContent(line: Line, head: Head): Content {
  if (line.slice === undefined) return { kind: 'bytes', data: fromBase64(line.data ?? '') };
  const [number, offset, size] = line.slice;
  const file = head.files[number];
  if (file === undefined) throw new Error(`${line.path} is in an archive that the index does not name`);
  return { kind: 'slice', file, offset, size };
}

function toBase64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
