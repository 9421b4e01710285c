/** Where two files begin to differ. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

export interface ByteDifference {
  /** Bytes; undefined where the file is missing. */
  readonly sizes: readonly [number | undefined, number | undefined];
  /** First byte that differs; where the shorter one ends, if that is all. */
  readonly offset: number;
}

const CHUNK = 4 * 1024 * 1024;

/** Undefined: they are the same. */
export async function firstDifference(first: string, second: string): Promise<ByteDifference | undefined> {
  const sizes = [sizeOf(first), sizeOf(second)] as const;
  const [a, b] = sizes;
  if (a === undefined || b === undefined) return { sizes, offset: 0 };
  const offset = differentByte(first, second, Math.min(a, b));
  if (offset !== undefined) return { sizes, offset };
  return a === b ? undefined : { sizes, offset: Math.min(a, b) };
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function differentByte(first: string, second: string, length: number): number | undefined {
  const files = [openSync(first, 'r'), openSync(second, 'r')] as const;
  try {
    const chunks = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)] as const;
    for (let at = 0; at < length; at += CHUNK) {
      const size = Math.min(CHUNK, length - at);
      for (const index of [0, 1] as const) fill(files[index], chunks[index].subarray(0, size), at);
      const [a, b] = [chunks[0].subarray(0, size), chunks[1].subarray(0, size)];
      if (!a.equals(b)) return at + a.findIndex((byte, index) => byte !== b[index]);
    }
    return undefined;
  } finally {
    for (const file of files) closeSync(file);
  }
}

function fill(file: number, into: Buffer, position: number): void {
  for (let done = 0; done < into.length; ) {
    const got = readSync(file, into, done, into.length - done, position + done);
    if (got === 0) throw new Error('a file became shorter while it was compared');
    done += got;
  }
}
