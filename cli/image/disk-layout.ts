/** Where the partitions of a disk image are: pure arithmetic, and the partition table as sfdisk reads it. */
import { uuidFrom } from './identity.ts';

export const MIB = 2 ** 20;
export const SECTOR = 512;

/** GPT names: how coracle-init finds partitions (docs/boot.md). */
export const BOOT_PARTITION = 'coracle-boot';
export const PERSIST_PARTITION = 'coracle-persist';

const EFI_SYSTEM_PARTITION = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
const LINUX_FILE_SYSTEM = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';

/** Bytes. */
export interface Extent {
  readonly offset: number;
  readonly size: number;
}

export interface DiskLayout {
  readonly boot: Extent;
  /** Last, so that it can grow to the end of the medium. */
  readonly persist: Extent;
  /** Bytes of the whole disk. */
  readonly size: number;
}

export function diskLayout(sizes: { readonly bootMiB: number; readonly persistMiB: number }): DiskLayout {
  // The table itself needs 17 KiB at either end; whole MiB suit the erase blocks of flash media.
  const boot = { offset: MIB, size: sizes.bootMiB * MIB };
  const persist = { offset: boot.offset + boot.size, size: sizes.persistMiB * MIB };
  return { boot, persist, size: persist.offset + persist.size + MIB };
}

/** @param identity what the image's identifiers follow from */
export function partitionTable(layout: DiskLayout, identity: string): string {
  const line = (extent: Extent, type: string, name: string): string =>
    [
      `start=${extent.offset / SECTOR}`,
      `size=${extent.size / SECTOR}`,
      `type=${type}`,
      `uuid=${uuidFrom(identity, name)}`,
      `name="${name}"`,
    ].join(', ');
  return [
    'label: gpt',
    `label-id: ${uuidFrom(identity, 'disk')}`,
    'unit: sectors',
    '',
    line(layout.boot, EFI_SYSTEM_PARTITION, BOOT_PARTITION),
    line(layout.persist, LINUX_FILE_SYSTEM, PERSIST_PARTITION),
    '',
  ].join('\n');
}
