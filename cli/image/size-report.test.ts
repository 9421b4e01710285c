import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { RootTree } from '../rootfs/tree.ts';
import type { Manifest } from './manifest.ts';
import { measureImage } from './size-report.ts';

const DATA = 1_000_000;
const manifest = {
  files: [
    { path: 'kernel', size: 10, sha256: '' },
    { path: 'root.squashfs', size: DATA + 8192, sha256: '' },
  ],
  verity: { file: 'root.squashfs', hashOffset: DATA },
} as unknown as Manifest;

function tree(): RootTree {
  const root = new RootTree();
  root.addFile('/usr/lib/a/b/deep', randomBytes(600_000), { origin: 'package noise' });
  root.addFile('/usr/lib/zeros', Buffer.alloc(5_000_000), { origin: 'package zeros' });
  for (let i = 0; i < 50; i += 1) root.addFile(`/etc/${i}`, randomBytes(1000), { origin: 'layer many/small' });
  root.addFile('/empty', '', { origin: 'layer many/small' });
  root.addLink('/link', 'etc', { origin: 'x' });
  return root;
}

it('the parts add up to root.squashfs', () => {
  const { root, origins, directories, slot } = measureImage(tree(), manifest);
  expect(root).toEqual({ files: 53, unpacked: 5_650_000, packed: DATA, verity: 8192 });
  expect(slot).toEqual([
    { path: 'kernel', size: 10 },
    { path: 'root.squashfs', size: DATA + 8192 },
  ]);
  for (const rows of [origins, directories]) {
    expect(rows.reduce((sum, row) => sum + row.files, 0)).toBe(53);
    expect(Math.abs(rows.reduce((sum, row) => sum + row.packed, 0) - DATA)).toBeLessThan(10);
  }
});

it('tells what compresses from what does not, and names the largest first', () => {
  const { origins, directories, largest } = measureImage(tree(), manifest);
  expect(origins.map(({ name }) => name)).toEqual(['package noise', 'layer many/small', 'package zeros']);
  expect(origins[2]).toMatchObject({ unpacked: 5_000_000 });
  expect(origins[2]?.packed).toBeLessThan(2_000);
  expect(directories.map(({ name }) => name)).toEqual(['/usr/lib/a', '/etc', '/usr/lib', '/']);
  expect(largest[0]).toMatchObject({ name: '/usr/lib/a/b/deep', unpacked: 600_000 });
});

it('an empty root is no trouble', () => {
  expect(measureImage(new RootTree(), manifest)).toMatchObject({ root: { files: 0, unpacked: 0 }, origins: [] });
});
