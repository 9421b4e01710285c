/**
 * The boot partition: a FAT32 file system inside of a disk image, written by dosfstools and mtools, which need neither
 * root nor a loop device. Files go in sorted, one after the other, with one time, so the same files give the same bytes.
 */
import { stat } from 'node:fs/promises';
import { Failure } from '../failure.ts';
import { sha256 } from '../host/files.ts';
import type { StageContext } from '../stages/stage.ts';
import { type Extent, MIB, SECTOR } from './disk-layout.ts';
import { runImageTool } from './image-tool.ts';

export interface BootPartitionFile {
  /** On the partition, `loader/loader.conf`. */
  readonly path: string;
  /** On this machine. */
  readonly file: string;
}

/** Below this number of clusters a file system is FAT16, whatever it calls itself. */
const FAT32_CLUSTERS = 65_525;
const RESERVED_SECTORS = 32;
/** Clusters that mkfs.vfat may lose by aligning the tables to whole clusters. */
const ALIGNMENT = 16;
const MAX_CLUSTER_SECTORS = 8;

/** What room there is for files, and in which units it is given out. Bytes. */
export interface FatGeometry {
  readonly cluster: number;
  readonly capacity: number;
}

/** The largest clusters, up to 4 KiB, with which a partition of this size is FAT32. @throws Failure `boot-partition-too-small` */
export function fatGeometry(size: number): FatGeometry {
  const sectors = size / SECTOR;
  for (let perCluster = MAX_CLUSTER_SECTORS; perCluster >= 1; perCluster /= 2) {
    // Two tables of four bytes a cluster; that they shrink the data area a little is on the safe side.
    const tables = 2 * Math.ceil((sectors / perCluster) * (4 / SECTOR) + 1);
    const clusters = Math.floor((sectors - RESERVED_SECTORS - tables) / perCluster) - ALIGNMENT;
    if (clusters >= FAT32_CLUSTERS) {
      return { cluster: perCluster * SECTOR, capacity: clusters * perCluster * SECTOR };
    }
  }
  throw new Failure({
    code: 'boot-partition-too-small',
    message: `a boot partition of ${size / MIB} MiB is too small for FAT32`,
    hint: 'set bootPartitionMiB of the workspace to 33 or more',
  });
}

/** Bytes that files take, with their directories. */
export async function roomNeeded(files: readonly BootPartitionFile[], cluster: number): Promise<number> {
  const sizes = await Promise.all(files.map(async ({ file }) => (await stat(file)).size));
  const directories = 1 + directoriesOf(files).length;
  return [...sizes.map((size) => Math.ceil(size / cluster) * cluster), directories * cluster].reduce((a, b) => a + b);
}

/** Makes the file system at its place in the image. */
export async function writeBootPartition(
  context: StageContext,
  image: string,
  place: Extent,
  files: readonly BootPartitionFile[],
  identity: string,
): Promise<void> {
  const { cluster } = fatGeometry(place.size);
  const mayWrite = (await roomNeeded(files, cluster)) + 8 * MIB;
  await runImageTool(context, {
    argv: [
      ...(['mkfs.vfat', '--invariant', '-F', '32', '-n', 'CORACLE', '-i', sha256(identity).slice(0, 8)] as const),
      ...['-S', `${SECTOR}`, '-s', `${cluster / SECTOR}`, '-R', `${RESERVED_SECTORS}`],
      ...['-h', `${place.offset / SECTOR}`, '--offset', `${place.offset / SECTOR}`, image, `${place.size / 1024}`],
    ],
    mayWrite,
  });
  const inside = ['-i', `${image}@@${place.offset}`] as const;
  const directories = directoriesOf(files);
  if (directories.length > 0) {
    await runImageTool(context, { argv: ['mmd', ...inside, ...directories.map((path) => `::${path}`)], mayWrite });
  }
  for (const { path, file } of sorted(files)) {
    await runImageTool(context, { argv: ['mcopy', ...inside, file, `::${path}`], mayWrite });
  }
}

function sorted(files: readonly BootPartitionFile[]): readonly BootPartitionFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Every directory that a file is in, parents first. */
function directoriesOf(files: readonly BootPartitionFile[]): string[] {
  const found = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) found.add(parts.slice(0, depth).join('/'));
  }
  return [...found].sort();
}
