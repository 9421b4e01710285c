import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BuiltFixture, buildFixture, fixtureTree } from './image-fixture.ts';
import { type ComparedImage, compareImages, renderDifferences } from './reproducible.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle compare @@ '));
afterAll(() => rmSync(directory, { recursive: true }));

let image: BuiltFixture;
beforeAll(async () => {
  image = await buildFixture({ workspace: join(directory, 'first') });
}, 60_000);

let count = 0;
async function compare(first: ComparedImage, second: ComparedImage) {
  count += 1;
  const scratch = join(directory, `scratch-${count}`);
  return compareImages(first, second, { scratch });
}

it('finds nothing between two builds', async () => {
  const second = await buildFixture({ workspace: join(directory, 'the second') });
  const differences = await compare(image, second);
  expect(differences).toEqual([]);
  expect(renderDifferences(differences, ['one', 'the other'])).toMatch(/^one and the other are the same/);
}, 60_000);

it('names the files of the root that differ, and how', async () => {
  const tree = fixtureTree();
  tree.addFile('/usr/lib/large', Buffer.alloc(700_000, 'coracle ').fill('!', 650_000, 650_001), { origin: 'x' });
  tree.addFile('/sbin/init', '#!/bin/sh\n', { origin: 'x', mode: 0o700, uid: 7 });
  tree.addLink('/bin/sh', 'dash', { origin: 'x' });
  tree.remove('/empty');
  tree.addFile('/new', '', { origin: 'x' });
  const second = await buildFixture({ workspace: join(directory, 'root differs'), tree });
  const differences = await compare(image, second);
  expect(differences.map(({ file }) => file)).toEqual(['slot/root.squashfs', 'slot/manifest.json', 'disk.img']);
  expect(differences[0]?.members).toEqual([
    { path: '/bin/sh', what: 'link to ../usr/bin/sh and to dash' },
    { path: '/empty', what: 'only in the first' },
    { path: '/new', what: 'only in the second' },
    { path: '/sbin/init', what: 'mode 755 and 700' },
    { path: '/sbin/init', what: 'owner 0:0 and 7:0' },
    { path: '/usr/lib/large', what: 'content from byte 650000 on' },
    { path: '/usr/lib/same', what: 'hardlink and file' },
  ]);
  expect(differences[1]?.members?.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['version', 'files[2].sha256', 'verity.rootHash']),
  );
  expect(differences[2]?.members?.map(({ path }) => path)).toContain('partition table');
  expect(renderDifferences(differences, ['one', 'two'])).toMatch(
    /^slot\/root\.squashfs differs from byte \d+ on .*\n {2}\/bin\/sh: link to/,
  );
}, 60_000);

it('says where files differ that have nothing inside, and which is missing', async () => {
  const slot = join(directory, 'copy');
  cpSync(image.slot, slot, { recursive: true });
  const kernel = readFileSync(join(slot, 'kernel'));
  kernel[1234] = 0;
  writeFileSync(join(slot, 'kernel'), kernel);
  rmSync(join(slot, 'initramfs'));
  truncateSync(join(slot, 'root.squashfs'), 300);
  writeFileSync(join(slot, 'extra'), '');
  const differences = await compare(image, { slot, disk: image.disk });
  expect(renderDifferences(differences, ['one', 'two'])).toBe(
    [
      'slot/extra is only in two',
      'slot/kernel differs from byte 1234 on (300000 bytes both)',
      'slot/initramfs is only in one',
      `slot/root.squashfs differs from byte 300 on (${statSync(image.squashfs).size} and 300 bytes)`,
      '  its content cannot be read: sqfs2tar ended with exit code 1',
    ].join('\n'),
  );
});

it('tells which part of a disk image differs', async () => {
  const disk = join(directory, 'other.img');
  copyFileSync(image.disk, disk);
  const file = await open(disk, 'r+');
  await file.write('x', 70 * 2 ** 20);
  await file.close();
  const [difference] = await compare(image, { slot: image.slot, disk });
  expect(difference).toMatchObject({ file: 'disk.img', offset: 70 * 2 ** 20 });
  expect(difference?.members).toEqual([{ path: 'coracle-persist', what: `content from byte ${5 * 2 ** 20} on` }]);
});
