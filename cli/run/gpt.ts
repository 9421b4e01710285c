/** Reads where the named partitions of a disk image are (GUID partition table, UEFI specification chapter 5). */
import { type FileHandle, open } from 'node:fs/promises';
import type { Extent } from '../image/disk-layout.ts';

const SECTOR = 512;
const MAX_ENTRIES = 128;
const ENTRY_SIZES = { least: 128, most: 4096 };

/** Partition name → bytes. An empty map if there is no table. */
export async function readPartitions(image: string): Promise<ReadonlyMap<string, Extent>> {
  const file = await open(image, 'r');
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle): Promise<ReadonlyMap<string, Extent>> {
  const header = await bytes(file, SECTOR, SECTOR);
  const found = new Map<string, Extent>();
  if (header.toString('latin1', 0, 8) !== 'EFI PART') return found;
  const table = Number(header.readBigUInt64LE(72)) * SECTOR;
  const count = Math.min(header.readUInt32LE(80), MAX_ENTRIES);
  const size = header.readUInt32LE(84);
  if (size < ENTRY_SIZES.least || size > ENTRY_SIZES.most) return found;
  const entries = await bytes(file, table, count * size);
  for (let at = 0; at + size <= entries.length; at += size) {
    const entry = entries.subarray(at, at + size);
    // A type of zero: the entry is not used.
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const first = Number(entry.readBigUInt64LE(32));
    const last = Number(entry.readBigUInt64LE(40));
    const name = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '');
    found.set(name, { offset: first * SECTOR, size: (last - first + 1) * SECTOR });
  }
  return found;
}

async function bytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await file.read(buffer, 0, length, position);
  return buffer;
}
