import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../test/support/files.ts';
import { RootTree } from './tree.ts';
import { treeDigest } from './tree-digest.ts';

const base = { origin: 'a' };

function sample(change?: (tree: RootTree) => void): string {
  const tree = new RootTree();
  tree.addFile('/etc/x', 'content', base);
  tree.addLink('/l', 'etc/x', base);
  tree.addDirectory('/d', base);
  change?.(tree);
  return treeDigest(tree);
}

test.each<[string, (tree: RootTree) => void]>([
  ['a content', (tree) => tree.addFile('/etc/x', 'contenT', base)],
  ['a mode', (tree) => tree.setMetadata('/etc/x', { mode: 0o600 })],
  ['an owner', (tree) => tree.setMetadata('/d', { uid: 1 })],
  ['a group', (tree) => tree.setMetadata('/l', { gid: 1 })],
  ['a target', (tree) => tree.addLink('/l', 'etc/y', base)],
  ['an attribute', (tree) => tree.setMetadata('/etc/x', { xattrs: { a: Buffer.from('b') } })],
  ['an empty directory', (tree) => tree.addDirectory('/e', base)],
  ['a name', (tree) => tree.remove('/d') && tree.addDirectory('/D', base)],
  [
    'a hard link in place of a copy',
    (tree) => tree.put({ path: '/h', type: 'hardlink', target: '/etc/x', mode: 0, uid: 0, gid: 0, ...base }),
  ],
])('changes with %s', (_, change) => {
  expect(sample(change)).not.toBe(sample());
});

test('does not depend on who put it, in which order, or where the content is', () => {
  const file = join(temporaryDirectory(), 'f');
  writeFileSync(file, '__content__');
  const tree = new RootTree('another');
  tree.addDirectory('/d', { origin: 'z' });
  tree.addLink('/l', 'etc/x', base);
  const content = { kind: 'slice', file, offset: 2, size: 7 } as const;
  tree.put({ path: '/etc/x', type: 'file', mode: 0o644, uid: 0, gid: 0, origin: 'y', content });
  expect(treeDigest(tree)).toBe(sample());
});
