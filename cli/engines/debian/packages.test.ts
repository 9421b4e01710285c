/** From the mirror to the cache: what is fetched, kept, noticed to be damaged, and said when it cannot be had. */
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TinyArchive } from '../../../test/support/tiny-packages.ts';
import type { LockedPackage } from '../../workspace/lock-schema.ts';
import { downloadPath, fetchPackages } from './apt/download.ts';
import { unpackedPath, unpackPackages } from './unpacked.ts';

let archive: TinyArchive;
let one: LockedPackage;
let other: LockedPackage;

beforeEach(async () => {
  archive = await TinyArchive.make();
  const files = { 'etc/one.conf': 'one\n', 'usr/share/doc/one': 'x'.repeat(5000) };
  [one, other] = (await archive.add(
    { name: 'one', version: '1:2.0+a~b-1', files, postinst: '#!/bin/sh\n' },
    { name: 'other' },
  )) as [LockedPackage, LockedPackage];
});
afterEach(async () => archive[Symbol.asyncDispose]());

function cached(locked: LockedPackage): string {
  return downloadPath(archive.cache, locked.sha256);
}

describe('fetchPackages', () => {
  it('fetches what is missing, once', async () => {
    const seen: string[] = [];
    const options = archive.downloads({ onProgress: (done, total) => seen.push(`${done}/${total}`) });
    await fetchPackages([one, other], options);
    expect(readFileSync(cached(one)).equals(readFileSync(archive.file(one)))).toBe(true);
    expect(seen).toEqual(['1/2', '2/2']);
    const before = statSync(cached(one)).mtimeMs;
    await rm(archive.mirror, { recursive: true });
    await fetchPackages([one, other], options);
    expect(statSync(cached(one)).mtimeMs).toBe(before);
  });

  it('fetches a file again that was cut', async () => {
    await fetchPackages([one], archive.downloads());
    truncateSync(cached(one), 100);
    await fetchPackages([one], archive.downloads());
    expect(statSync(cached(one)).size).toBe(one.size);
  });

  it('says that the mirror no longer has the version', async () => {
    await rm(archive.file(one));
    await expect(fetchPackages([one, other], archive.downloads())).rejects.toMatchObject({
      parts: { code: 'package-gone', hint: expect.stringContaining('coracle update') as string },
    });
    // What could be had was kept.
    expect(statSync(cached(other)).size).toBe(other.size);
  });

  it('does not take what has another hash', async () => {
    const bytes = readFileSync(archive.file(one));
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
    writeFileSync(archive.file(one), bytes);
    await expect(fetchPackages([one], archive.downloads())).rejects.toMatchObject({
      parts: { code: 'package-tampered', message: expect.stringContaining('one 1:2.0+a~b-1') as string },
    });
  });

  it('says which mirror cannot be reached', async () => {
    const { PrivateApt } = await import('./apt/private-apt.ts');
    // Port 1 of the loopback: refused at once.
    const source = {
      archive: 'debian',
      uris: ['http://127.0.0.1:1/debian'],
      suites: ['x'],
      components: ['main'],
      keyring: '/dev/null',
    } as const;
    const apt = () => PrivateApt.open({ cache: archive.cache, arch: 'x86_64', sources: [source] });
    await expect(fetchPackages([one], archive.downloads({ apt }))).rejects.toMatchObject({
      parts: { code: 'mirror-unreachable' },
    });
    await expect((await apt()).update()).rejects.toMatchObject({
      parts: { code: 'mirror-unreachable', message: expect.stringContaining('127.0.0.1:1') as string },
    });
  });

  it('offline, takes what is in the cache and says what is not', async () => {
    await fetchPackages([one], archive.downloads());
    await fetchPackages([one], archive.downloads({ offline: true }));
    await expect(fetchPackages([one, other], archive.downloads({ offline: true }))).rejects.toMatchObject({
      parts: { code: 'offline', message: expect.stringContaining('other 1.0-1') as string },
    });
  });
});

describe('unpackPackages', () => {
  it('keeps the files in an uncompressed tar, and the control files', async () => {
    await fetchPackages([one], archive.downloads());
    const [unpacked] = await unpackPackages([one], archive.downloads());
    expect(unpacked?.control.get('version')).toBe('1:2.0+a~b-1');
    expect(unpacked?.scripts.get('postinst')?.toString()).toBe('#!/bin/sh\n');
    expect(readFileSync(unpacked?.dataTar ?? '').includes('one\n')).toBe(true);
  });

  it('notices a download that was tampered with, and fetches it again', async () => {
    await fetchPackages([one], archive.downloads());
    const bytes = readFileSync(cached(one));
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
    writeFileSync(cached(one), bytes);
    await expect(unpackPackages([one], archive.downloads({ offline: true }))).rejects.toMatchObject({
      parts: { code: 'offline', message: expect.stringContaining('damaged') as string },
    });
    await unpackPackages([one], archive.downloads());
    expect(readFileSync(cached(one)).equals(readFileSync(archive.file(one)))).toBe(true);
  });

  it('unpacks again what was cut, and does not unpack twice', async () => {
    await fetchPackages([one], archive.downloads());
    await unpackPackages([one], archive.downloads());
    const tar = join(unpackedPath(archive.cache, one.sha256), 'data.tar');
    const { size } = statSync(tar);
    truncateSync(tar, 512);
    await unpackPackages([one], archive.downloads());
    expect(statSync(tar).size).toBe(size);
    const { ino } = statSync(tar);
    await rm(cached(one));
    await unpackPackages([one], archive.downloads());
    expect(statSync(tar).ino).toBe(ino);
  });

  it('leaves nothing behind when a package is broken', async () => {
    await copyFile(archive.file(other), join(archive.directory, 'broken'));
    truncateSync(join(archive.directory, 'broken'), 120);
    const { sha256File } = await import('../../host/files.ts');
    const broken = { ...other, sha256: await sha256File(join(archive.directory, 'broken')), size: 120 };
    await fetchPackages([other], archive.downloads());
    await copyFile(join(archive.directory, 'broken'), cached(broken));
    await expect(unpackPackages([broken], archive.downloads())).rejects.toMatchObject({
      parts: { code: 'command-failed' },
    });
    const { readdirSync } = await import('node:fs');
    expect(readdirSync(join(archive.cache, 'unpacked'))).toEqual([]);
  });
});
