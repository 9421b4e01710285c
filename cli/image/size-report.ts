/**
 * What takes the room in an image. What a file takes in root.squashfs cannot be read off, since small files share blocks;
 * so what belongs together is compressed together, quickly, and the results are scaled to the size that there is.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import { ContentReader, contentSize } from '../rootfs/content.ts';
import type { RootTree } from '../rootfs/tree.ts';
import type { FileFacts } from './file-facts.ts';
import type { Verity } from './verity.ts';

export interface SizeRow {
  /** `package podman`, `/usr/lib`, `/usr/bin/podman`. */
  readonly name: string;
  readonly files: number;
  /** Bytes as files. */
  readonly unpacked: number;
  /** Bytes in root.squashfs, estimated. */
  readonly packed: number;
}

export interface SizeReport {
  /** Files of the slot. */
  readonly slot: readonly { readonly path: string; readonly size: number }[];
  /** Of root.squashfs; its hash tree is `verity` bytes more. */
  readonly root: Omit<SizeRow, 'name'> & { readonly verity: number };
  /** By package, layer and effect, the largest in root.squashfs first. */
  readonly origins: readonly SizeRow[];
  readonly directories: readonly SizeRow[];
  readonly largest: readonly SizeRow[];
}

/** Directories are told apart to this depth: `/usr/lib/modules`. */
const DEPTH = 3;
const LARGEST = 50;

/** What of a manifest is measured. */
interface MeasuredManifest {
  readonly files: readonly Pick<FileFacts, 'path' | 'size'>[];
  readonly verity: Pick<Verity, 'file' | 'hashOffset'>;
}

/** @param tree the root that root.squashfs was made of */
export function measureImage(tree: RootTree, manifest: MeasuredManifest): SizeReport {
  const data = manifest.verity.hashOffset;
  const files = scaleTo(data, measureFiles(tree));
  const rootFile = manifest.files.find(({ path }) => path === manifest.verity.file);
  return {
    slot: manifest.files.map(({ path, size }) => ({ path, size })),
    root: { ...sumOf(files), packed: data, verity: (rootFile?.size ?? data) - data },
    origins: grouped(files, (file) => file.origin),
    directories: grouped(files, (file) => directoryOf(file.path)),
    largest: largestFirst(files.map((file) => ({ name: file.path, ...sumOf([file]) }))).slice(0, LARGEST),
  };
}

/** Bytes of one file; `packed` may be a fraction. */
interface MeasuredFile {
  readonly path: string;
  readonly origin: string;
  readonly unpacked: number;
  readonly packed: number;
}

function scaleTo(size: number, files: readonly MeasuredFile[]): readonly MeasuredFile[] {
  const estimated = files.reduce((sum, file) => sum + file.packed, 0);
  return files.map((file) => ({ ...file, packed: (file.packed * size) / Math.max(estimated, 1) }));
}

/** As many bytes as a block of root.squashfs has. */
const BLOCK = 256 * 1024;
/** Fast; only the proportions matter. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Small files of one origin are compressed together and share the result by size; large ones by themselves. */
function measureFiles(tree: RootTree): readonly MeasuredFile[] {
  using reader = new ContentReader();
  const measured: MeasuredFile[] = [];
  const small = new Map<string, { readonly path: string; readonly data: Buffer }[]>();
  for (const entry of tree.entries()) {
    if (entry.type !== 'file') continue;
    const { path, origin, content } = entry;
    const unpacked = contentSize(content);
    if (unpacked < BLOCK) {
      const group = small.get(origin) ?? [];
      group.push({ path, data: reader.read(content, 0, unpacked) });
      small.set(origin, group);
      continue;
    }
    let packed = 0;
    for (let at = 0; at < unpacked; at += BLOCK) {
      packed += compressedSize(reader.read(content, at, Math.min(BLOCK, unpacked - at)));
    }
    measured.push({ path, origin, unpacked, packed });
  }
  for (const [origin, group] of small) measured.push(...measureTogether(origin, group));
  return measured;
}

function measureTogether(
  origin: string,
  group: readonly { readonly path: string; readonly data: Buffer }[],
): MeasuredFile[] {
  const together = Buffer.concat(group.map(({ data }) => data));
  let packed = 0;
  for (let at = 0; at < together.length; at += BLOCK) packed += compressedSize(together.subarray(at, at + BLOCK));
  const share = together.length === 0 ? 0 : packed / together.length;
  return group.map(({ path, data }) => ({ path, origin, unpacked: data.length, packed: data.length * share }));
}

function compressedSize(data: Buffer): number {
  return Math.min(data.length, zstdCompressSync(data, COMPRESSION).length);
}

function grouped(files: readonly MeasuredFile[], nameOf: (file: MeasuredFile) => string): readonly SizeRow[] {
  const groups = new Map<string, MeasuredFile[]>();
  for (const file of files) {
    const name = nameOf(file);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [file]);
    else group.push(file);
  }
  return largestFirst([...groups].map(([name, group]) => ({ name, ...sumOf(group) })));
}

function sumOf(files: readonly MeasuredFile[]): Omit<SizeRow, 'name'> {
  return {
    files: files.length,
    unpacked: files.reduce((sum, file) => sum + file.unpacked, 0),
    packed: Math.round(files.reduce((sum, file) => sum + file.packed, 0)),
  };
}

function largestFirst(rows: readonly SizeRow[]): readonly SizeRow[] {
  return rows.toSorted((a, b) => b.packed - a.packed || (a.name < b.name ? -1 : 1));
}

function directoryOf(path: string): string {
  const parts = path.split('/').slice(1, -1).slice(0, DEPTH);
  return `/${parts.join('/')}`;
}
