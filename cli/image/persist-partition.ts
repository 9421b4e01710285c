/**
 * The persist partition: an empty ext4 inside of a disk image. It is made small, and for growing: the device grows it to
 * the end of its medium on the first boot.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageContext } from '../stages/stage.ts';
import { type Extent, MIB } from './disk-layout.ts';
import { uuidFrom } from './identity.ts';
import { runImageTool } from './image-tool.ts';

/** Named one by one, since the defaults of mke2fs differ between machines. */
const FEATURES = [
  'none',
  ...['has_journal', 'ext_attr', 'resize_inode', 'dir_index', 'filetype', 'extent', '64bit', 'flex_bg', 'sparse_super'],
  ...['large_file', 'huge_file', 'dir_nlink', 'extra_isize', 'metadata_csum'],
];

/** A journal does not grow with the file system, so it suits a larger one than what is made here; 4 MiB is the least. */
function journalMiB(size: number): number {
  return size >= 128 * MIB ? 16 : 4;
}

export async function writePersistPartition(
  context: StageContext,
  image: string,
  place: Extent,
  identity: string,
): Promise<void> {
  // The machine's own mke2fs.conf would have a say in what is not named here.
  const settings = join(context.scratch, 'mke2fs.conf');
  await writeFile(settings, '[fs_types]\n  ext4 = {\n    inode_size = 256\n  }\n');
  const extended = [
    `offset=${place.offset}`,
    `hash_seed=${uuidFrom(identity, 'persist hash seed')}`,
    'root_owner=0:0',
    // The image is a new file, zero where nobody wrote: writing the zeros would only make it larger on this machine.
    'lazy_itable_init=1',
    'lazy_journal_init=1',
    'nodiscard',
  ];
  await runImageTool(context, {
    argv: [
      ...(['mke2fs', '-q', '-F', '-t', 'ext4', '-b', '4096', '-I', '256', '-i', '16384', '-m', '1'] as const),
      ...['-L', 'persist', '-U', uuidFrom(identity, 'persist file system'), '-J', `size=${journalMiB(place.size)}`],
      ...['-O', FEATURES.join(','), '-E', extended.join(','), image, `${place.size / 1024}k`],
    ],
    env: { MKE2FS_CONFIG: settings },
    mayWrite: 8 * MIB,
  });
}
