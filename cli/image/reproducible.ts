/**
 * Whether two builds gave the same image, and if not, where they part: the file, its first different byte, and what of
 * its content that byte belongs to. For `coracle build --check-reproducible`, and for whoever looks for the cause.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../rootfs/entry.ts';
import { firstDifference } from './compare-bytes.ts';
import { compareEntries, compareJson, type MemberDifference } from './compare-members.ts';
import { diskMembers } from './disk-members.ts';
import { initramfsMembersOf, squashfsMembersOf, type UnpackOptions } from './image-members.ts';
import { INITRAMFS_FILE } from './initramfs.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { SQUASHFS_FILE } from './squashfs.ts';

/** Where a build left its image. */
export interface ComparedImage {
  /** The slot directory. */
  readonly slot: string;
  /** The disk image. */
  readonly disk: string;
}

export interface ImageDifference {
  /** `slot/root.squashfs`, `disk.img`. */
  readonly file: string;
  /** Bytes; undefined where the file is missing. */
  readonly sizes: readonly [number | undefined, number | undefined];
  /** First byte that differs; where the shorter one ends, if that is all. */
  readonly offset: number;
  /** What differs inside, if it is a file with an inside; empty if only what is around the members differs. */
  readonly members?: readonly MemberDifference[];
  /** Why the members could not be compared. */
  readonly unreadable?: string;
}

/** An empty list: the two images are the same, byte for byte. The scratch directory is made, and removed again. */
export async function compareImages(
  first: ComparedImage,
  second: ComparedImage,
  options: UnpackOptions,
): Promise<readonly ImageDifference[]> {
  await mkdir(options.scratch, { recursive: true });
  try {
    return await differencesOf(first, second, options);
  } finally {
    await rm(options.scratch, { recursive: true, force: true });
  }
}

async function differencesOf(
  first: ComparedImage,
  second: ComparedImage,
  options: UnpackOptions,
): Promise<readonly ImageDifference[]> {
  const differences: ImageDifference[] = [];
  for (const { name, paths } of await filesOf(first, second)) {
    options.signal?.throwIfAborted();
    const found = await firstDifference(...paths);
    if (found === undefined) continue;
    const missing = found.sizes.includes(undefined);
    differences.push({ file: name, ...found, ...(missing ? {} : await insideOf(name, paths, options)) });
  }
  return differences;
}

interface ComparedFile {
  readonly name: string;
  readonly paths: readonly [string, string];
}

/** What others are made of comes first: the first difference is the nearest to the cause. */
const ORDER = ['kernel', INITRAMFS_FILE, SQUASHFS_FILE, MANIFEST_FILE];

async function filesOf(first: ComparedImage, second: ComparedImage): Promise<readonly ComparedFile[]> {
  const names = new Set([...(await readdir(first.slot)), ...(await readdir(second.slot))]);
  // Records of the stage runner, which are not part of the slot.
  const files = [...names].filter((name) => !name.startsWith('.'));
  const rank = (name: string): number => ORDER.indexOf(name);
  return [
    ...files
      .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
      .map(
        (name): ComparedFile => ({ name: `slot/${name}`, paths: [join(first.slot, name), join(second.slot, name)] }),
      ),
    { name: 'disk.img', paths: [first.disk, second.disk] },
  ];
}

type Inside = Pick<ImageDifference, 'members' | 'unreadable'>;

async function insideOf(name: string, paths: ComparedFile['paths'], options: UnpackOptions): Promise<Inside> {
  try {
    if (name === `slot/${MANIFEST_FILE}`) return { members: compareJson(...paths) };
    const read = MEMBERS.get(name);
    if (read === undefined) return {};
    return { members: compareEntries(await read(paths[0], options), await read(paths[1], options)) };
  } catch (error) {
    // A damaged image is a difference like any other, unless nobody wants to know any more.
    options.signal?.throwIfAborted();
    return { unreadable: (error as Error).message };
  }
}

type ReadMembers = (path: string, options: UnpackOptions) => Promise<readonly Entry[]>;

const MEMBERS: ReadonlyMap<string, ReadMembers> = new Map([
  [`slot/${INITRAMFS_FILE}`, initramfsMembersOf],
  [`slot/${SQUASHFS_FILE}`, squashfsMembersOf],
  ['disk.img', diskMembers],
]);

const SHOWN_MEMBERS = 20;

/** For people. @param names what to call the two builds */
export function renderDifferences(differences: readonly ImageDifference[], names: readonly [string, string]): string {
  if (differences.length === 0) return `${names[0]} and ${names[1]} are the same, byte for byte`;
  return differences.flatMap((difference) => [headline(difference, names), ...memberLines(difference)]).join('\n');
}

function headline({ file, sizes, offset }: ImageDifference, names: readonly [string, string]): string {
  const [a, b] = sizes;
  if (a === undefined || b === undefined) return `${file} is only in ${a === undefined ? names[1] : names[0]}`;
  const size = a === b ? `${a} bytes both` : `${a} and ${b} bytes`;
  return `${file} differs from byte ${offset} on (${size})`;
}

function memberLines({ members, unreadable }: ImageDifference): string[] {
  if (unreadable !== undefined) return [`  its content cannot be read: ${unreadable}`];
  if (members === undefined) return [];
  if (members.length === 0) return ['  nothing inside differs that can be named: times, order or packing do'];
  const shown = members.slice(0, SHOWN_MEMBERS).map(({ path, what }) => `  ${path}: ${what}`);
  const rest = members.length - shown.length;
  return rest > 0 ? [...shown, `  and ${rest} more`] : shown;
}
