/**
 * The disk that a virtual machine runs on: a workspace's own copy of the built disk image, sparse and larger than it, so
 * that persist has room to grow. Persist is kept between runs; when the image was built anew, only the boot partition is
 * written again, as flashing a slot would.
 */
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { temporaryBeside, writeFileAtomic } from '../host/files.ts';
import { BOOT_PARTITION, type Extent, PERSIST_PARTITION } from '../image/disk-layout.ts';
import { readPartitions } from './gpt.ts';

const CHUNK = 1 << 20;

export interface RunDisk {
  readonly path: string;
  /** `created` also stands for a fresh start. */
  readonly state: 'created' | 'kept' | 'boot partition renewed';
}

export interface RunDiskOptions {
  /** Start over with an empty persist. */
  readonly fresh?: boolean;
  /** Bytes that the disk is larger than the image. */
  readonly room?: number;
}

/** Sparse: costs nothing until the device writes. */
const DEFAULT_ROOM = 4 * 2 ** 30;

/**
 * @param directory the workspace's run directory; the caller holds its lock
 * @throws Failure `disk-layout-changed` when persist cannot be kept
 */
export async function prepareDisk(image: string, directory: string, options: RunDiskOptions = {}): Promise<RunDisk> {
  const path = join(directory, 'disk.img');
  const record = join(directory, 'disk.json');
  const source = await sourceIdentity(image);
  if (options.fresh === true) await rm(path, { force: true });
  const size = await sizeOf(path);
  if (size === undefined) {
    await rm(record, { force: true });
    await createCopy(image, path, options.room ?? DEFAULT_ROOM);
    await writeFileAtomic(record, source);
    return { path, state: 'created' };
  }
  if ((await readFile(record, 'utf8').catch(() => '')) === source) return { path, state: 'kept' };
  const boot = await commonBootPartition(image, path);
  // Without a record, a renewal that is cut short is done again.
  await rm(record, { force: true });
  await copyExtent(image, path, boot);
  await writeFileAtomic(record, source);
  return { path, state: 'boot partition renewed' };
}

/** A built image is never changed in place, so this tells images apart. */
async function sourceIdentity(image: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(image, { bigint: true });
  return `${JSON.stringify({ inode: `${ino}`, size: `${size}`, modified: `${mtimeNs}` })}\n`;
}

async function commonBootPartition(image: string, disk: string): Promise<Extent> {
  const [theirs, ours] = await Promise.all([readPartitions(image), readPartitions(disk)]);
  const [boot, bootOurs] = [theirs.get(BOOT_PARTITION), ours.get(BOOT_PARTITION)];
  const [persist, persistOurs] = [theirs.get(PERSIST_PARTITION), ours.get(PERSIST_PARTITION)];
  const same =
    boot?.offset === bootOurs?.offset && boot?.size === bootOurs?.size && persist?.offset === persistOurs?.offset;
  if (boot !== undefined && same) return boot;
  throw new Failure({
    code: 'disk-layout-changed',
    message: 'the partitions of the image are no longer where those of the disk of earlier runs are',
    cause: `${disk} holds the persist partition of earlier runs, which cannot be kept`,
    hint: 'coracle run --fresh starts over with an empty persist',
  });
}

async function createCopy(image: string, path: string, room: number): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const size = (await sizeOf(image)) ?? 0;
    const target = await open(temporary, 'wx');
    try {
      await target.truncate(size + room);
    } finally {
      await target.close();
    }
    await copyExtent(image, temporary, { offset: 0, size });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw roomFailure(error, path);
  }
}

/** Copies a range to the same place of another file, and writes only what differs: holes stay holes. */
async function copyExtent(from: string, to: string, extent: Extent): Promise<void> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'r+');
    try {
      const wanted = Buffer.alloc(CHUNK);
      const present = Buffer.alloc(CHUNK);
      for (let done = 0; done < extent.size; done += CHUNK) {
        const length = Math.min(CHUNK, extent.size - done);
        const at = extent.offset + done;
        await fill(source, wanted, at, length);
        await fill(target, present, at, length);
        if (wanted.compare(present, 0, length, 0, length) !== 0) await target.write(wanted, 0, length, at);
      }
      await target.datasync();
    } finally {
      await target.close();
    }
  } catch (error) {
    throw roomFailure(error, to);
  } finally {
    await source.close();
  }
}

/** What is behind the end of a file reads as zeros. */
async function fill(file: FileHandle, buffer: Buffer, position: number, length: number): Promise<void> {
  const { bytesRead } = await file.read(buffer, 0, length, position);
  buffer.fill(0, bytesRead, length);
}

function roomFailure(error: unknown, path: string): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') return error;
  return new Failure({
    code: 'disk-full',
    message: `no room is left for the virtual machine's disk ${path}`,
    hint: 'free some room, then run again',
  });
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
