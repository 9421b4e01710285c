import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { baseEnvironment } from '../host/process.ts';
import { fatGeometry } from './boot-partition.ts';
import { diskLayout, MIB } from './disk-layout.ts';
import { uuidFrom } from './identity.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle-layout-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('partitions follow one another on whole MiB, and leave room for the table at either end', () => {
  const sizes = fc.record({
    bootMiB: fc.integer({ min: 33, max: 1e6 }),
    persistMiB: fc.integer({ min: 16, max: 1e6 }),
  });
  fc.assert(
    fc.property(sizes, (wanted) => {
      const { boot, persist, size } = diskLayout(wanted);
      expect([boot.offset % MIB, persist.offset % MIB, size % MIB]).toEqual([0, 0, 0]);
      expect(boot).toEqual({ offset: MIB, size: wanted.bootMiB * MIB });
      expect(persist).toEqual({ offset: boot.offset + boot.size, size: wanted.persistMiB * MIB });
      expect(size - (persist.offset + persist.size)).toBe(MIB);
    }),
  );
});

describe('the geometry of the boot partition', () => {
  it.each([33, 34, 48, 63, 64, 100, 128, 129, 200, 255, 256, 257, 260, 300, 512, 2048, 8192])(
    'makes %i MiB a FAT32 that has the room it says',
    (mib) => {
      const image = join(directory, 'fat');
      writeFileSync(image, '');
      truncateSync(image, mib * MIB);
      const { cluster, capacity } = fatGeometry(mib * MIB);
      const options = { encoding: 'utf8', env: baseEnvironment() } as const;
      execFileSync('mkfs.vfat', ['-F', '32', '-s', `${cluster / 512}`, '-R', '32', image], options);
      const report = execFileSync('fsck.vfat', ['-n', '-v', image], options);
      expect(report).toContain('2 FATs, 32 bit entries');
      const clusters = Number(/\/(\d+) clusters/.exec(report)?.[1]);
      expect(clusters).toBeGreaterThanOrEqual(65_525);
      expect(clusters * cluster).toBeGreaterThanOrEqual(capacity);
      expect(clusters * cluster - capacity).toBeLessThan(0.02 * capacity);
      rmSync(image);
    },
  );

  it('refuses what can only be FAT16', () => {
    expect(() => fatGeometry(32 * MIB)).toThrow(/too small for FAT32/);
    expect(() => fatGeometry(16 * MIB)).toThrow(/too small for FAT32/);
  });
});

it('identifiers are UUIDs that follow from content and purpose', () => {
  const uuid = uuidFrom('content', 'disk');
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuidFrom('content', 'disk')).toBe(uuid);
  expect(uuidFrom('content', 'boot')).not.toBe(uuid);
});
