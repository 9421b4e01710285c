import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { findProgram, thisHost } from '../host/this-host.ts';
import { diskLayout, partitionTable } from '../image/disk-layout.ts';
import { readPartitions } from './gpt.ts';
import { prepareDisk } from './run-disk.ts';

const MIB = 2 ** 20;
const LAYOUT = diskLayout({ bootMiB: 4, persistMiB: 2 });
const sfdisk = findProgram(thisHost(), 'sfdisk');

let directory: string;
let run: string;

beforeEach((context) => {
  if (sfdisk === undefined) context.skip('there is no sfdisk (package fdisk) on this machine');
  directory = mkdtempSync(join(tmpdir(), 'coracle disk '));
  run = join(directory, 'run');
  mkdirSync(run);
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function makeImage(name: string, bootText: string, layout = LAYOUT): string {
  const path = join(directory, name);
  closeSync(openSync(path, 'w'));
  truncateSync(path, layout.size);
  execFileSync(sfdisk ?? '', ['-q', path], { input: partitionTable(layout, name) });
  writeAt(path, layout.boot.offset + 3 * MIB, bootText);
  return path;
}

function writeAt(path: string, position: number, text: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, text, position);
  closeSync(file);
}

function readAt(path: string, position: number, length: number): string {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(length);
  readSync(file, buffer, 0, length, position);
  closeSync(file);
  return buffer.toString();
}

it('reads where partitions are, and finds none where there is no table', async () => {
  const found = await readPartitions(makeImage('a.img', 'A'));
  expect(Object.fromEntries(found)).toEqual({ 'coracle-boot': LAYOUT.boot, 'coracle-persist': LAYOUT.persist });
  const empty = join(directory, 'empty');
  writeAtNew(empty);
  expect((await readPartitions(empty)).size).toBe(0);
});

function writeAtNew(path: string): void {
  closeSync(openSync(path, 'w'));
}

describe('prepareDisk', () => {
  it('makes a larger copy that takes no more room than the image', async () => {
    const image = makeImage('a.img', 'slot A');
    const disk = await prepareDisk(image, run, { room: 1 << 30 });
    expect(disk.state).toBe('created');
    const { size, blocks } = statSync(disk.path);
    expect(size).toBe(LAYOUT.size + (1 << 30));
    expect(blocks * 512).toBeLessThan(4 * MIB);
    expect(readAt(disk.path, LAYOUT.boot.offset + 3 * MIB, 6)).toBe('slot A');
  });

  it('is kept as the device left it while the image is the same', async () => {
    const image = makeImage('a.img', 'slot A');
    const { path } = await prepareDisk(image, run);
    writeAt(path, LAYOUT.boot.offset, 'try counter');
    writeAt(path, LAYOUT.persist.offset, 'data');
    expect((await prepareDisk(image, run)).state).toBe('kept');
    expect(readAt(path, LAYOUT.boot.offset, 11)).toBe('try counter');
    expect(readAt(path, LAYOUT.persist.offset, 4)).toBe('data');
  });

  it('gets the new boot partition, whole, and keeps persist when the image is another', async () => {
    const { path } = await prepareDisk(makeImage('a.img', 'slot A'), run);
    writeAt(path, LAYOUT.boot.offset + MIB, 'left by the device');
    writeAt(path, LAYOUT.persist.offset, 'data');
    const next = await prepareDisk(makeImage('b.img', 'slot B'), run);
    expect(next).toEqual({ path, state: 'boot partition renewed' });
    expect(readAt(path, LAYOUT.boot.offset + 3 * MIB, 6)).toBe('slot B');
    expect(readAt(path, LAYOUT.boot.offset + MIB, 4)).toBe('\0\0\0\0');
    expect(readAt(path, LAYOUT.persist.offset, 4)).toBe('data');
    expect((await prepareDisk(join(directory, 'b.img'), run)).state).toBe('kept');
  });

  it('starts over when told to', async () => {
    const image = makeImage('a.img', 'slot A');
    const { path } = await prepareDisk(image, run);
    writeAt(path, LAYOUT.persist.offset, 'data');
    expect((await prepareDisk(image, run, { fresh: true })).state).toBe('created');
    expect(readAt(path, LAYOUT.persist.offset, 4)).toBe('\0\0\0\0');
  });

  it('does not throw persist away by itself when partitions have moved', async () => {
    const { path } = await prepareDisk(makeImage('a.img', 'slot A'), run);
    writeAt(path, LAYOUT.persist.offset, 'data');
    const moved = makeImage('b.img', 'slot B', diskLayout({ bootMiB: 5, persistMiB: 2 }));
    const error = await prepareDisk(moved, run).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).parts).toMatchObject({
      code: 'disk-layout-changed',
      hint: expect.stringContaining('--fresh'),
    });
    expect(readAt(path, LAYOUT.persist.offset, 4)).toBe('data');
  });
});
