/**
 * A root tree as a tar stream, for tar2sqfs and for hooks. The same tree gives the same bytes: sorted, numeric owners, one
 * time for all, extended headers only where ustar has no room. Memory is two chunks, however large the root.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { ContentReader, contentSize } from './content.ts';
import type { Entry } from './entry.ts';
import { linksAfterFiles } from './hard-links.ts';
import { BLOCK, encodeHeader, encodePax, type TarHeader } from './tar-header.ts';
import type { RootTree } from './tree.ts';

/** Written at once; pipes take it in pieces, but the reads before it are what large chunks are for. */
const CHUNK = 1024 * 1024;

export interface TarOptions {
  /** Seconds since 1970 for every member. */
  readonly mtime: number;
  readonly signal?: AbortSignal;
}

/** Writes the archive and ends the stream. */
export async function writeTreeTar(tree: RootTree, output: Writable, options: TarOptions): Promise<void> {
  const chunks = new ChunkWriter(output);
  using reader = new ContentReader();
  for (const entry of linksAfterFiles(tree.entries())) {
    options.signal?.throwIfAborted();
    for (const block of headersOf(entry, options.mtime)) await chunks.append(block);
    if (entry.type !== 'file') continue;
    const size = contentSize(entry.content);
    for (let at = 0; at < size; ) {
      const room = await chunks.room();
      const length = Math.min(room.length, size - at);
      reader.readInto(entry.content, at, room.subarray(0, length));
      chunks.fill(length);
      at += length;
    }
    await chunks.append(PADDING.subarray(0, padding(size)));
  }
  await chunks.append(Buffer.alloc(2 * BLOCK));
  await chunks.end();
}

const PADDING = Buffer.alloc(BLOCK);

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

const TYPES = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', directory: '5', fifo: '6' } as const;

function headersOf(entry: Entry, mtime: number): Buffer[] {
  const device = entry.type === 'device' ? entry : undefined;
  const header: TarHeader = {
    name: memberName(entry),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.type === 'file' ? contentSize(entry.content) : 0,
    mtime,
    type: TYPES[entry.type === 'device' ? entry.device : entry.type],
    linkName: linkName(entry),
    major: device?.major ?? 0,
    minor: device?.minor ?? 0,
  };
  const xattrs = Object.entries(entry.xattrs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const plain = encodeHeader(header);
  if (plain !== undefined && xattrs.length === 0) return [plain];
  const records = new Map<string, string | Uint8Array>();
  if (plain === undefined) {
    records.set('path', header.name).set('size', String(header.size));
    records.set('uid', String(header.uid)).set('gid', String(header.gid));
    if (header.linkName !== '') records.set('linkpath', header.linkName);
  }
  for (const [name, value] of xattrs) records.set(`SCHILY.xattr.${name}`, value);
  return [...paxHeader(encodePax(records), mtime), plain ?? mustEncode(withoutExtremes(header))];
}

function paxHeader(data: Buffer, mtime: number): Buffer[] {
  const header = {
    name: 'pax',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: data.length,
    mtime,
    type: 'x',
    linkName: '',
    major: 0,
    minor: 0,
  };
  return [mustEncode(header), data, PADDING.subarray(0, padding(data.length))];
}

/** A header for members whose true values are in the pax header before it. */
function withoutExtremes(header: TarHeader): TarHeader {
  const fits = (value: number, digits: number): number => (value < 8 ** digits ? value : 0);
  return {
    ...header,
    name: 'long',
    linkName: header.linkName === '' ? '' : 'long',
    size: fits(header.size, 11),
    uid: fits(header.uid, 7),
    gid: fits(header.gid, 7),
  };
}

function mustEncode(header: TarHeader): Buffer {
  const block = encodeHeader(header);
  if (block === undefined) throw new Error(`no tar header can hold ${JSON.stringify(header)}`);
  return block;
}

/** Relative, as every tar is; directories end in a slash. The root itself is `./`. */
function memberName(entry: Entry): string {
  if (entry.path === '/') return './';
  return entry.type === 'directory' ? `${entry.path.slice(1)}/` : entry.path.slice(1);
}

function linkName(entry: Entry): string {
  if (entry.type === 'symlink') return entry.target;
  return entry.type === 'hardlink' ? entry.target.slice(1) : '';
}

/**
 * Fills one buffer while the other is on its way. A buffer is used again once the stream has said that it is done with
 * it, which is also all the backpressure there is.
 */
class ChunkWriter {
  readonly #output: Writable;
  #current = Buffer.allocUnsafe(CHUNK);
  #spare = Buffer.allocUnsafe(CHUNK);
  #used = 0;
  #written: Promise<void> = Promise.resolve();

  constructor(output: Writable) {
    this.#output = output;
    // Errors reach us by the write that they fail; without a listener they would end the process first.
    output.on('error', () => {});
  }

  /** The free part of the current buffer, never empty. Say what was used with {@link fill}. */
  async room(): Promise<Buffer> {
    if (this.#used === CHUNK) await this.#flush();
    return this.#current.subarray(this.#used);
  }

  fill(length: number): void {
    this.#used += length;
  }

  async append(data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; ) {
      const copied = data.copy(await this.room(), 0, at);
      this.fill(copied);
      at += copied;
    }
  }

  async end(): Promise<void> {
    await this.#flush();
    await this.#written;
    this.#output.end();
    await once(this.#output, 'finish');
  }

  async #flush(): Promise<void> {
    await this.#written;
    const chunk = this.#current.subarray(0, this.#used);
    this.#written = new Promise((resolve, reject) => {
      this.#output.write(chunk, (error) => (error == null ? resolve() : reject(error)));
    });
    // A failed write is thrown by the next await of it, which may be a read of a large file away.
    this.#written.catch(() => {});
    [this.#current, this.#spare] = [this.#spare, this.#current];
    this.#used = 0;
  }
}
