import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresOf, type Tree, treeOf } from '../../test/support/files.ts';
import type { FailureParts } from '../failure.ts';
import { addOverlay } from './overlay.ts';
import { RootTree } from './tree.ts';

const context = { layer: 'my/app', values: { port: '80', layers: ['my/app'] } };

async function over(files: Tree, tree = new RootTree()): Promise<RootTree> {
  await addOverlay(tree, treeOf(files), context);
  return tree;
}

async function mistake(directory: string, tree = new RootTree()): Promise<FailureParts> {
  const [failure] = await failuresOf(() => addOverlay(tree, directory, context));
  expect(failure?.layer).toBe('my/app');
  expect(failure?.place?.file).toContain(directory);
  return failure as FailureParts;
}

describe('an overlay', () => {
  test('gives names, contents, links and the executable bit; all else is root:root, 0644 or 0755', async () => {
    const directory = treeOf({
      'etc/secret': 'x',
      'usr/bin/run': { program: '#!' },
      'etc/l': { link: '../usr/bin/run' },
      'empty/': '',
    });
    chmodSync(join(directory, 'etc/secret'), 0o600);
    chmodSync(join(directory, 'usr/bin/run'), 0o6700);
    chmodSync(join(directory, 'empty'), 0o700);
    const tree = new RootTree();
    await addOverlay(tree, directory, context);
    expect(tree.get('/etc/secret')).toMatchObject({
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      origin: 'layer my/app',
    });
    expect(tree.get('/usr/bin/run')).toMatchObject({ mode: 0o755 });
    expect(tree.get('/etc/l')).toMatchObject({ type: 'symlink', target: '../usr/bin/run' });
    expect(tree.get('/empty')).toMatchObject({ type: 'directory', mode: 0o755 });
  });

  test('replaces files and masks units; directories that are there keep owner and mode', async () => {
    const tree = new RootTree();
    tree.addDirectory('/tmp', { origin: 'base', mode: 0o1777 });
    tree.addFile('/etc/motd', 'old', { origin: 'base', mode: 0o600, uid: 3 });
    tree.addFile('/etc/a.service', 'unit', { origin: 'base' });
    await over({ 'tmp/x': '', 'etc/motd': 'new', 'etc/a.service': { link: '/dev/null' } }, tree);
    expect(tree.get('/tmp')).toMatchObject({ mode: 0o1777, origin: 'base' });
    expect((await tree.read('/etc/motd')).toString()).toBe('new');
    expect(tree.get('/etc/motd')).toMatchObject({ mode: 0o644, uid: 0 });
    expect(tree.get('/etc/a.service')).toMatchObject({ type: 'symlink', target: '/dev/null' });
  });

  test('later layers win, and a merged tree gets its files where it has them', async () => {
    const tree = new RootTree();
    tree.addLink('/lib', 'usr/lib', { origin: 'base' });
    await over({ 'lib/firmware/a': '1' }, tree);
    await over({ 'lib/firmware/a': '2', 'usr/lib/b': '' }, tree);
    expect((await tree.read('/usr/lib/firmware/a')).toString()).toBe('2');
    expect(tree.get('/lib')?.type).toBe('symlink');
  });

  test('leaves out what keeps directories in git and what editors leave', async () => {
    const tree = await over({ 'a/.gitkeep': '', 'b/.empty': '', 'c/x~': '', '.git/HEAD': '', 'd/.gitignored': 'kept' });
    expect(tree.entries().map((entry) => entry.path)).toEqual(['/', '/a', '/b', '/c', '/d', '/d/.gitignored']);
  });

  test('names with spaces, quotes, newlines and non-ASCII arrive unchanged', async () => {
    const names = ['a b', 'it\'s "q"', 'ü\u{1F600}', 'new\nline', '$(x)', '@', '%s', '-rf'];
    const tree = await over(Object.fromEntries(names.map((name) => [name, name])));
    for (const name of names) expect((await tree.read(`/${name}`)).toString()).toBe(name);
  });

  test('templates are rendered and lose their ending', async () => {
    const tree = await over({ 'etc/app.conf.hbs': 'port={{port}}\n', 'bin/x.hbs': { program: '#!{{port}}' } });
    expect((await tree.read('/etc/app.conf')).toString()).toBe('port=80\n');
    expect(tree.get('/bin/x')).toMatchObject({ mode: 0o755 });
    expect(tree.has('/etc/app.conf.hbs')).toBe(false);
  });

  test('a large file stays where it is', async () => {
    const directory = treeOf({ large: '' });
    truncateSync(join(directory, 'large'), 3_000_000);
    const tree = new RootTree();
    await addOverlay(tree, directory, context);
    expect(tree.get('/large')).toMatchObject({
      content: { kind: 'slice', file: join(directory, 'large'), size: 3_000_000 },
    });
  });
});

describe('what an overlay cannot do', () => {
  test.each([
    ['etc/l', '../../outside'],
    ['l', '..'],
    ['a/b/c/l', '../../../../etc'],
    ['l', '/../x'],
    ['l', 'a/../../b'],
  ])('a link %s → %s out of the root', async (name, link) => {
    const failure = await mistake(treeOf({ [name]: { link } }));
    expect(failure).toMatchObject({ code: 'overlay-escape', place: { file: expect.stringMatching(`${name}$`) } });
  });

  test('a link to a path of the machine that builds', async () => {
    const directory = treeOf({ 'etc/x': '' });
    execFileSync('ln', ['-s', join(directory, 'etc/x'), join(directory, 'l')]);
    expect(await mistake(directory)).toMatchObject({ code: 'overlay-escape' });
  });

  test('write through a link of the root that leaves it', async () => {
    const tree = new RootTree();
    tree.addLink('/out', '../../outside', { origin: 'package evil' });
    expect(await mistake(treeOf({ 'out/x': '' }), tree)).toMatchObject({ code: 'path-escape' });
    const own = treeOf({ 'a/l': { link: '../../x' }, 'b/y': '' });
    expect(await mistake(own)).toMatchObject({ code: 'overlay-escape' });
  });

  test('a file over a directory, a directory over a file', async () => {
    const tree = new RootTree();
    tree.addFile('/etc/passwd', '', { origin: 'package base-passwd' });
    for (const files of [{ etc: 'x' }, { 'etc/passwd/x': 'x' }]) {
      const failure = await mistake(treeOf(files), tree);
      expect(failure.code).toBe('path-conflict');
      expect(failure.message).toContain('package base-passwd');
    }
  });

  test('FIFOs and sockets', async () => {
    const directory = treeOf({ 'run/': '' });
    execFileSync('mkfifo', [join(directory, 'run/pipe')]);
    expect(await mistake(directory)).toMatchObject({
      code: 'overlay-unsupported',
      message: expect.stringContaining('FIFO'),
    });
    const other = treeOf({ 'run/': '' });
    const server = createServer().listen(join(other, 'run/s'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await mistake(other)).toMatchObject({
      code: 'overlay-unsupported',
      message: expect.stringContaining('socket'),
    });
    server.close();
  });

  test('a template with an unknown name, with its line', async () => {
    const failure = await mistake(treeOf({ 'etc/x.hbs': '\n{{prot}}' }));
    expect(failure).toMatchObject({
      code: 'unknown-variable',
      place: { line: 2, column: 3 },
      hint: expect.stringContaining('port'),
    });
  });

  test('the same file twice, once as a template', async () => {
    expect(await mistake(treeOf({ 'etc/x.hbs': '', 'etc/x': '' }))).toMatchObject({ code: 'overlay-twice' });
  });

  test('a file that cannot be read', async (task) => {
    if (process.seteuid === undefined || process.getuid?.() !== 0)
      return task.skip('only root can become someone who may not read');
    for (const size of [10, 2_000_000]) {
      const directory = treeOf({ 'etc/x': 'x'.repeat(size) });
      chmodSync(directory, 0o755);
      chmodSync(join(directory, 'etc/x'), 0);
      process.seteuid(65534);
      try {
        expect(await mistake(directory)).toMatchObject({
          code: 'overlay-unreadable',
          place: { file: expect.stringContaining('etc/x') },
        });
      } finally {
        process.seteuid(0);
      }
    }
  });

  test('a name that is not UTF-8, a directory that is not there', async () => {
    const directory = treeOf({});
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.from([0xe9])]), '');
    expect(await mistake(directory)).toMatchObject({
      code: 'overlay-unreadable',
      hint: expect.stringContaining('UTF-8'),
    });
    mkdirSync(join(directory, 'x'));
    expect(await mistake(join(directory, 'x/gone'))).toMatchObject({ code: 'overlay-unreadable' });
  });
});
