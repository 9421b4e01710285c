/**
 * coracle-init in a real guest, on media that are whole and on media that are damaged. The kernel is Debian's, the root is
 * a few programs and an init that reports (test/fixtures/init-probe).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findProgram, thisHost } from '../../cli/host/this-host.ts';
import { QEMU } from '../../cli/run/machine.ts';
import { driveArguments, type GuestOptions, type GuestRun, runGuest } from '../support/guest.ts';
import { Medium } from '../support/medium.ts';
import { buildProbeImage, type ProbeImage } from '../support/probe-image.ts';

const MIB = 2 ** 20;
/** Emulation on a busy machine is slow; what is measured inside of the guest has limits of its own. */
const TEST_MS = 180_000;

const directory = mkdtempSync(join(tmpdir(), 'coracle init '));
let built: ProbeImage;
let skipped: string | undefined;
let medium: Medium;

beforeAll(async () => {
  if (findProgram(thisHost(), QEMU.x86_64) === undefined) {
    skipped = `${QEMU.x86_64} is not on this machine`;
    return;
  }
  const image = await buildProbeImage(join(directory, 'x86_64'), 'x86_64');
  if ('reason' in image) skipped = `the image cannot be built here: ${image.reason}`;
  else built = image;
}, 600_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach((context) => {
  if (skipped !== undefined) {
    console.warn(`coracle-init is not tried: ${skipped}`);
    context.skip(skipped);
  }
  medium = new Medium(built.disk, join(directory, 'disk.img'));
});

function start(more: Omit<GuestOptions, 'image'> = {}): Promise<GuestRun> {
  return runGuest({ image: built, disk: medium.path, ...more });
}

function slotFile(name: string): string {
  return `slots/${built.manifest.version}/${name}`;
}

/** The guest ended by a restart before init ran, and said why. */
function expectFatal(run: GuestRun, message: RegExp): void {
  expect(run.lines.filter((line) => /fatal:/.test(line)).join('\n')).toMatch(message);
  expect(run.probe.size).toBe(0);
}

describe('a whole medium', { timeout: TEST_MS }, () => {
  it('is checked, mounted and handed over', async () => {
    const keys = 'ssh-ed25519 AAAA probe';
    const run = await start({ more: ['-fw_cfg', `name=opt/coracle/authorized_keys,string=${keys}`] });
    const { version } = built.manifest;
    expect(run.boot, run.lines.join('\n')).toMatchObject({
      slot: version,
      version,
      persist: { state: 'ok', grown: false },
    });
    const mounts = run.probe.get('mount')?.join('\n') ?? '';
    expect(mounts).toMatch(/ \/run\/coracle\/boot vfat ro,/);
    expect(mounts).toMatch(/\/dev\/dm-0 \/run\/coracle\/root squashfs ro,/);
    expect(mounts).toMatch(/overlay \/ overlay rw,/);
    expect(mounts).toMatch(/ \/mnt\/persist ext4 rw,nodev,noatime/);
    expect(mounts).toMatch(/overlay \/etc overlay rw,.*upperdir=\/mnt\/persist\/skiff\/etc/);
    expect(run.probe.get('skiff')).toEqual(
      ['.work', 'connections', 'core', 'docker', 'etc', 'hostname', 'journal', 'keys', 'ssh'].sort(),
    );
    expect(run.probe.get('keys')).toEqual([keys]);
    // Nothing of coracle-init is left running.
    expect(run.probe.get('processes')).toEqual(['0']);
    expect(run.probe.get('end')).toBeDefined();
  });

  it('keeps /etc and the host name for the next boot', async () => {
    await start({ tasks: ['write'] });
    const run = await start();
    expect(run.probe.get('etc')).toEqual(['kept']);
    expect(run.probe.get('hostname')).toEqual(['boat boat']);
    expect(medium.checkPersist()).toBe(0);
  });

  it('comes up with its data after a loss of power', async () => {
    await start({ tasks: ['write', 'crash'] });
    const run = await start();
    expect(run.boot?.persist, run.lines.join('\n')).toEqual({ state: 'ok', grown: false });
    expect(run.probe.get('etc')).toEqual(['kept']);
    expect(run.lines.join('\n')).toContain('checking persist: it was in use when the power went');
  });

  it('is used to its end when it is larger than the image, once', async () => {
    medium.enlarge(3000);
    const run = await start();
    expect(run.boot?.persist, run.lines.join('\n')).toEqual({ state: 'ok', grown: true });
    const { offset, size } = medium.partition('coracle-persist');
    expect(offset + size).toBe((3000 - 1) * MIB);
    const [blocks = '', blockSize = ''] = run.probe.get('blocks')?.[0]?.split(' ') ?? [];
    expect(Number(blocks) * Number(blockSize)).toBeGreaterThan(size * 0.95);
    expect(medium.verifyTable()).toContain('No errors detected');
    expect(medium.checkPersist()).toBe(0);
    const second = await start();
    expect(second.boot?.persist).toEqual({ state: 'ok', grown: false });
  });

  it('is found by its backup partition table when the primary is damaged, which is then mended', async () => {
    medium.write(512, Buffer.alloc(512));
    const run = await start({ parameters: ['gpt'] });
    expect(run.boot?.persist, run.lines.join('\n')).toEqual({ state: 'ok', grown: false });
    expect(run.lines.join('\n')).toContain('is mended from its backup');
    expect(medium.verifyTable()).toContain('No errors detected');
  });

  it('boots where the kernel has no console', async () => {
    await start({ kernelParameters: ['console=nowhere'], tasks: ['write'] });
    // Nobody could say so: what it wrote tells.
    const run = await start();
    expect(run.probe.get('etc'), run.lines.join('\n')).toEqual(['kept']);
  });

  it('may come late', async () => {
    let plugged = false;
    const run = await start({
      disk: undefined,
      more: driveArguments('late', medium.path),
      onLine: (line, tell) => {
        if (plugged || !line.includes('coracle-init: ')) return;
        plugged = true;
        tell('device_add', { driver: 'virtio-blk-pci', drive: 'late', bus: 'socket' });
      },
    });
    expect(plugged).toBe(true);
    expect(run.boot?.persist.state).toBe('ok');
  });
});

describe('a whole medium of arm64', { timeout: 600_000 }, () => {
  it('is checked, mounted, used to its end and handed over', async (context) => {
    if (findProgram(thisHost(), QEMU.arm64) === undefined) return context.skip(`${QEMU.arm64} is not on this machine`);
    const image = await buildProbeImage(join(directory, 'arm64'), 'arm64');
    if ('reason' in image) return context.skip(`the image cannot be built here: ${image.reason}`);
    const disk = new Medium(image.disk, join(directory, 'arm64.img'));
    disk.enlarge(1000);
    const run = await runGuest({ image, disk: disk.path });
    expect(run.boot, run.lines.join('\n')).toMatchObject({
      version: image.manifest.version,
      persist: { state: 'ok', grown: true },
    });
    expect(run.probe.get('mount')?.join('\n')).toMatch(/overlay \/etc overlay rw,/);
    expect(disk.checkPersist()).toBe(0);
    // What is for the other architecture is refused.
    const path = `slots/${image.manifest.version}/manifest.json`;
    disk.writeBootFile(path, Buffer.from(disk.readBootFile(path).toString().replace('"arm64"', '"x86_64"')));
    expectFatal(await runGuest({ image, disk: disk.path }), /it is for x86_64, this machine is arm64/);
  });
});

describe('persist in trouble', { timeout: TEST_MS }, () => {
  /** Up, with memory in place of persist, within the limit. */
  function expectDegraded(run: GuestRun, cause: string, reason: RegExp): void {
    expect(run.boot?.persist, run.lines.join('\n')).toMatchObject({
      state: 'degraded',
      cause,
      reason: expect.stringMatching(reason),
    });
    expect(run.probe.get('writable')).toEqual(['/etc']);
    expect(run.probe.get('end')).toBeDefined();
    if (cause === 'full') return;
    expect(run.probe.get('mount')?.join('\n')).toMatch(/tmpfs \/mnt\/persist tmpfs/);
  }

  it('is missing', async () => {
    medium.deletePartition(2);
    const run = await start({ parameters: ['coracle.persist_wait=2'] });
    expectDegraded(run, 'missing', /no partition named coracle-persist/);
    expect(run.boot?.ms.persist).toBeLessThan(4000);
  });

  it('is switched off', async () => {
    expectDegraded(await start({ parameters: ['coracle.persist=off'] }), 'off', /coracle\.persist=off/);
  });

  it('is no file system', async () => {
    const { offset, size } = medium.partition('coracle-persist');
    medium.write(offset, Buffer.alloc(size, 0x5a));
    expectDegraded(await start(), 'corrupt', /no ext4 superblock/);
    // Nothing was done to what may yet be rescued.
    expect(medium.read(offset, size).every((byte) => byte === 0x5a)).toBe(true);
  });

  it('has a damaged superblock', async () => {
    const { offset } = medium.partition('coracle-persist');
    medium.write(offset + 1024 + 0x300, Buffer.from('x'));
    expectDegraded(await start(), 'corrupt', /the superblock's checksum is wrong/);
  });

  it('cannot be read', async () => {
    const { offset } = medium.partition('coracle-persist');
    const sector = (offset + 1024) / 512;
    const fault = `{"driver":"blkdebug","image":{"driver":"file","filename":${JSON.stringify(medium.path)}},"inject-error":[{"event":"none","iotype":"read","errno":5,"sector":${sector},"once":false}],"node-name":"broken"}`;
    const more = ['-blockdev', fault, '-device', 'virtio-blk-pci,drive=broken'];
    expectDegraded(await start({ disk: undefined, more }), 'failed', /reading the superblock of \/dev\/vda2/);
  });

  it('is full', async () => {
    await start({ tasks: ['write', 'fill'] });
    const run = await start();
    expectDegraded(run, 'full', /\d+ KiB are free/);
    // It is there all the same, and what was saved in /etc counts.
    expect(run.probe.get('mount')?.join('\n')).toMatch(/ \/mnt\/persist ext4 /);
    expect(run.probe.get('etc')).toEqual(['kept']);
  });

  it('is on another disk, which gives next to nothing when it is to be checked', async () => {
    await start({ tasks: ['crash'] });
    const other = new Medium(medium.path, join(directory, 'other.img'));
    other.deletePartition(1);
    medium.deletePartition(2);
    const run = await start({
      parameters: ['coracle.persist_wait=3'],
      // QEMU itself does not end before the disk has answered.
      killAt: /probe: end/,
      more: [...driveArguments('other', other.path), '-device', 'virtio-blk-pci,drive=other'],
      onLine: (line, tell) => {
        if (line.includes('coracle-init: checking persist')) tell('block_set_io_throttle', choked('other'));
      },
    });
    expectDegraded(run, 'late', /in time/);
    expect(run.boot?.ms.persist).toBeLessThan(5000);
  });
});

it('restarts the machine if a disk hangs for good', { timeout: TEST_MS }, async () => {
  const run = await start({
    parameters: ['coracle.boot_wait=1', 'coracle.persist_wait=1', 'coracle.rest_wait=3'],
    killAt: /fatal: /,
    onLine: (line, tell) => {
      if (line.includes('coracle-init: ')) tell('block_set_io_throttle', choked('disk'));
    },
  });
  expectFatal(run, /fatal: the boot took longer than 5 s/);
});

/** A byte a second: every read hangs. */
function choked(device: string) {
  return { device, bps: 1, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };
}

describe('a slot that is not what its manifest says', { timeout: TEST_MS }, () => {
  it('is not there', async () => {
    expectFatal(await start({ slot: 'other-1' }), /reading .*slots\/other-1\/manifest\.json/);
  });

  it('has no boot partition', async () => {
    const run = await start({ disk: undefined, parameters: ['coracle.boot_wait=1'] });
    expectFatal(run, /no partition named coracle-boot/);
  });

  it('has a manifest that was cut', async () => {
    const path = slotFile('manifest.json');
    medium.writeBootFile(path, medium.readBootFile(path).subarray(0, 700));
    expectFatal(await start(), /manifest\.json: not JSON: .* at byte 700/);
  });

  it('has a root that was cut', async () => {
    const path = slotFile('root.squashfs');
    medium.writeBootFile(path, medium.readBootFile(path).subarray(0, -4096));
    expectFatal(await start(), /root\.squashfs has \d+ bytes, its manifest says \d+/);
  });

  it('has another root hash', async () => {
    const path = slotFile('manifest.json');
    const { rootHash } = built.manifest.verity;
    const other = rootHash.startsWith('0') ? `1${rootHash.slice(1)}` : `0${rootHash.slice(1)}`;
    medium.writeBootFile(path, Buffer.from(medium.readBootFile(path).toString().replace(rootHash, other)));
    expectFatal(await start(), /root\.squashfs does not match its manifest/);
  });

  it('has a verity superblock that was tampered with', async () => {
    expectFatal(await tamper(built.manifest.verity.hashOffset + 72), /verity superblock's number of data blocks/);
  });

  it('has a file system superblock that was tampered with', async () => {
    expectFatal(await tamper(100), /root\.squashfs does not match its manifest/);
  });

  it('has a block that was tampered with: the machine restarts when it is read', async () => {
    const run = await tamper(Math.floor(built.manifest.verity.hashOffset / 2), ['read']);
    expect(run.probe.get('boot')).toBeDefined();
    expect(run.lines.join('\n')).toContain('is corrupted');
    expect(run.probe.get('end')).toBeUndefined();
  });

  async function tamper(offset: number, tasks: readonly string[] = []): Promise<GuestRun> {
    const path = slotFile('root.squashfs');
    const root = medium.readBootFile(path);
    root.writeUInt8(root.readUInt8(offset) ^ 0x40, offset);
    medium.writeBootFile(path, root);
    return start({ tasks });
  }
});
