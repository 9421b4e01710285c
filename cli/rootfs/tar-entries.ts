/**
 * Reading an uncompressed tar as entries of a root tree. Only headers are read; a file's content becomes a slice of the
 * archive, which therefore has to stay where it is (the cache).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Failure } from '../failure.ts';
import type { Entry } from './entry.ts';
import { normalisePath } from './path.ts';
import { BLOCK, decodeHeader, decodePax, decodeText, isZeroBlock, type RawHeader, TarDamage } from './tar-header.ts';

/** Small members and their headers share a read; a large member is skipped without one. */
const WINDOW = 64 * 1024;
/** Longest name or extended header that is taken for honest. */
const MAX_EXTENSION = 1024 * 1024;

/**
 * All members of a tar, in its order, as entries with absolute paths. `origin` is who ships it, e.g. `package podman`.
 *
 * @throws Failure `damaged-archive`, `path-escape`, `content-missing`
 */
export async function readTarEntries(file: string, origin: string): Promise<Entry[]> {
  const archive = openArchive(file);
  try {
    return [...members(archive, file, origin)];
  } catch (error) {
    if (!(error instanceof TarDamage)) throw error;
    throw new Failure({
      code: 'damaged-archive',
      message: `${origin}: the archive ${file} is damaged: ${error.message}`,
      cause: `at byte ${archive.position()} of ${archive.size}`,
      hint: 'remove the file and build again; it will be made anew',
    });
  } finally {
    archive.close();
  }
}

interface Archive {
  readonly size: number;
  /** Where the last read began. */
  readonly position: () => number;
  readonly read: (offset: number, length: number) => Buffer;
  readonly close: () => void;
}

function openArchive(file: string): Archive {
  const unreadable = (cause: string): Failure =>
    new Failure({ code: 'content-missing', message: `cannot read the archive ${file}`, cause });
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    throw unreadable((error as Error).message);
  }
  const stats = fstatSync(fd);
  if (!stats.isFile()) {
    closeSync(fd);
    throw unreadable('it is not a regular file');
  }
  const { size } = stats;
  let position = 0;
  let windowStart = 0;
  let window = Buffer.alloc(0);
  return {
    size,
    position: () => position,
    read(offset, length) {
      position = offset;
      if (offset + length > size) throw new TarDamage('it ends too early');
      if (offset < windowStart || offset + length > windowStart + window.length) {
        const wanted = Buffer.allocUnsafe(Math.min(Math.max(WINDOW, length), size - offset));
        const got = readSync(fd, wanted, 0, wanted.length, offset);
        window = wanted.subarray(0, got);
        windowStart = offset;
        if (got < length) throw new TarDamage('it ends too early');
      }
      return window.subarray(offset - windowStart, offset - windowStart + length);
    },
    close: () => closeSync(fd),
  };
}

/** What the headers before a member say about it. */
interface Extensions {
  readonly name?: string;
  readonly linkName?: string;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

const XATTR = 'SCHILY.xattr.';

function* members(archive: Archive, file: string, origin: string): Generator<Entry> {
  let offset = 0;
  let extensions: Extensions = {};
  for (;;) {
    const block = archive.read(offset, BLOCK);
    if (isZeroBlock(block)) return;
    const header = decodeHeader(block);
    const data = offset + BLOCK;
    const isExtension = 'xgLK'.includes(header.type);
    const size = isExtension ? header.size : storedSize(header, extensions);
    if (data + size > archive.size) throw new TarDamage(`its member ${header.name} ends too early`);
    if (isExtension) {
      if (size > MAX_EXTENSION) throw new TarDamage('an extended header is too long');
      extensions = { ...extensions, ...readExtension(header.type, archive.read(data, size)) };
    } else {
      yield toEntry(header, { ...extensions, size }, { file, offset: data }, origin);
      extensions = {};
    }
    offset = data + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** Only files have data; other headers may carry a size all the same. */
function storedSize(header: RawHeader, extensions: Extensions): number {
  return FILE_TYPES.includes(header.type) ? (extensions.size ?? header.size) : 0;
}

/** `7` is a contiguous file, which no system tells from others. */
const FILE_TYPES = '07';

function readExtension(type: string, data: Buffer): Extensions {
  if (type === 'L') return { name: untilNul(data) };
  if (type === 'K') return { linkName: untilNul(data) };
  // `g` holds comments and defaults for all members; what writes archives for us uses it for neither.
  if (type === 'g') return {};
  const extensions: { -readonly [K in keyof Extensions]: Extensions[K] } = {};
  const xattrs: Record<string, Uint8Array> = {};
  for (const [key, value] of decodePax(data)) {
    if (key === 'path') extensions.name = decodeText(value);
    else if (key === 'linkpath') extensions.linkName = decodeText(value);
    else if (key === 'size' || key === 'uid' || key === 'gid') extensions[key] = paxNumber(key, value);
    else if (key.startsWith(XATTR)) xattrs[key.slice(XATTR.length)] = Buffer.from(value);
    else if (key.startsWith('GNU.sparse.')) throw new TarDamage('it has sparse members, which are not supported');
  }
  return Object.keys(xattrs).length === 0 ? extensions : { ...extensions, xattrs };
}

function paxNumber(key: string, value: Buffer): number {
  const text = value.toString('latin1');
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw new TarDamage(`an extended header's ${key} is no number`);
  return number;
}

function untilNul(data: Buffer): string {
  const end = data.indexOf(0);
  return decodeText(end < 0 ? data : data.subarray(0, end));
}

function toEntry(
  header: RawHeader,
  extensions: Extensions & { readonly size: number },
  at: { readonly file: string; readonly offset: number },
  origin: string,
): Entry {
  const { mode } = header;
  const { uid = header.uid, gid = header.gid, size, xattrs } = extensions;
  const name = extensions.name ?? decodeText(header.name);
  const linkName = extensions.linkName ?? decodeText(header.linkName);
  const path = normalisePath(name, origin);
  const base = { path, mode, uid, gid, origin, ...(xattrs && { xattrs }) };
  if (header.type === '5' || (header.type === '0' && name.endsWith('/'))) return { ...base, type: 'directory' };
  if (FILE_TYPES.includes(header.type)) {
    return { ...base, type: 'file', content: { kind: 'slice', file: at.file, offset: at.offset, size } };
  }
  switch (header.type) {
    case '1':
      return { ...base, type: 'hardlink', target: normalisePath(linkName, origin) };
    case '2':
      return { ...base, type: 'symlink', target: linkName };
    case '3':
    case '4':
      return {
        ...base,
        type: 'device',
        device: header.type === '3' ? 'char' : 'block',
        major: header.major,
        minor: header.minor,
      };
    case '6':
      return { ...base, type: 'fifo' };
    default:
      throw new TarDamage(`its member ${JSON.stringify(name)} has the unknown type ${JSON.stringify(header.type)}`);
  }
}
