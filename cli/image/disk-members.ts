/**
 * What is in a disk image, as entries: each file of its boot partition, and as one piece each what has no files to name
 * (the partition tables, the tables of the FAT, persist).
 */
import { mkdtemp, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { runCommand } from '../host/process.ts';
import type { Content, Entry } from '../rootfs/entry.ts';
import { BOOT_PARTITION, type Extent, PERSIST_PARTITION, SECTOR } from './disk-layout.ts';
import type { UnpackOptions } from './image-members.ts';

export async function diskMembers(disk: string, options: UnpackOptions): Promise<readonly Entry[]> {
  const { boot, persist, size } = await extentsOf(disk, options);
  const slice = (name: string, { offset, size }: Extent): Entry =>
    fileEntry(name, { kind: 'slice', file: disk, offset, size });
  const end = persist.offset + persist.size;
  return [
    slice('partition table', { offset: 0, size: boot.offset }),
    slice(`tables of ${BOOT_PARTITION}`, await fatTables(disk, boot)),
    ...(await bootFiles(disk, boot, options)),
    slice(PERSIST_PARTITION, persist),
    slice('partition table at the end', { offset: end, size: size - end }),
  ];
}

async function extentsOf(disk: string, options: UnpackOptions) {
  const { stdout } = await runCommand({
    argv: ['sfdisk', '--json', disk],
    cwd: options.scratch,
    stdout: 'capture',
    signal: options.signal,
  });
  const table = JSON.parse(stdout) as SfdiskTable;
  const find = (name: string): Extent => {
    const found = table.partitiontable.partitions.find((partition) => partition.name === name);
    if (found === undefined) throw new Error(`${disk} has no partition ${name}`);
    return { offset: found.start * SECTOR, size: found.size * SECTOR };
  };
  return { boot: find(BOOT_PARTITION), persist: find(PERSIST_PARTITION), size: (await stat(disk)).size };
}

interface SfdiskTable {
  readonly partitiontable: {
    readonly partitions: readonly { readonly name: string; readonly start: number; readonly size: number }[];
  };
}

/** Copied out, since a FAT may keep a file in pieces. */
async function bootFiles(disk: string, place: Extent, { scratch, signal }: UnpackOptions): Promise<Entry[]> {
  const directory = await mkdtemp(join(scratch, 'boot-'));
  // The image without its directory: mtools takes "@@" in a path for the start of an offset.
  const image = `${basename(disk)}@@${place.offset}`;
  await runCommand({ argv: ['mcopy', '-s', '-Q', '-i', image, '::*', directory], cwd: dirname(disk), signal });
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return Promise.all(
    found
      .filter((one) => one.isFile())
      .map(async (one) => {
        const file = join(one.parentPath, one.name);
        const path = `${BOOT_PARTITION}:/${relative(directory, file)}`;
        return fileEntry(path, { kind: 'slice', file, offset: 0, size: (await stat(file)).size });
      }),
  );
}

/** Boot sector and tables: what is before the first cluster (Microsoft's FAT specification, section 3). */
async function fatTables(disk: string, place: Extent): Promise<Extent> {
  const file = await open(disk, 'r');
  try {
    const sector = Buffer.alloc(SECTOR);
    await file.read(sector, 0, SECTOR, place.offset);
    const sectors = sector.readUInt16LE(14) + sector.readUInt8(16) * sector.readUInt32LE(36);
    return { offset: place.offset, size: sectors * SECTOR };
  } finally {
    await file.close();
  }
}

function fileEntry(path: string, content: Content): Entry {
  return { path, type: 'file', mode: 0o644, uid: 0, gid: 0, origin: 'disk image', content };
}
