import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresOf, type Tree, treeOf } from '../../test/support/files.ts';
import type { FailureParts } from '../failure.ts';
import { FileHashes } from '../stages/file-hashes.ts';
import { addOverlay } from './overlay.ts';
import { isStillLost, lostModeWarning } from './overlay-modes.ts';
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

  test('tells of modes that say more than the executable bit', async () => {
    const directory = treeOf({
      'etc/key': 'x',
      'etc/shared': 'x',
      'bin/su': { program: '#!' },
      'etc/t.hbs': '',
      plain: '',
    });
    const modes = { 'etc/key': 0o600, 'etc/shared': 0o640, 'bin/su': 0o4755, 'etc/t.hbs': 0o400, plain: 0o664 };
    for (const [name, mode] of Object.entries(modes)) chmodSync(join(directory, name), mode);
    const tree = new RootTree();
    tree.addLink('/bin', 'usr/bin', { origin: 'base' });
    const lost = await addOverlay(tree, directory, { ...context, layerMode: 0o644 });
    expect(lost.map(({ path, mode }) => [path, mode])).toEqual([
      ['/usr/bin/su', 0o4755],
      ['/etc/key', 0o600],
      ['/etc/shared', 0o640],
      ['/etc/t', 0o400],
    ]);
    expect(lost.map(lostModeWarning)[1]).toMatchObject({
      code: 'mode-not-kept',
      message: 'the mode 0600 of /etc/key is not kept: everyone may read it in the image',
      place: { file: join(directory, 'etc/key') },
      hint: expect.stringContaining('chmod 0600 "$CORACLE_ROOT/etc/key"'),
      layer: 'my/app',
    });
    expect(lost.every((one) => isStillLost(tree, one))).toBe(true);
    tree.setMetadata('/etc/key', { mode: 0o600 });
    tree.setMetadata('/usr/bin/su', { mode: 0o4755 });
    tree.remove('/etc/t');
    expect(lost.filter((one) => isStillLost(tree, one)).map(({ path }) => path)).toEqual(['/etc/shared']);
    // Checked out with a umask of 077.
    const all = await addOverlay(new RootTree(), directory, { ...context, layerMode: 0o600 });
    expect(all.map(({ path }) => path)).toEqual(['/bin/su']);
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
    await over({ lib: { link: '/usr/lib' } }, tree);
    expect((await tree.read('/lib/firmware/a')).toString()).toBe('2');
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

  test('a link to what there is in the project', async () => {
    const project = treeOf({ 'coracle.yaml': '', 'layers/my/app/root_overlay/etc/': '' });
    const overlay = join(project, 'layers/my/app/root_overlay');
    const ownDirectories = [project, '/'];
    const put = (link: string) => {
      rmSync(join(overlay, 'etc/l'), { force: true });
      symlinkSync(link, join(overlay, 'etc/l'));
      return addOverlay(new RootTree(), overlay, { ...context, ownDirectories });
    };
    for (const target of [join(project, 'coracle.yaml'), `/proc/..${project}/./layers`, project]) {
      expect(await failuresOf(() => put(target))).toMatchObject([{ code: 'overlay-escape', layer: 'my/app' }]);
    }
    for (const target of [join(project, 'gone'), `${project}x`, '/etc/passwd', '../usr']) {
      expect(await put(target)).toEqual([]);
    }
  });

  test('a file or another link in place of a link to a directory that holds something', async () => {
    const merged = () => {
      const tree = new RootTree();
      tree.addFile('/usr/lib/ld.so', '', { origin: 'package libc6' });
      tree.addLink('/lib', 'usr/lib', { origin: 'merged /usr' });
      tree.addLink('/usr/share', 'lib', { origin: 'base' });
      tree.addLink('/empty', 'usr/empty', { origin: 'base' });
      tree.addDirectory('/usr/empty', { origin: 'base' });
      return tree;
    };
    for (const files of [{ lib: 'x' }, { 'lib.hbs': 'x' }, { lib: { link: 'usr/empty' } }, { 'usr/share': 'x' }]) {
      const failure = await mistake(treeOf(files), merged());
      expect(failure).toMatchObject({ code: 'path-conflict', hint: expect.stringContaining('/usr/lib') });
      expect(failure.message).toContain('is a link to the directory /usr/lib');
    }
    await over({ empty: 'x', 'usr/share': { link: 'elsewhere' } }, merged());
  });

  test('accounts with lines that are none', async () => {
    const directory = treeOf({
      'etc/passwd': '# ours\nroot:x:0:0:root:/root:/bin/sh\nbroken\n\n',
      'etc/group': 'a:x:1:\nb:x:2\n',
    });
    const [first] = await failuresOf(() => addOverlay(new RootTree(), directory, context));
    expect(first).toMatchObject({ code: 'bad-accounts', place: { file: join(directory, 'etc/group'), line: 2 } });
    rmSync(join(directory, 'etc/group'));
    expect(await mistake(directory)).toMatchObject({ code: 'bad-accounts', place: { line: 3 } });
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

  test('a template that is not UTF-8, with its line', async () => {
    const directory = treeOf({ 'etc/': '' });
    writeFileSync(join(directory, 'etc/x.hbs'), Buffer.from('a\ncaf\xe9\n', 'latin1'));
    expect(await mistake(directory)).toMatchObject({ code: 'bad-template', place: { line: 2 } });
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
      message: expect.stringContaining('the name of a file is not UTF-8'),
      hint: expect.stringContaining('rename'),
    });
    expect(await failuresOf(() => new FileHashes().directory(directory, 'x'))).toMatchObject([
      { message: expect.stringContaining('the name of a file is not UTF-8'), hint: expect.stringContaining('rename') },
    ]);
    mkdirSync(join(directory, 'x'));
    expect(await mistake(join(directory, 'x/gone'))).toMatchObject({ code: 'overlay-unreadable' });
  });
});
