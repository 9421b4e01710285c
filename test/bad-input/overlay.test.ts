/** Overlays and templates that would write where they must not, or cannot: nothing outside of the root is touched. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTreeIndex } from '../../cli/rootfs/tree-index.ts';
import { coracle } from '../support/coracle.ts';
import { type Tree, temporaryDirectory, treeOf, writeTree } from '../support/files.ts';
import { expectRefused, listing, TALK } from '../support/refused.ts';
import { builtProject, CACHE, SMALL } from '../support/small-project.ts';

const copyOfBuilt = builtProject();
const OVERLAY = 'layers/my/app/root_overlay';

const REFUSED: readonly (readonly [string, Tree, readonly string[]])[] = [
  [
    'a link with more .. than there are directories',
    {
      [`${OVERLAY}/srv/up`]: { link: '../../../../../../etc' },
      'overrides/root_overlay/srv/up/stolen': 'x\n',
    },
    [`at ${OVERLAY}/srv/up`, 'climbs above /', 'layer: my/app'],
  ],
  [
    'links in a circle',
    {
      [`${OVERLAY}/srv/a`]: { link: 'b' },
      [`${OVERLAY}/srv/b`]: { link: 'a' },
      'overrides/root_overlay/srv/a/x': 'x\n',
    },
    ['/srv/a', 'overrides'],
  ],
  ['a directory in the place of a file', { [`${OVERLAY}/etc/passwd/x`]: 'x\n' }, ['/etc/passwd', 'layer: my/app']],
  ['a file in the place of a directory', { [`${OVERLAY}/usr/bin`]: 'x\n' }, ['/usr/bin', 'layer: my/app']],
  [
    'a file in the place of the link /lib of the merged /usr',
    { [`${OVERLAY}/lib`]: 'x\n' },
    ['/lib', '/usr/lib', `at ${OVERLAY}/lib`, 'layer: my/app'],
  ],
  [
    'a template with a value that nobody gives',
    { [`${OVERLAY}/etc/lamp.hbs`]: 'one\nhost={{hostnam}}\n' },
    [`at ${OVERLAY}/etc/lamp.hbs:2`, 'hostnam', 'layer: my/app'],
  ],
  [
    'a template that is not closed',
    { [`${OVERLAY}/etc/lamp.hbs`]: 'one\ntwo\n{{#if workspace}}\n' },
    [`at ${OVERLAY}/etc/lamp.hbs:`, 'layer: my/app'],
  ],
  [
    'a users table with a line that is none',
    { 'layers/my/app/users/lamp': '# lamp\nlamp -1 lamp\n' },
    ['at layers/my/app/users/lamp:2', 'layer: my/app'],
  ],
];

describe('a build is refused for', () => {
  test.for(REFUSED)('%s', async ([_, tree, words], context) => {
    const project = writeTree(copyOfBuilt(context), tree);
    const before = listing(project, TALK);
    expectRefused(await coracle(project, ['build', 'small', '--offline'], CACHE), [
      ...words,
      'log: workspaces/small/logs/root.log',
    ]);
    expect(listing(project, TALK)).toEqual(before);
  });

  test.each([`${OVERLAY}/etc/fifo`, 'layers/my/app/kernel/fifo', 'layers/my/app/users/fifo'])(
    'a FIFO, which is not waited for: %s',
    async (fifo) => {
      const project = treeOf({ ...SMALL, 'layers/my/app/kernel/': '', 'layers/my/app/users/': '' });
      execFileSync('mkfifo', [join(project, fifo)]);
      expectRefused(await coracle(project, ['build', 'small', '--offline'], CACHE), [`at ${fifo}`, 'layer: my/app']);
    },
  );

  test('a layer.yaml that is a FIFO or a directory', async () => {
    const file = 'layers/my/app/layer.yaml';
    const { [file]: _, ...rest } = SMALL;
    const project = treeOf(rest);
    execFileSync('mkfifo', [join(project, file)]);
    expectRefused(await coracle(project, ['build', 'small'], CACHE), [`at ${file}`, 'not a file', 'layer: my/app']);
    rmSync(join(project, file));
    mkdirSync(join(project, file));
    expectRefused(await coracle(project, ['build', 'small'], CACHE), [`at ${file}`, 'layer: my/app']);
  });
});

test('a mode that an overlay cannot give a file is told, unless a hook gives it', async (context) => {
  const project = writeTree(copyOfBuilt(context), {
    [`${OVERLAY}/etc/key`]: 'secret\n',
    [`${OVERLAY}/usr/bin/hello`]: { program: '#!/bin/sh\n' },
    [`${OVERLAY}/lib/firmware/blob`]: 'x\n',
  });
  chmodSync(join(project, 'layers/my/app/layer.yaml'), 0o644);
  chmodSync(join(project, OVERLAY, 'etc/key'), 0o600);
  chmodSync(join(project, OVERLAY, 'usr/bin/hello'), 0o4755);
  const told = await coracle(project, ['build', 'small', '--offline'], CACHE);
  expect(told, told.stderr).toMatchObject({ exitCode: 0 });
  expect(told.stderr).toContain('the mode 0600 of /etc/key is not kept');
  expect(told.stderr).toContain('the mode 4755 of /usr/bin/hello is not kept');
  writeTree(project, {
    'overrides/hooks/root': {
      program: '#!/bin/sh\nset -e\nchmod 600 "$CORACLE_ROOT/etc/key"\nchmod 4755 "$CORACLE_ROOT/usr/bin/hello"\n',
    },
  });
  const mended = await coracle(project, ['build', 'small', '--offline'], CACHE);
  expect(mended, mended.stderr).toMatchObject({ exitCode: 0 });
  expect(mended.stderr).not.toContain('is not kept');
  const root = await readTreeIndex(join(project, 'workspaces/small/stages/root/root.index'));
  expect(root.get('/etc/key')).toMatchObject({ mode: 0o600 });
  expect(root.get('/usr/bin/hello')).toMatchObject({ mode: 0o4755 });
  expect(root.get('/usr/lib/firmware/blob')).toMatchObject({ type: 'file' });
});

test('a name that is not UTF-8 is refused by build and check alike', async () => {
  const project = treeOf(SMALL);
  writeFileSync(Buffer.concat([Buffer.from(`${project}/${OVERLAY}/etc/caf`), Buffer.from([0xe9])]), '');
  const words = ['the name of a file is not UTF-8', 'rename the file', `at ${OVERLAY}/etc/caf`];
  expectRefused(await coracle(project, ['build', 'small', '--offline'], CACHE), words);
  const checked = await coracle(project, ['check'], CACHE);
  expect(checked.exitCode).toBe(1);
  for (const word of words) expect(checked.stderr).toContain(word);
});

test('a link of an overlay means a place of the image, not of the machine that builds', async (context) => {
  const project = copyOfBuilt(context);
  const outside = temporaryDirectory();
  writeFileSync(join(outside, 'secret'), 'secret\n');
  writeTree(project, {
    [`${OVERLAY}/srv/out`]: { link: outside },
    [`${OVERLAY}/srv/nowhere`]: { link: 'nowhere/at/all' },
    'overrides/root_overlay/srv/out/beside': 'inside\n',
  });
  const before = listing(outside);
  const ran = await coracle(project, ['build', 'small', '--offline'], CACHE);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  expect(listing(outside)).toEqual(before);
  const root = await readTreeIndex(join(project, 'workspaces/small/stages/root/root.index'));
  expect(root.get('/srv/out')).toMatchObject({ type: 'symlink', target: outside });
  expect((await root.read(`${outside}/beside`)).toString()).toBe('inside\n');
  expect(root.get(`${outside}/secret`)).toBeUndefined();
});
