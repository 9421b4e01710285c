/** What is in a root.squashfs and in an initramfs, as entries: for comparing and for measuring. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { sha256 } from '../host/files.ts';
import { runCommand } from '../host/process.ts';
import type { Entry } from '../rootfs/entry.ts';
import { readTarEntries } from '../rootfs/tar-entries.ts';
import { readCpio } from './cpio.ts';

export interface UnpackOptions {
  /** Directory for what has to be unpacked. */
  readonly scratch: string;
  readonly signal?: AbortSignal;
}

/** The contents are slices of a tar in the scratch directory. */
export async function squashfsMembersOf(path: string, { scratch, signal }: UnpackOptions): Promise<readonly Entry[]> {
  const tar = join(scratch, `${sha256(path).slice(0, 16)}.tar`);
  await runCommand({ argv: ['sqfs2tar', '--no-skip', path], cwd: scratch, stdout: { file: tar }, signal });
  return readTarEntries(tar, path);
}

export async function initramfsMembersOf(path: string): Promise<readonly Entry[]> {
  const owned = { uid: 0, gid: 0, origin: path };
  return readCpio(await promisify(zstdDecompress)(await readFile(path))).map((member): Entry => {
    const { type, mode } = member;
    const common = { ...owned, path: `/${member.path}`, mode };
    if (type === 'directory') return { ...common, type };
    if (type === 'device') return { ...member, ...common };
    return { ...common, type, content: { kind: 'bytes', data: member.data } };
  });
}
