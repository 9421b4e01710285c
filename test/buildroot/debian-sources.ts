/**
 * Which of the files that a Buildroot tree downloads are byte-identical to one of a Debian source package: the SHA-256
 * in a `.hash` file of the tree is also in an index of Debian's archive (`Sources`, see deb-src-control(5)).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** A file that a package of the tree downloads. */
export interface WantedFile {
  /** Name of Buildroot's package, which is also where a mirror has its files. */
  readonly package: string;
  readonly name: string;
  readonly sha256: string;
}

/** The same bytes in Debian's archive. */
export interface ArchiveFile {
  /** Below the mirror, e.g. `pool/main/b/busybox/busybox_1.37.0.orig.tar.bz2`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Every line `sha256 HASH NAME` of the tree's .hash files; licence texts are among them, and never match. */
export function wantedFiles(tree: string): readonly WantedFile[] {
  const wanted = new Map<string, WantedFile>();
  for (const top of ['package', 'boot', 'linux', 'toolchain']) {
    for (const file of readdirSync(join(tree, top), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.hash')) continue;
      const name = basename(file, '.hash');
      for (const line of readFileSync(join(tree, top, file), 'utf8').split('\n')) {
        const [kind, hash = '', download = ''] = line.trim().split(/\s+/);
        if (kind === 'sha256') wanted.set(`${name}/${download}`, { package: name, name: download, sha256: hash });
      }
    }
  }
  return [...wanted.values()];
}

/** Reads an index, of some 60 MB, into what is known already. */
export function addSources(index: string, known: Map<string, ArchiveFile>): void {
  for (const paragraph of index.split('\n\n')) {
    const directory = /^Directory: (.+)$/m.exec(paragraph)?.[1];
    const files = /^Checksums-Sha256:\s*\n((?: .+\n?)+)/m.exec(paragraph)?.[1];
    if (directory === undefined || files === undefined) continue;
    for (const [, hash = '', size, name] of files.matchAll(/^ ([0-9a-f]{64}) (\d+) (\S+)$/gm)) {
      if (!known.has(hash)) known.set(hash, { path: `${directory}/${name}`, size: Number(size) });
    }
  }
}

/** Where a mirror that BR2_PRIMARY_SITE names has a file. */
export function placeInMirror({ package: name, name: file }: WantedFile): string {
  return join(name, file);
}

/** The release of a tree, for people. */
export function releaseOf(tree: string): string {
  const version = /^export BR2_VERSION := (\S+)$/m.exec(readFileSync(join(tree, 'Makefile'), 'utf8'))?.[1];
  return version ?? relative(dirname(tree), tree);
}
