import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseEnvironment } from '../host/process.ts';
import { findProgram, thisHost } from '../host/this-host.ts';
import { RootTree } from '../rootfs/tree.ts';
import { readCpio } from './cpio.ts';
import { type BuiltFixture, buildFixture, fixtureLayer } from './image-fixture.ts';

const directory = mkdtempSync(join(tmpdir(), "coracle image 'ü@@ "));
const plain = mkdtempSync(join(tmpdir(), 'coracle-image-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
  rmSync(plain, { recursive: true });
});

let image: BuiltFixture;
beforeAll(async () => {
  image = await buildFixture({ workspace: join(directory, 'first') });
}, 60_000);

function output(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', env: baseEnvironment() });
}

interface Shape {
  readonly version: string;
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
  readonly verity: { readonly salt: string; readonly hashOffset: number; readonly rootHash: string };
}

describe('root.squashfs', () => {
  it('holds the tree, with owners, modes, links, devices and one time', () => {
    const lines = output('rdsquashfs', '--describe', image.squashfs).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'file usr/bin/owned 04755 1000 65534',
        'file "etc/ünï cödé \\"quoted\\"" 0644 0 0',
        'nod dev/console 0600 0 0 c 5 1',
        'slink bin/sh 0777 0 0 ../usr/bin/sh',
        'dir var/empty 0700 0 0',
      ]),
    );
    for (const path of ['/', '/etc', '/usr/lib/large', '/bin/sh']) {
      expect(output('rdsquashfs', '--stat', path, image.squashfs), path).toContain('(315532800)');
    }
    expect(output('rdsquashfs', '--cat', '/usr/lib/same', image.squashfs)).toBe('coracle '.repeat(87_500));
  });

  it('is protected by a hash tree that veritysetup accepts', () => {
    const { verity, files } = JSON.parse(readFileSync(image.manifest, 'utf8')) as Shape;
    const args = [`--hash-offset=${verity.hashOffset}`, image.squashfs, image.squashfs, verity.rootHash];
    output('veritysetup', 'verify', ...args);
    expect(files.find(({ path }) => path === 'root.squashfs')?.size).toBe(statSync(image.squashfs).size);
    expect(verity.hashOffset % 4096).toBe(0);
  });
});

describe('the initramfs', () => {
  const archive = () => zstdDecompressSync(readFileSync(image.initramfs));

  it('is what docs/boot.md says', () => {
    const members = readCpio(archive());
    expect(members.map(({ path, type, mode }) => `${type} ${mode.toString(8)} ${path}`)).toEqual([
      ...['dev', 'proc', 'sys', 'run', 'sysroot', 'modules'].map((name) => `directory 755 ${name}`),
      'device 666 dev/null',
      'file 755 init',
      ...['order', 'loop.ko', 'dm-verity.ko', 'overlay.ko'].map((name) => `file 644 modules/${name}`),
    ]);
    const order = members.find(({ path }) => path === 'modules/order');
    expect(order?.type === 'file' && Buffer.from(order.data).toString()).toBe('loop.ko\ndm-verity.ko\noverlay.ko\n');
  });

  it('is an archive that cpio takes', (context) => {
    if (findProgram(thisHost(), 'cpio') === undefined) return context.skip('cpio is not on this machine');
    const options = { input: archive(), encoding: 'utf8', env: baseEnvironment() } as const;
    const list = execFileSync('cpio', ['-itv', '--numeric-uid-gid', '--quiet'], options);
    expect(list.split('\n').map((line) => line.replace(/\s+/g, ' '))).toEqual(
      expect.arrayContaining([
        'drwxr-xr-x 2 0 0 0 Jan 1 1980 sysroot',
        '-rwxr-xr-x 1 0 0 50000 Jan 1 1980 init',
        '-rw-r--r-- 1 0 0 1600 Jan 1 1980 modules/dm-verity.ko',
      ]),
    );
  });
});

describe('the disk image', () => {
  it('has a partition table with the names that coracle-init looks for', () => {
    output('sfdisk', '--verify', image.disk);
    const table = JSON.parse(output('sfdisk', '--json', image.disk)) as {
      partitiontable: { partitions: { name: string; start: number; size: number }[] };
    };
    expect(table.partitiontable.partitions.map(({ name, start, size }) => [name, start, size])).toEqual([
      ['coracle-boot', 2048, 64 * 2048],
      ['coracle-persist', 65 * 2048, 32 * 2048],
    ]);
    expect(statSync(image.disk).size).toBe(98 * 2 ** 20);
  });

  it('takes no more room than what is in it', () => {
    expect(statSync(image.disk).blocks * 512).toBeLessThan(3 * 2 ** 20);
  });

  it('has a boot partition that is in order and holds the slot, an entry for it, and the boot loader', () => {
    const partition = cut(image.disk, 1, 64);
    output('fsck.vfat', '-n', partition);
    const { version, files } = JSON.parse(readFileSync(image.manifest, 'utf8')) as Shape;
    const inside = ['-i', partition];
    const found = output('mdir', ...inside, '-/', '-b', '::')
      .trim()
      .split('\n')
      .map((path) => path.slice(3));
    expect(found.filter((path) => !path.endsWith('/')).sort()).toEqual(
      [
        'EFI/BOOT/BOOTX64.EFI',
        'loader/entries.srel',
        `loader/entries/${version}.conf`,
        'loader/loader.conf',
        ...['initramfs', 'kernel', 'manifest.json', 'root.squashfs'].map((file) => `slots/${version}/${file}`),
      ].sort(),
    );
    for (const { path, sha256 } of files) {
      const copy = join(plain, 'copy');
      output('mcopy', ...inside, '-n', '-o', `::slots/${version}/${path}`, copy);
      expect(output('sha256sum', copy).slice(0, 64)).toBe(sha256);
    }
    expect(output('mtype', ...inside, `::loader/entries/${version}.conf`)).toContain(
      `linux /slots/${version}/kernel\ninitrd /slots/${version}/initramfs\noptions coracle.slot=${version} gpt panic=5\n`,
    );
  });

  it('has a persist partition that is in order and empty', () => {
    const partition = cut(image.disk, 65, 32);
    output('e2fsck', '-f', '-n', partition);
    expect(output('dumpe2fs', '-h', partition)).toMatch(/Filesystem volume name: +persist\n/);
  });
});

it('gives the same bytes in a directory of another name and length', async () => {
  const second = await buildFixture({ workspace: join(directory, 'a second one, with a longer name', 'and deeper') });
  for (const part of ['squashfs', 'initramfs', 'manifest', 'disk'] as const) {
    expect(output('sha256sum', second[part]).slice(0, 64), part).toBe(output('sha256sum', image[part]).slice(0, 64));
  }
}, 60_000);

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;

it('gives the same bytes to a user who is not root', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('needs root to become another user');
  const fixture = join(import.meta.dirname, 'image-fixture.ts');
  const [program, ...args] = NOBODY;
  const mayRead = spawnSync(program, [...args, 'test', '-r', fixture, '-a', '-x', process.execPath]);
  if (mayRead.status !== 0) return context.skip('another user may not read this checkout');
  const workspace = mkdtempSync(join(tmpdir(), 'coracle-nobody-'));
  chmodSync(workspace, 0o777);
  try {
    const code = `const { buildFixture } = await import(${JSON.stringify(fixture)});
      console.log(JSON.stringify(await buildFixture({ workspace: ${JSON.stringify(join(workspace, 'w'))} })));`;
    const built = JSON.parse(
      output(program, ...args, process.execPath, '--input-type=module', '-e', code),
    ) as BuiltFixture;
    for (const part of ['squashfs', 'initramfs', 'manifest', 'disk'] as const) {
      expect(output('sha256sum', built[part]).slice(0, 64), part).toBe(output('sha256sum', image[part]).slice(0, 64));
    }
  } finally {
    rmSync(workspace, { recursive: true });
  }
}, 60_000);

describe('a hook on the boot partition', () => {
  const hookLayer = (name: string, script: string) => {
    const layer = fixtureLayer(name, join(directory, name));
    mkdirSync(layer.directory, { recursive: true });
    const program = join(layer.directory, 'image');
    writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { ...layer, contents: { ...layer.contents, hooks: { image: program } } };
  };

  it('adds files to it', async () => {
    const layers = [hookLayer('adds', 'mkdir overlays && echo enable_uart=1 >overlays/Config.txt')];
    const { disk } = await buildFixture({ workspace: join(plain, 'adds'), layers });
    expect(output('mtype', '-i', `${disk}@@1M`, '::overlays/Config.txt')).toBe('enable_uart=1\n');
    expect(output('mdir', '-b', '-i', `${disk}@@1M`, '::slots')).toContain('1.2.3-');
  });

  it('is refused if it changes what the manifest vouches for', async () => {
    const layers = [hookLayer('breaks', 'rm slots/*/kernel')];
    await expect(buildFixture({ workspace: join(plain, 'breaks'), layers })).rejects.toMatchObject({
      parts: {
        code: 'hook-changed-slot',
        message: expect.stringMatching(/^hook image of breaks removed slots\/.*kernel$/),
      },
    });
  });
});

describe('what cannot be', () => {
  it('a boot partition that does not hold the image is refused, with the size that would do', async () => {
    const tree = new RootTree();
    const noise = randomBytes(38 * 2 ** 20);
    tree.addFile('/noise', noise, { origin: 'test' });
    const workspace = join(directory, 'too small');
    await expect(buildFixture({ workspace, tree, settings: { bootPartitionMiB: 34 } })).rejects.toMatchObject({
      parts: { code: 'boot-partition-too-small', hint: expect.stringMatching(/bootPartitionMiB .* to \d+/) },
    });
    expect(readdirSync(join(workspace, 'stages')).filter((name) => name.startsWith('disk'))).toEqual([]);
    const { events } = await buildFixture({ workspace, tree, settings: { bootPartitionMiB: 64 } });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'warning', text: expect.stringContaining('one slot') }),
    );
  }, 60_000);

  it('a version that cannot be a file name is refused', async () => {
    const built = buildFixture({ workspace: join(directory, 'version'), settings: { version: '1.0+git/x' } });
    await expect(built).rejects.toMatchObject({ parts: { code: 'bad-version' } });
    expect(existsSync(join(directory, 'version/stages/slot'))).toBe(false);
  });
});

function cut(disk: string, startMiB: number, sizeMiB: number): string {
  // mtools takes "@@" in a path for the start of an offset.
  const to = join(plain, `partition-${startMiB}`);
  output('dd', `if=${disk}`, `of=${to}`, 'bs=1M', `skip=${startMiB}`, `count=${sizeMiB}`, 'conv=sparse', 'status=none');
  return to;
}
