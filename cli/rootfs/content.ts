/**
 * Reading the contents of entries. Reads are synchronous on purpose: a root has some ten thousand small files, and a
 * positioned read of a cached page costs microseconds where a round trip through the thread pool costs a hundred.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { Failure } from '../failure.ts';
import type { Content } from './entry.ts';

export function contentSize(content: Content): number {
  return content.kind === 'slice' ? content.size : content.data.byteLength;
}

/** The whole content, for files that fit in memory. */
export function readContent(content: Content): Buffer {
  using reader = new ContentReader();
  return reader.read(content, 0, contentSize(content));
}

/** Descriptors kept open; the packages of a root are some hundred archives that sorted paths alternate between. */
const MAX_OPEN = 256;

/** Reads many contents, keeping archives open between reads. Dispose of it with `using`. */
export class ContentReader {
  readonly #open = new Map<string, number>();

  /** `length` bytes from `offset` on. @throws Failure `content-missing` when the file is gone or too short */
  read(content: Content, offset: number, length: number): Buffer {
    const into = Buffer.allocUnsafe(length);
    this.readInto(content, offset, into);
    return into;
  }

  /** Fills `into` with the bytes from `offset` on. */
  readInto(content: Content, offset: number, into: Uint8Array): void {
    if (content.kind === 'bytes') {
      into.set(content.data.subarray(offset, offset + into.byteLength));
      return;
    }
    const fd = this.#descriptor(content.file);
    let done = 0;
    while (done < into.byteLength) {
      const got = readSync(fd, into, done, into.byteLength - done, content.offset + offset + done);
      if (got === 0) throw truncated(content.file);
      done += got;
    }
  }

  #descriptor(file: string): number {
    const known = this.#open.get(file);
    if (known !== undefined) return known;
    if (this.#open.size >= MAX_OPEN) this.#closeOldest();
    const fd = openContent(file);
    this.#open.set(file, fd);
    return fd;
  }

  #closeOldest(): void {
    for (const [file, fd] of this.#open) {
      closeSync(fd);
      this.#open.delete(file);
      return;
    }
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }
}

function openContent(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw new Failure({
      code: 'content-missing',
      message: `cannot read ${file}, which holds files of the root`,
      cause: (error as Error).message,
      hint: 'the cache was changed behind the build; build again',
    });
  }
}

function truncated(file: string): Failure {
  return new Failure({
    code: 'content-missing',
    message: `${file} is shorter than it was when the root was composed`,
    hint: 'the cache was changed behind the build; build again',
  });
}
