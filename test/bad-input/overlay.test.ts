/** Overlays and templates that would write where they must not, or cannot: nothing outside of the root is touched. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
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
