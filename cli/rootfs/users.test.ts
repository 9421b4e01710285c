import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresOf, treeOf } from '../../test/support/files.ts';
import type { FailureParts } from '../failure.ts';
import { encryptPassword } from './crypt-sha512.ts';
import { RootTree } from './tree.ts';
import { applyUsers } from './users.ts';

const base = { origin: 'base' };

function root(): RootTree {
  const tree = new RootTree();
  tree.addFile('/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:100:1:d:/:/bin/false\n', base);
  tree.addFile('/etc/group', 'root:x:0:\ndaemon:x:1:\nshadow:x:42:\naudio:x:29:pulse\n', base);
  tree.addFile('/etc/shadow', 'root:*:19000:0:99999:7:::\n', { ...base, mode: 0o640, gid: 42 });
  return tree;
}

async function apply(tree: RootTree, ...tables: string[]): Promise<RootTree> {
  const directory = treeOf(Object.fromEntries(tables.map((text, i) => [`users${i}`, text])));
  await applyUsers(
    tree,
    tables.map((_, i) => ({ file: join(directory, `users${i}`), layer: `my/layer${i}` })),
  );
  return tree;
}

async function lines(tree: RootTree, name: string): Promise<string[]> {
  return (await tree.read(`/etc/${name}`)).toString().trimEnd().split('\n');
}

async function mistakes(...tables: string[]): Promise<readonly FailureParts[]> {
  return failuresOf(() => apply(root(), ...tables));
}

describe('a users table', () => {
  test("the manual's first example: everything chosen, login disabled, two more groups", async () => {
    const tree = await apply(root(), 'foo -1 bar -1 !=blabla /home/foo /bin/sh alpha,bravo Foo user\n');
    expect(await lines(tree, 'passwd')).toContain('foo:x:101:100:Foo user:/home/foo:/bin/sh');
    expect((await lines(tree, 'group')).slice(4)).toEqual(['bar:x:100:', 'alpha:x:101:foo', 'bravo:x:102:foo']);
    expect(await lines(tree, 'shadow')).toContain(`foo:!${encryptPassword('blabla', 'foo')}:::::::`);
    expect(tree.get('/home/foo')).toMatchObject({ type: 'directory', uid: 101, gid: 100, mode: 0o755 });
    expect(tree.get('/home')).toMatchObject({ uid: 0, gid: 0 });
  });

  test("the manual's second example: no password, no home", async () => {
    const tree = await apply(root(), 'test 8000 wheel -1 - - /bin/sh - Test user');
    expect(await lines(tree, 'passwd')).toContain('test:x:8000:100:Test user:/:/bin/sh');
    expect(await lines(tree, 'shadow')).toContain('test::::::::');
  });

  test.each([
    ['*', '*'],
    ['!', '!'],
    ['-', ''],
    ['$6$salt$hash', '$6$salt$hash'],
    ['=clear', encryptPassword('clear', 'u')],
  ])('password %s', async (written, kept) => {
    expect(await lines(await apply(root(), `u -1 u -1 ${written} - - -`), 'shadow')).toContain(`u:${kept}:::::::`);
  });

  test('leaves the lines, owners and modes that are there', async () => {
    const tree = await apply(root(), 'u -2 u -2 * - - audio');
    expect((await lines(tree, 'passwd')).slice(0, 2)).toEqual([
      'root:x:0:0:root:/root:/bin/bash',
      'daemon:x:100:1:d:/:/bin/false',
    ]);
    expect(await lines(tree, 'passwd')).toContain('u:x:1000:1000::/:/bin/false');
    expect(await lines(tree, 'group')).toContain('audio:x:29:pulse,u');
    expect(tree.get('/etc/shadow')).toMatchObject({ mode: 0o640, gid: 42 });
    expect(tree.has('/etc/gshadow')).toBe(false);
  });

  test('a root without accounts gets the files; gshadow is kept up where there is one', async () => {
    const tree = new RootTree();
    await apply(tree, 'u 5 u 6 * - - -');
    expect(tree.get('/etc/passwd')).toMatchObject({ mode: 0o644 });
    expect(tree.get('/etc/shadow')).toMatchObject({ mode: 0o600 });
    const other = root();
    other.addFile('/etc/gshadow', 'root:*::\n', base);
    await apply(other, 'u -1 u -1 * - - audio');
    expect(await lines(other, 'gshadow')).toEqual(['root:*::', 'u:*::', 'audio:*::pulse,u']);
  });

  test('given ids come first, whatever the order of lines and tables', async () => {
    const one = ['a -1 a -1 * - - -', 'b 101 b 100 * - - -'];
    const there = await apply(root(), one.join('\n'));
    expect(await lines(there, 'passwd')).toEqual(
      expect.arrayContaining(['b:x:101:100::/:/bin/false', 'a:x:102:101::/:/bin/false']),
    );
    const split = await apply(root(), ...one);
    expect(await lines(split, 'passwd')).toEqual(await lines(there, 'passwd'));
  });

  test('a line with - for a user makes groups', async () => {
    const tree = await apply(root(), '- - input -1 * - - - Input group\n');
    expect(await lines(tree, 'group')).toContain('input:x:100:');
    expect((await lines(tree, 'passwd')).length).toBe(2);
  });

  test('a user that is there keeps the chosen id and gets the rest', async () => {
    const tree = await apply(root(), 'daemon -1 daemon -1 * /srv /bin/sh - New');
    expect(await lines(tree, 'passwd')).toContain('daemon:x:100:1:New:/srv:/bin/sh');
  });

  test('a home directory that leads through a file is refused with its line', async () => {
    const found = await mistakes('# one\nu -1 u -1 * /etc/passwd/u - -\n');
    expect(found).toMatchObject([{ code: 'path-conflict', place: { line: 2 }, layer: 'my/layer0' }]);
    expect((await apply(root(), 'u -1 u -1 * /dev/null - -')).has('/dev/null')).toBe(true);
  });

  test('a home directory and all below belong to the user, links not followed', async () => {
    const tree = root();
    tree.addFile('/home/u/.ssh/keys', '', { ...base, mode: 0o600 });
    tree.addLink('/home/u/etc', '/etc', base);
    tree.addLink('/srv/u', '../home/u', base);
    await apply(tree, 'u 1000 u 1000 * /srv/u - -');
    expect(['/home/u', '/home/u/.ssh', '/home/u/.ssh/keys', '/home/u/etc'].map((path) => tree.get(path)?.uid)).toEqual([
      1000, 1000, 1000, 1000,
    ]);
    expect(tree.get('/home/u/.ssh/keys')).toMatchObject({ mode: 0o600, gid: 1000 });
    expect(tree.get('/etc')).toMatchObject({ uid: 0 });
  });

  test('comments, empty lines, tabs and CRLF', async () => {
    const tree = await apply(root(), '# users\r\n\r\n\tu\t-1  u -1 * - - -   Some   One # note\r\n   \n');
    expect(await lines(tree, 'passwd')).toContain('u:x:101:100:Some One:/:/bin/false');
  });

  test('no lines change nothing', async () => {
    const tree = await apply(root(), '# nothing\n');
    expect(tree.get('/etc/passwd')?.origin).toBe('base');
  });
});

describe('mistakes', () => {
  test('are found together, each with file, line and layer', async () => {
    const found = await mistakes('u -1 u\n\nroot -1 u -1 * - - -\nok -1 ok -1 * - - -\n', '9lives -1 u -1 * - - -\n');
    expect(found.map(({ code, layer, place }) => [code, layer, place?.line])).toEqual([
      ['bad-users-table', 'my/layer0', 1],
      ['bad-users-table', 'my/layer0', 3],
      ['bad-users-table', 'my/layer1', 1],
    ]);
    expect(found[0]?.hint).toContain('username uid group gid');
  });

  test.each([
    'u 0 u -1 * - - -',
    'u -3 u -1 * - - -',
    'u x u -1 * - - -',
    'u 1.5 u -1 * - - -',
    'u -1 root -1 * - - -',
    'u -1 u 0 * - - -',
    'u -1 u -1 * / - -',
    'u -1 u -1 * home - -',
    'u -1 u -1 * /dev/null/x - -',
    'u -1 u -1 * /proc/u - -',
    'u -1 u -1 * /home/../etc - -',
    'u -1 u -1 * - /bin/sh:x -',
    'u -1 u -1 * - - a,,b',
    'u$(x) -1 u -1 * - - -',
  ])('%s', async (line) => {
    expect(await mistakes(line)).toMatchObject([{ code: 'bad-users-table', place: { line: 1 } }]);
  });

  test.each([
    ['u 100 u -1 * - - -', 'daemon'],
    ['u -1 u 29 * - - -', 'audio'],
    ['u -1 audio 30 * - - -', '29'],
    ['daemon 7 daemon -1 * - - -', '100'],
    ['daemon -1 audio -1 * - - -', 'daemon'],
    ['u -1 u -1 * /etc/passwd - -', '/etc/passwd'],
  ])('%s is against what is there', async (line, names) => {
    expect(await mistakes(line)).toMatchObject([
      { code: 'users-conflict', message: expect.stringContaining(names), place: { line: 1 } },
    ]);
  });

  test('ids that run out', async () => {
    const lines = Array.from({ length: 901 }, (_, i) =>
      `u${i} 5000 g${i} -1 * - - -`.replace('5000', String(5000 + i)),
    );
    expect(await mistakes(lines.join('\n'))).toMatchObject([
      { code: 'users-conflict', message: expect.stringContaining('no gid is left') },
    ]);
  });

  test('a table that is not there', async () => {
    const [failure] = await failuresOf(() => applyUsers(root(), [{ file: '/nowhere/users', layer: 'a/b' }]));
    expect(failure).toMatchObject({ code: 'users-unreadable', layer: 'a/b' });
  });
});
