/**
 * Writes and reads cpio archives in the "newc" form, the one that the kernel unpacks (Documentation/driver-api/early-userspace/
 * buffer-format.rst). The same members give the same bytes: numbered in order, one time, owned by root.
 */
import { IMAGE_TIME } from '../rootfs/image-time.ts';

export type CpioMember =
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | {
      readonly type: 'device';
      readonly device: 'char';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const TYPE_BITS = { directory: 0o040000, file: 0o100000, device: 0o020000 } as const;
const TYPE_MASK = 0o170000;
/** Magic and thirteen fields of eight digits. */
const HEADER = 110;
const TRAILER = 'TRAILER!!!';
/** What the kernel pads whole archives to. */
const BLOCK = 512;

/** @param members in the order in which they are unpacked: a directory before what it holds. Paths have no leading `/`. */
export function writeCpio(members: readonly CpioMember[]): Buffer {
  const parts: Uint8Array[] = [];
  let size = 0;
  const add = (bytes: Uint8Array, alignment: number): void => {
    parts.push(bytes);
    size += bytes.length;
    const gap = (alignment - (size % alignment)) % alignment;
    parts.push(Buffer.alloc(gap));
    size += gap;
  };
  for (const [index, member] of members.entries()) {
    const data = member.type === 'file' ? member.data : new Uint8Array();
    const node = member.type === 'device' ? ([member.major, member.minor] as const) : NO_DEVICE;
    add(header(index + 1, member.path, TYPE_BITS[member.type] | member.mode, data.length, node), 4);
    add(data, 4);
  }
  add(header(0, TRAILER, 0, 0), BLOCK);
  return Buffer.concat(parts, size);
}

const NO_DEVICE = [0, 0] as const;

/** @param node numbers of the device that the member is */
function header(
  inode: number,
  path: string,
  mode: number,
  size: number,
  node: readonly [number, number] = NO_DEVICE,
): Buffer {
  const name = Buffer.from(`${path}\0`);
  const links = mode === 0 || (mode & TYPE_BITS.directory) === 0 ? 1 : 2;
  const owner = 0;
  const time = mode === 0 ? 0 : IMAGE_TIME;
  const device = 0;
  const checksum = 0;
  const fields = [inode, mode, owner, owner, links, time, size, device, device, ...node, name.length, checksum];
  const text = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  return Buffer.concat([Buffer.from(`070701${text}`), name]);
}

/** The members of an archive that {@link writeCpio} wrote; what it does not write is left out. */
export function readCpio(archive: Buffer): readonly CpioMember[] {
  const members: CpioMember[] = [];
  const aligned = (at: number): number => Math.ceil(at / 4) * 4;
  for (let at = 0; at + HEADER <= archive.length; ) {
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [mode, size, major, minor, nameLength] = [field(1), field(6), field(9), field(10), field(11)];
    const path = archive.toString('utf8', at + HEADER, at + HEADER + nameLength - 1);
    if (path === TRAILER) break;
    const data = aligned(at + HEADER + nameLength);
    const common = { path, mode: mode & 0o7777 };
    if ((mode & TYPE_MASK) === TYPE_BITS.directory) members.push({ ...common, type: 'directory' });
    if ((mode & TYPE_MASK) === TYPE_BITS.device)
      members.push({ ...common, type: 'device', device: 'char', major, minor });
    if ((mode & TYPE_MASK) === TYPE_BITS.file) {
      members.push({ ...common, type: 'file', data: archive.subarray(data, data + size) });
    }
    at = aligned(data + size);
  }
  return members;
}
