import { execFileSync, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../test/support/files.ts';
import { sha256 } from '../host/files.ts';
import { readContent } from './content.ts';
import type { Entry } from './entry.ts';
import { readTarEntries } from './tar-entries.ts';
import { writeTreeTar } from './tar-stream.ts';
import { RootTree } from './tree.ts';
import { treeDigest } from './tree-digest.ts';

const base = { origin: 'test' };

async function tarOf(tree: RootTree, mtime = 315532800): Promise<string> {
  const file = join(temporaryDirectory(), 'root.tar');
  await writeTreeTar(tree, createWriteStream(file), { mtime });
  return file;
}

/** cap_net_raw=ep, as the kernel keeps it. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

function sample(): RootTree {
  const tree = new RootTree();
  tree.addDirectory('/', { ...base, mode: 0o751 });
  tree.addDirectory('/tmp', { ...base, mode: 0o1777 });
  tree.addFile('/usr/bin/zz', 'program', { ...base, mode: 0o4755, uid: 3, gid: 4 });
  tree.put({ path: '/usr/bin/aa', type: 'hardlink', target: '/usr/bin/zz', mode: 0, uid: 0, gid: 0, ...base });
  tree.addFile('/usr/bin/ping', 'x', { ...base, mode: 0o755 });
  tree.setMetadata('/usr/bin/ping', { xattrs: { 'security.capability': CAPABILITY } });
  tree.addLink('/bin', 'usr/bin', base);
  tree.addFile('/etc/ü b\'"\n$(x)', 'odd', base);
  tree.addFile(`/${'d'.repeat(90)}/${'e'.repeat(90)}/f`, 'prefix', base);
  tree.addFile(`/${'long'.repeat(60)}`, 'pax', base);
  tree.addLink('/far', '/x'.repeat(100), base);
  tree.addFile('/big-id', '', { ...base, uid: 3_000_000, gid: 4_000_000_000 });
  tree.addFile('/two-chunks', Buffer.alloc(2_500_000, 7), base);
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
  tree.put({ path: '/dev/fifo', type: 'fifo', mode: 0o600, uid: 0, gid: 0, ...base });
  return tree;
}

describe('a tree as a tar', () => {
  test('is read by the real tar', async () => {
    const directory = temporaryDirectory();
    execFileSync('tar', [
      '-xpf',
      await tarOf(sample()),
      '-C',
      directory,
      '--exclude=./dev',
      '--exclude=dev/*',
      '--no-same-owner',
    ]);
    expect(readFileSync(join(directory, 'usr/bin/zz'), 'utf8')).toBe('program');
    expect(statSync(join(directory, 'usr/bin/aa')).ino).toBe(statSync(join(directory, 'usr/bin/zz')).ino);
    expect(readFileSync(join(directory, 'etc/ü b\'"\n$(x)'), 'utf8')).toBe('odd');
    expect(readFileSync(join(directory, 'long'.repeat(60)), 'utf8')).toBe('pax');
    expect(readFileSync(join(directory, 'd'.repeat(90), 'e'.repeat(90), 'f'), 'utf8')).toBe('prefix');
    expect(readlinkSync(join(directory, 'far'))).toBe('/x'.repeat(100));
    expect(readFileSync(join(directory, 'two-chunks')).equals(Buffer.alloc(2_500_000, 7))).toBe(true);
    const listing = execFileSync('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', await tarOf(sample())], {
      encoding: 'utf8',
    });
    expect(listing).toMatch(/^drwxr-x--x 0\/0 +0 1980-01-01 00:00:00 \.\/$/m);
    expect(listing).toMatch(/^drwxrwxrwt 0\/0 .* tmp\/$/m);
    expect(listing).toMatch(/^-rwsr-xr-x 3\/4 +7 .* usr\/bin\/aa$/m);
    expect(listing).toMatch(/^hrwsr-xr-x 3\/4 +0 .* usr\/bin\/zz link to usr\/bin\/aa$/m);
    expect(listing).toMatch(/^-rw-r--r-- 3000000\/4000000000 /m);
    expect(listing).toMatch(/^crw-rw-rw- 0\/0 +1,3 .* dev\/null$/m);
    expect(listing).toMatch(/^prw------- .* dev\/fifo$/m);
  });

  test('comes back the same', async () => {
    const tree = sample();
    const again = new RootTree();
    for (const entry of await readTarEntries(await tarOf(tree), 'test')) again.put(entry);
    expect(treeDigest(again)).toBe(treeDigest(tree));
  });

  test('has extended attributes, binary ones too', async () => {
    const tree = new RootTree();
    tree.addFile('/ping', 'x', base);
    tree.setMetadata('/ping', { xattrs: { 'security.capability': CAPABILITY, 'user.note': Buffer.from('a=b\n') } });
    const [, ping] = await readTarEntries(await tarOf(tree), 'test');
    expect(ping?.xattrs).toEqual({ 'security.capability': CAPABILITY, 'user.note': Buffer.from('a=b\n') });
  });

  test('does not depend on the order of putting', async () => {
    const entries = sample().entries();
    const isLink = (entry: Entry): boolean => entry.type === 'hardlink';
    const hash = sha256(readFileSync(await tarOf(sample())));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(entries, { minLength: entries.length }), async (shuffled) => {
        const tree = new RootTree();
        for (const entry of shuffled.filter((each) => !isLink(each))) tree.put(entry);
        for (const entry of shuffled.filter(isLink)) tree.put(entry);
        expect(sha256(readFileSync(await tarOf(tree)))).toBe(hash);
      }),
      { numRuns: 10 },
    );
  });

  test('waits for a slow reader instead of filling the memory', async () => {
    const tree = new RootTree();
    for (let i = 0; i < 16; i += 1) tree.addFile(`/f${i}`, Buffer.alloc(1_000_000, i), base);
    let waiting = 0;
    let most = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        waiting += 1;
        most = Math.max(most, waiting + slow.writableLength / chunk.length);
        setImmediate(() => {
          waiting -= 1;
          done();
        });
      },
    });
    await writeTreeTar(tree, slow, { mtime: 0 });
    expect(most).toBeLessThanOrEqual(2);
  });

  test('ends in an error when its reader goes away', async () => {
    const broken = new Writable({
      write(_chunk, _encoding, done) {
        done(new Error('gone'));
      },
    });
    await expect(writeTreeTar(sample(), broken, { mtime: 0 })).rejects.toThrow('gone');
  });

  test('stops when asked to', async () => {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    await expect(writeTreeTar(sample(), sink, { mtime: 0, signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
  });

  test('a file that has shrunk or gone since is a failure', async () => {
    const directory = temporaryDirectory();
    for (const name of ['short', 'gone']) {
      const file = join(directory, name);
      if (name === 'short') writeFileSync(file, 'abc');
      const tree = new RootTree();
      tree.put({
        path: '/x',
        type: 'file',
        mode: 0o644,
        uid: 0,
        gid: 0,
        ...base,
        content: { kind: 'slice', file, offset: 0, size: 10 },
      });
      await expect(tarOf(tree)).rejects.toMatchObject({ parts: { code: 'content-missing' } });
    }
  });
});

describe('a squashfs of it', () => {
  test('is the same from two directories, and keeps owners, modes, hard links and devices', async (context) => {
    if (spawnSync('tar2sqfs', ['--version']).error) return context.skip('tar2sqfs is not on this machine');
    const images = await Promise.all(
      ['one', 'another one'].map(async (name) => {
        const directory = join(temporaryDirectory(), name);
        mkdirSync(directory);
        // The same content as a slice at different places, and as bytes.
        const tree = sample();
        const file = join(directory, 'content');
        writeFileSync(file, Buffer.concat([Buffer.alloc(name.length), Buffer.alloc(400_000, 9)]));
        const content = { kind: 'slice', file, offset: name.length, size: 400_000 } as const;
        tree.put({ path: '/slice', type: 'file', mode: 0o644, uid: 0, gid: 0, ...base, content });
        const image = join(directory, 'root.squashfs');
        const input = readFileSync(await tarOf(tree));
        const made = spawnSync('tar2sqfs', ['-q', '-c', 'gzip', '--defaults=mtime=315532800', image], {
          input,
          cwd: directory,
        });
        expect(made.stderr.toString()).toBe('');
        return image;
      }),
    );
    const [first = '', second = ''] = images;
    expect(sha256(readFileSync(first))).toBe(sha256(readFileSync(second)));
    const describe = spawnSync('rdsquashfs', ['-d', first], { encoding: 'utf8' });
    if (describe.error) return context.skip('rdsquashfs is not on this machine');
    expect(describe.stdout).toMatch(/^file usr\/bin\/aa 04755 3 4/m);
    expect(describe.stdout).toMatch(/usr\/bin\/zz/);
    expect(describe.stdout).toMatch(/^nod dev\/null 0666 0 0 c 1 3$/m);
    expect(
      readContent({ kind: 'bytes', data: spawnSync('rdsquashfs', ['-c', '/usr/bin/zz', first]).stdout }).toString(),
    ).toBe('program');
  });
});
