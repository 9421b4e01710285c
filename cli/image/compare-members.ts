/** What differs between the contents of two file systems or two JSON files, in words. */
import { readFileSync } from 'node:fs';
import { ContentReader, contentSize } from '../rootfs/content.ts';
import type { Content, Entry } from '../rootfs/entry.ts';

export interface MemberDifference {
  /** Of the file inside, or of the value: `/etc/passwd`, `files[2].sha256`. */
  readonly path: string;
  /** `content from byte 12 on`, `mode 644 and 755`. */
  readonly what: string;
}

/** Sorted by path. */
export function compareEntries(first: readonly Entry[], second: readonly Entry[]): readonly MemberDifference[] {
  using reader = new ContentReader();
  const [a, b] = [byPath(first), byPath(second)];
  return [...new Set([...a.keys(), ...b.keys()])].sort().flatMap((path) => {
    const [one, other] = [a.get(path), b.get(path)];
    if (one === undefined) return [{ path, what: 'only in the second' }];
    if (other === undefined) return [{ path, what: 'only in the first' }];
    return entryDifferences(one, other, reader).map((what) => ({ path, what }));
  });
}

function byPath(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

function entryDifferences(a: Entry, b: Entry, reader: ContentReader): readonly string[] {
  if (a.type !== b.type) return [`${a.type} and ${b.type}`];
  const found: string[] = [];
  if (a.mode !== b.mode) found.push(`mode ${a.mode.toString(8)} and ${b.mode.toString(8)}`);
  if (a.uid !== b.uid || a.gid !== b.gid) found.push(`owner ${a.uid}:${a.gid} and ${b.uid}:${b.gid}`);
  if (xattrsOf(a) !== xattrsOf(b)) found.push('extended attributes');
  if (a.type === 'symlink' && b.type === 'symlink' && a.target !== b.target) {
    found.push(`link to ${a.target} and to ${b.target}`);
  }
  if (a.type === 'hardlink' && b.type === 'hardlink' && a.target !== b.target) {
    found.push(`the same file as ${a.target} and as ${b.target}`);
  }
  if (a.type === 'device' && b.type === 'device' && deviceOf(a) !== deviceOf(b)) {
    found.push(`device ${deviceOf(a)} and ${deviceOf(b)}`);
  }
  if (a.type === 'file' && b.type === 'file') found.push(...contentDifferences(a.content, b.content, reader));
  return found;
}

function deviceOf({ device, major, minor }: Extract<Entry, { type: 'device' }>): string {
  return `${device} ${major}:${minor}`;
}

function xattrsOf(entry: Entry): string {
  const pairs = Object.entries(entry.xattrs ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('hex')]);
  return JSON.stringify(pairs.sort());
}

const CHUNK = 1024 * 1024;

function contentDifferences(a: Content, b: Content, reader: ContentReader): readonly string[] {
  const sizes = [contentSize(a), contentSize(b)] as const;
  const common = Math.min(...sizes);
  const size = sizes[0] === sizes[1] ? '' : `, ${sizes[0]} and ${sizes[1]} bytes`;
  for (let at = 0; at < common; at += CHUNK) {
    const length = Math.min(CHUNK, common - at);
    const [one, other] = [reader.read(a, at, length), reader.read(b, at, length)];
    if (one.equals(other)) continue;
    return [`content from byte ${at + one.findIndex((byte, index) => byte !== other[index])} on${size}`];
  }
  return size === '' ? [] : [`content from byte ${common} on${size}`];
}

/** Values that differ between two JSON files. */
export function compareJson(first: string, second: string): readonly MemberDifference[] {
  const [a, b] = [first, second].map((path) => JSON.parse(readFileSync(path, 'utf8')) as unknown);
  return valueDifferences(a, b, '');
}

function valueDifferences(a: unknown, b: unknown, path: string): readonly MemberDifference[] {
  if (isCollection(a) && isCollection(b) && Array.isArray(a) === Array.isArray(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    const below = (key: string): string =>
      Array.isArray(a) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    return [...keys].flatMap((key) => valueDifferences(a[key], b[key], below(key)));
  }
  return Object.is(a, b) ? [] : [{ path, what: `${inWords(a)} and ${inWords(b)}` }];
}

function inWords(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isCollection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
