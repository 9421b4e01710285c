import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresOf, temporaryDirectory } from '../../test/support/files.ts';
import type { Entry } from './entry.ts';
import { type Materialised, materialise } from './materialise.ts';
import { type Reimported, reimport } from './reimport.ts';
import { RootTree } from './tree.ts';
import { treeDigest } from './tree-digest.ts';

const base = { origin: 'package base' };

function sample(): RootTree {
  const tree = new RootTree();
  tree.addDirectory('/', { ...base, mode: 0o755 });
  tree.addDirectory('/tmp', { ...base, mode: 0o1777 });
  tree.addFile('/etc/passwd', 'root\n', base);
  tree.addFile('/etc/shadow', 'secret\n', { ...base, mode: 0o640, gid: 42 });
  tree.addFile('/etc/unreadable', 'x', { ...base, mode: 0o000 });
  tree.addDirectory('/root', { ...base, mode: 0o500 });
  tree.addFile('/usr/bin/su', 'setuid', { ...base, mode: 0o4755, uid: 7 });
  tree.setMetadata('/usr/bin/su', { xattrs: { 'security.capability': Buffer.from('x') } });
  tree.addFile('/usr/bin/z', 'shared', { ...base, mode: 0o755 });
  tree.put({ path: '/usr/bin/a', type: 'hardlink', target: '/usr/bin/z', mode: 0, uid: 0, gid: 0, ...base });
  tree.addLink('/bin', 'usr/bin', base);
  tree.addLink('/absolute', '/nowhere/at all', base);
  tree.addFile('/odd/ü b\'"\n$(x)', Buffer.alloc(1_500_000, 5), base);
  tree.put({
    path: '/dev/null',
    type: 'device',
    device: 'char',
    major: 1,
    minor: 3,
    mode: 0o666,
    uid: 0,
    gid: 0,
    ...base,
  });
  tree.put({ path: '/dev/pipe', type: 'fifo', mode: 0o600, uid: 0, gid: 0, ...base });
  return tree;
}

interface Run {
  readonly tree: RootTree;
  readonly root: Materialised;
  readonly store: string;
}

async function run(): Promise<Run> {
  const directory = temporaryDirectory();
  const tree = sample();
  const root = await materialise(tree, join(directory, 'root'), { mtime: 315532800 });
  return { tree, root, store: join(directory, 'store') };
}

/** What a hook's doing comes to. */
async function hooked(change: (at: (path: string) => string) => void): Promise<Run & { readonly changes: Reimported }> {
  const all = await run();
  change(all.root.at);
  const changes = await reimport(all.tree, all.root, { origin: 'hook', store: all.store });
  return { ...all, changes };
}

function expectUnchanged(tree: RootTree): void {
  // Contents by digest: vitest takes seconds to compare megabytes.
  const facts = (each: RootTree): unknown => each.entries().map((entry) => ({ ...entry, content: undefined }));
  expect(facts(tree)).toEqual(facts(sample()));
  expect(treeDigest(tree)).toBe(treeDigest(sample()));
}

const text = async (tree: RootTree, path: string): Promise<string> => (await tree.read(path)).toString();

describe('a tree as a directory', () => {
  test('has its files, links and hard links, with what its user may see and change', async () => {
    const { root } = await run();
    const at = root.at;
    expect(readFileSync(at('/etc/passwd'), 'utf8')).toBe('root\n');
    expect(lstatSync(at('/etc/passwd')).mtimeMs).toBe(315532800_000);
    expect(lstatSync(at('/etc/shadow')).mode & 0o7777).toBe(0o640);
    expect(lstatSync(at('/etc/unreadable')).mode & 0o7777).toBe(0o600);
    expect(lstatSync(at('/usr/bin/su')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(at('/root')).mode & 0o7777).toBe(0o700);
    expect(lstatSync(at('/usr/bin/a')).ino).toBe(lstatSync(at('/usr/bin/z')).ino);
    expect(readlinkSync(at('/absolute'))).toBe('/nowhere/at all');
    expect(readFileSync(at('/odd/ü b\'"\n$(x)')).length).toBe(1_500_000);
    expect(lstatSync(at('/dev/null'), { throwIfNoEntry: false })).toBeUndefined();
  });

  test('comes back unchanged when nobody changed it', async () => {
    const { tree, changes } = await hooked(() => {});
    expect(changes).toMatchObject({ added: [], changed: [], removed: [] });
    expectUnchanged(tree);
  });

  test('comes back unchanged when it was only looked at, touched, or written the same', async () => {
    const { tree } = await hooked((at) => {
      utimesSync(at('/etc/passwd'), 5, 5);
      utimesSync(at('/usr/bin/a'), 5, 5);
      writeFileSync(at('/etc/shadow'), 'secret\n');
      rmSync(at('/bin'));
      symlinkSync('usr/bin', at('/bin'));
      renameSync(at('/usr/bin/su'), at('/usr/bin/tmp'));
      renameSync(at('/usr/bin/tmp'), at('/usr/bin/su'));
      writeFileSync(at('/etc/new'), '');
      rmSync(at('/etc/new'));
    });
    expectUnchanged(tree);
  });
});

describe('what a hook did', () => {
  test('new files are root:root with the mode they have; what was there stays', async () => {
    const { tree, changes } = await hooked((at) => {
      mkdirSync(at('/opt/app'), { recursive: true });
      writeFileSync(at('/opt/app/run'), 'x'.repeat(100_000), { mode: 0o755 });
      writeFileSync(at('/opt/app/key'), 'k', { mode: 0o600 });
      symlinkSync('run', at('/opt/app/l'));
    });
    expect(changes).toMatchObject({
      added: ['/opt', '/opt/app', '/opt/app/key', '/opt/app/l', '/opt/app/run'],
      changed: [],
      removed: [],
    });
    expect(tree.get('/opt/app/run')).toMatchObject({
      mode: 0o755,
      uid: 0,
      gid: 0,
      origin: 'hook',
      content: { kind: 'slice' },
    });
    expect(tree.get('/opt/app/key')).toMatchObject({ mode: 0o600, content: { kind: 'bytes' } });
    expect(tree.get('/usr/bin/su')).toEqual(sample().get('/usr/bin/su'));
  });

  test('new contents outlive the directory', async () => {
    const { tree, root } = await hooked((at) => writeFileSync(at('/etc/big'), 'y'.repeat(50_000)));
    rmSync(root.directory, { recursive: true });
    expect(await text(tree, '/etc/big')).toBe('y'.repeat(50_000));
  });

  test('an edited file keeps owner and mode, in place or by a new one of the same name', async () => {
    const { tree } = await hooked((at) => {
      appendFileSync(at('/etc/shadow'), 'more\n');
      writeFileSync(at('/usr/bin/su.new'), 'edited', { mode: 0o755 });
      renameSync(at('/usr/bin/su.new'), at('/usr/bin/su'));
      writeFileSync(at('/etc/unreadable'), 'y');
    });
    expect(await text(tree, '/etc/shadow')).toBe('secret\nmore\n');
    expect(tree.get('/etc/shadow')).toMatchObject({ mode: 0o640, gid: 42, origin: 'hook' });
    expect(tree.get('/usr/bin/su')).toMatchObject({ mode: 0o4755, uid: 7 });
    // As the kernel does when a program is changed.
    expect(tree.get('/usr/bin/su')?.xattrs).toBeUndefined();
    expect(tree.get('/etc/unreadable')).toMatchObject({ mode: 0 });
  });

  test('chmod counts, of files, directories and hard links', async () => {
    const { tree } = await hooked((at) => {
      chmodSync(at('/etc/passwd'), 0o4700);
      chmodSync(at('/tmp'), 0o700);
      chmodSync(at('/usr/bin/a'), 0o711);
    });
    expect(tree.get('/etc/passwd')).toMatchObject({ mode: 0o4700, origin: 'package base' });
    expect(tree.get('/tmp')).toMatchObject({ mode: 0o700 });
    expect(tree.get('/usr/bin/a')).toMatchObject({ mode: 0o711, type: 'hardlink' });
    expect(tree.get('/usr/bin/z')).toMatchObject({ mode: 0o711 });
  });

  test('removed files and directories go, with the devices in them', async () => {
    const { tree, changes } = await hooked((at) => {
      rmSync(at('/dev'), { recursive: true });
      rmSync(at('/etc/passwd'));
      rmSync(at('/usr/bin/z'));
    });
    expect(changes.removed).toEqual(['/dev', '/etc/passwd', '/usr/bin/z']);
    expect(tree.has('/dev/null')).toBe(false);
    expect(await text(tree, '/usr/bin/a')).toBe('shared');
  });

  test('one thing in place of another', async () => {
    const { tree } = await hooked((at) => {
      rmSync(at('/tmp'), { recursive: true });
      symlinkSync('/run/tmp', at('/tmp'));
      rmSync(at('/bin'));
      mkdirSync(at('/bin'));
      writeFileSync(at('/bin/sh'), 'sh');
      rmSync(at('/etc/passwd'));
      mkdirSync(at('/etc/passwd'));
      rmSync(at('/odd'), { recursive: true });
      writeFileSync(at('/odd'), 'file');
      rmSync(at('/absolute'));
      symlinkSync('else', at('/absolute'));
    });
    expect(tree.get('/tmp')).toMatchObject({ type: 'symlink', target: '/run/tmp' });
    expect(tree.get('/bin/sh')).toMatchObject({ type: 'file' });
    expect(tree.get('/etc/passwd')).toMatchObject({ type: 'directory' });
    expect(await text(tree, '/odd')).toBe('file');
    expect(tree.get('/absolute')).toMatchObject({ target: 'else' });
  });

  test('a directory moved elsewhere, with a link in its place', async () => {
    const { tree } = await hooked((at) => {
      renameSync(at('/etc'), at('/etc2'));
      symlinkSync('etc2', at('/etc'));
    });
    expect(tree.get('/etc')).toMatchObject({ type: 'symlink' });
    expect(await text(tree, '/etc/passwd')).toBe('root\n');
    expect(tree.get('/etc2/shadow')).toMatchObject({ mode: 0o640, origin: 'hook' });
  });

  test('hard links: edited together, parted, and new ones', async () => {
    const { tree } = await hooked((at) => {
      appendFileSync(at('/usr/bin/a'), '!');
      writeFileSync(at('/n1'), 'n');
      linkSync(at('/n1'), at('/n2'));
    });
    expect(await text(tree, '/usr/bin/a')).toBe('shared!');
    expect(await text(tree, '/usr/bin/z')).toBe('shared!');
    expect([tree.get('/usr/bin/a')?.type, tree.get('/usr/bin/z')?.type].sort()).toEqual(['file', 'hardlink']);
    expect(tree.get('/n2')).toMatchObject({ type: 'hardlink', target: '/n1' });
    const parted = await hooked((at) => {
      rmSync(at('/usr/bin/a'));
      writeFileSync(at('/usr/bin/a'), 'other');
    });
    expect(await text(parted.tree, '/usr/bin/a')).toBe('other');
    expect(await text(parted.tree, '/usr/bin/z')).toBe('shared');
  });

  test('a second hook is compared with what the first one left', async () => {
    const { tree, root, store, changes } = await hooked((at) => writeFileSync(at('/etc/one'), '1'));
    writeFileSync(root.at('/etc/two'), '2');
    rmSync(root.at('/etc/one'));
    const second = await reimport(tree, changes.root, { origin: 'second', store });
    expect(second).toMatchObject({ added: ['/etc/two'], removed: ['/etc/one'], changed: [] });
    expect(tree.get('/etc/two')?.origin).toBe('second');
    expect(tree.has('/etc/one')).toBe(false);
  });

  test('the same doing in two places gives the same tree', async () => {
    const digests = await Promise.all(
      ['one', 'two'].map(async () => {
        const { tree } = await hooked((at) => {
          for (const name of ['b', 'a', 'c']) writeFileSync(at(`/etc/${name}`), name.repeat(30_000));
        });
        return treeDigest(tree);
      }),
    );
    expect(digests[0]).toBe(digests[1]);
  });
});

describe('what an image cannot hold', () => {
  test('a FIFO', async () => {
    const { tree, root, store } = await run();
    execFileSync('mkfifo', [root.at('/etc/fifo')]);
    const [failure] = await failuresOf(() => reimport(tree, root, { origin: 'hook root of my/app', store }));
    expect(failure).toMatchObject({ code: 'hook-unsupported', message: expect.stringContaining('/etc/fifo') });
  });

  test('a name that is not UTF-8', async () => {
    const [failure] = await failuresOf(() =>
      hooked((at) => writeFileSync(Buffer.concat([Buffer.from(at('/etc/caf')), Buffer.from([0xe9])]), '')),
    );
    expect(failure).toMatchObject({ code: 'hook-unsupported', hint: expect.stringContaining('UTF-8') });
  });
});

test('stops when asked to', async () => {
  const tree = new RootTree();
  for (let i = 0; i < 40; i += 1) tree.addFile(`/f${i}`, Buffer.alloc(1_000_000), base);
  const directory = join(temporaryDirectory(), 'root');
  await expect(materialise(tree, directory, { mtime: 0, signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
});

test('entries that cannot be made are still in the tree', async () => {
  const { tree, root } = await run();
  const devices = (entry: Entry): boolean => entry.type === 'device' || entry.type === 'fifo';
  expect(tree.entries().filter(devices).length).toBe(2);
  expect([...root.made.keys()].filter((path) => path.startsWith('/dev/'))).toEqual([]);
});
