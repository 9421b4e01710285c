import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeTree } from '../../../../test/support/files.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import { buildPlaces } from '../build-places.ts';
import { namedFiles } from './facts.ts';

test('a directory that a value names is told by what is in it, near or below the tree', () => {
  // Buildroot's lists end at a blank, which other tests' directories have.
  const base = mkdtempSync(join(tmpdir(), 'coracle-facts-'));
  onTestFinished(() => rmSync(base, { recursive: true }));
  writeTree(base, { 'tree/board/x.config': 'A', 'own/etc/motd': 'hello' });
  const value = (text: string) => ({ kind: 'string', value: text }) as const;
  const values = [
    ['BR2_ROOTFS_OVERLAY', value(join(base, 'own'))],
    ['BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE', value('board/x.config')],
    ['BR2_TARGET_GENERIC_ISSUE', value('no/such/file')],
  ] as const;
  const look = () =>
    namedFiles(values, { tree: join(base, 'tree'), places: buildPlaces(join(base, 'w')), hashes: new FileHashes() });
  const before = look();
  expect([...before.keys()]).toEqual(['BR2_ROOTFS_OVERLAY', 'BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE']);
  writeFileSync(join(base, 'own/etc/motd'), 'hallo');
  const after = look();
  expect([...after].filter(([symbol, hash]) => before.get(symbol) !== hash).map(([symbol]) => symbol)).toEqual([
    'BR2_ROOTFS_OVERLAY',
  ]);
});
