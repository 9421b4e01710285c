import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { elfFile } from '../../../../test/support/elf.ts';
import { RootTree } from '../../../rootfs/tree.ts';
import { compareNames, formatCache, writeLinkerCache } from './linker-cache.ts';

/** What the machine's ldconfig reads in a cache. */
function listed(cache: Uint8Array): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'coracle ldconfig '));
  try {
    const file = join(directory, 'cache');
    writeFileSync(file, cache);
    const text = execFileSync('/sbin/ldconfig', ['-p', '-C', file], { encoding: 'utf8' });
    return text.split('\n').flatMap((line) => (line.startsWith('\t') ? [line.trim()] : []));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the cache of the dynamic linker', () => {
  it('is what ldconfig reads', () => {
    const library = (name: string, flags: number) => ({ name, path: `/usr/lib/${name}`, flags });
    const cache = formatCache([library('libb.so.2', 0x303), library('liba.so.10', 0xa03), library('liba.so.9', 0x303)]);
    expect(listed(cache)).toEqual([
      'libb.so.2 (libc6,x86-64) => /usr/lib/libb.so.2',
      'liba.so.10 (libc6,AArch64) => /usr/lib/liba.so.10',
      'liba.so.9 (libc6,x86-64) => /usr/lib/liba.so.9',
    ]);
  });

  it('has libraries by soname, of the configured directories too, the first of a name', async () => {
    const tree = new RootTree();
    const add = (path: string, soname: string) => tree.addFile(path, elfFile({ soname }), { origin: 'test' });
    add('/usr/lib/x86_64-linux-gnu/libc.so.6', 'libc.so.6');
    tree.addLink('/lib', 'usr/lib', { origin: 'test' });
    add('/usr/lib/x86_64-linux-gnu/libx-1.2.so', 'libx.so.1');
    tree.addLink('/usr/lib/x86_64-linux-gnu/libx.so.1', 'libx-1.2.so', { origin: 'test' });
    tree.addLink('/usr/lib/x86_64-linux-gnu/libx.so', 'libx.so.1', { origin: 'test' });
    tree.addFile('/usr/lib/x86_64-linux-gnu/libtext.so', 'INPUT(libx.so.1)', { origin: 'test' });
    tree.addFile('/etc/ld.so.conf', 'include /etc/ld.so.conf.d/*.conf\n', { origin: 'test' });
    tree.addFile('/etc/ld.so.conf.d/own.conf', '/opt/own\n', { origin: 'test' });
    add('/opt/own/libown.so.3', 'libown.so.3');
    add('/opt/own/libx.so.1', 'libx.so.1');
    await writeLinkerCache(tree);
    expect(listed(await tree.read('/etc/ld.so.cache'))).toEqual([
      'libx.so.1 (libc6,x86-64) => /opt/own/libx.so.1',
      'libx.so (libc6,x86-64) => /lib/x86_64-linux-gnu/libx.so',
      'libown.so.3 (libc6,x86-64) => /opt/own/libown.so.3',
      'libc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6',
    ]);
  });

  it('is not made for a root without glibc, nor over a layer’s own', async () => {
    const tree = new RootTree();
    await writeLinkerCache(tree);
    expect(tree.has('/etc/ld.so.cache')).toBe(false);
    tree.addFile('/etc/ld.so.cache', 'own', { origin: 'layer' });
    await writeLinkerCache(tree);
    expect((await tree.read('/etc/ld.so.cache')).toString()).toBe('own');
  });
});

describe('compareNames', () => {
  it.each([
    ['libx.so.9', 'libx.so.10', -1],
    ['libx.so.1', 'libx.so', 1],
    ['liba.so', 'libb.so', -1],
    ['lib1.so', 'liba.so', 1],
    ['libx.so.1', 'libx.so.1', 0],
  ])('%s, %s', (a, b, order) => {
    expect(Math.sign(compareNames(a, b))).toBe(order);
    expect(Math.sign(compareNames(b, a))).toBe(order === 0 ? 0 : -order);
  });
});
