import { expect, it } from 'vitest';
import { treeOf } from '../support/files.ts';
import { type ArchiveFile, addSources, placeInMirror, wantedFiles } from './debian-sources.ts';

const ONE = '1'.repeat(64);
const TWO = '2'.repeat(64);

it('reads what a tree downloads from its .hash files', () => {
  const hashes = `# From a signed mail\nsha512  ${ONE}  small-1.tar.xz\nsha256  ${ONE}  small-1.tar.xz\nsha256 ${TWO} LICENSE\n`;
  const tree = treeOf({ 'package/small/small.hash': hashes, 'boot/b/b.mk': '', 'linux/l': '', 'toolchain/t': '' });
  const wanted = wantedFiles(tree);
  expect(wanted.map(placeInMirror)).toEqual(['small/small-1.tar.xz', 'small/LICENSE']);
  expect(wanted[0]).toEqual({ package: 'small', name: 'small-1.tar.xz', sha256: ONE });
});

it('finds files of source packages by their hash, wherever the fields stand', () => {
  const index = [
    `Package: a\nChecksums-Sha256:\n ${ONE} 12 a_1.orig.tar.xz\n ${TWO} 3 a_1-1.dsc\nDirectory: pool/main/a/a\n`,
    `Package: b\nDirectory: pool/main/b/b\nFiles:\n 0123 9 b.tar\nChecksums-Sha256:\n ${ONE} 12 b_1.orig.tar.xz\nBinary: b\n`,
  ].join('\n');
  const known = new Map<string, ArchiveFile>();
  addSources(index, known);
  expect(known.get(ONE)).toEqual({ path: 'pool/main/a/a/a_1.orig.tar.xz', size: 12 });
  expect(known.get(TWO)?.path).toBe('pool/main/a/a/a_1-1.dsc');
});
