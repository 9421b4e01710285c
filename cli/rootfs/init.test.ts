import { expect, test } from 'vitest';
import { failuresOf } from '../../test/support/files.ts';
import { checkInit } from './init.ts';
import { RootTree } from './tree.ts';

const by = (name: string) => ({ origin: `package ${name}` });

/** A root with /sbin as a link, a program, and what `change` makes of it. */
function rootOf(change: (tree: RootTree) => void): RootTree {
  const tree = new RootTree();
  tree.addLink('/sbin', 'usr/sbin', by('base-files'));
  tree.addDirectory('/usr/sbin', by('base-files'));
  tree.addFile('/usr/lib/systemd/systemd', 'a program', { ...by('systemd'), mode: 0o755 });
  change(tree);
  return tree;
}

test.each<[string, (tree: RootTree) => void]>([
  ['a program', (tree) => tree.addFile('/usr/sbin/init', '#!/bin/sh\n', { ...by('x'), mode: 0o755 })],
  ['a relative link', (tree) => tree.addLink('/usr/sbin/init', '../lib/systemd/systemd', by('x'))],
  [
    'a link through links',
    (tree) => {
      tree.addLink('/lib', 'usr/lib', by('x'));
      tree.addLink('/usr/sbin/init', '/usr/sbin/first', by('x'));
      tree.addLink('/usr/sbin/first', '/lib/systemd/systemd', by('x'));
    },
  ],
  [
    'a hard link',
    (tree) => {
      const target = '/usr/lib/systemd/systemd';
      tree.put({ path: '/usr/sbin/init', type: 'hardlink', target, mode: 0o755, uid: 0, gid: 0, ...by('x') });
    },
  ],
])('an init is %s', (_, change) => {
  expect(() => checkInit(rootOf(change))).not.toThrow();
});

const FROM = '/sbin/init (package x)';
test.each<[string, (tree: RootTree) => void]>([
  ['it has no /sbin/init', () => undefined],
  ['it has no /sbin/init', (tree) => tree.remove('/usr')],
  ['it has no /sbin/init', (tree) => tree.remove('/sbin')],
  [
    `${FROM} is a link to /lib/systemd, which is not there`,
    (tree) => tree.addLink('/usr/sbin/init', '/lib/systemd', by('x')),
  ],
  [`${FROM} is a link to init, which is not there`, (tree) => tree.addLink('/usr/sbin/init', 'init', by('x'))],
  [
    `${FROM} is a link to ../../../x, which is not there`,
    (tree) => tree.addLink('/usr/sbin/init', '../../../x', by('x')),
  ],
  [
    `${FROM} is a link to ../lib/systemd, which is a directory, not a program`,
    (tree) => tree.addLink('/usr/sbin/init', '../lib/systemd', by('x')),
  ],
  [`${FROM} is not executable`, (tree) => tree.addFile('/usr/sbin/init', '#!/bin/sh\n', by('x'))],
  [
    `${FROM} is a link to ../lib/systemd/systemd, which is not executable`,
    (tree) => {
      tree.addLink('/usr/sbin/init', '../lib/systemd/systemd', by('x'));
      tree.setMetadata('/usr/lib/systemd/systemd', { mode: 0o644 });
    },
  ],
])('%s', async (problem, change) => {
  const [failure] = await failuresOf(() => checkInit(rootOf(change)));
  expect(failure).toMatchObject({
    code: 'no-init',
    message: `the root cannot boot: ${problem}`,
    hint: expect.stringMatching(/base\/systemd or base\/mini.*hook/) as string,
  });
});
