import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elfFile } from '../../test/support/elf.ts';
import { ElfDamage, type ElfFacts, readElf } from './elf.ts';

function read(file: Buffer): ElfFacts | undefined {
  return readElf((offset, length) =>
    file.subarray(Math.min(offset, file.length), Math.min(offset + length, file.length)),
  );
}

const parts = {
  interpreter: '/lib/ld.so',
  needed: ['liba.so.1', 'libb.so'],
  soname: 'me.so',
  rpath: '/a:/b',
  runpath: '$ORIGIN/../lib::/c',
};

describe('an ELF file', () => {
  test.each([
    [true, true, 62, 'x86_64-64'],
    [true, true, 183, 'aarch64-64'],
    [false, true, 3, '386-32'],
    [false, true, 40, 'arm-32'],
    [false, false, 8, 'machine-8-32be'],
    [true, false, 21, 'machine-21-64be'],
    // x32: the machine of x86_64, the width of another.
    [false, true, 62, 'x86_64-32'],
  ])('64 bits: %s, little endian: %s, machine %d', (is64, isLittle, machine, name) => {
    for (const base of [0, 0x400000]) {
      expect(read(elfFile({ ...parts, is64, isLittle, machine, base }))).toEqual({
        machine: name,
        interpreter: '/lib/ld.so',
        needed: ['liba.so.1', 'libb.so'],
        soname: 'me.so',
        rpath: ['/a', '/b'],
        runpath: ['$ORIGIN/../lib', '/c'],
      });
    }
  });

  test('that is static needs nothing', () => {
    expect(read(elfFile({ type: 2 }))).toMatchObject({ interpreter: undefined, needed: [], soname: undefined });
  });

  test('object files, core dumps and other files are none', () => {
    expect(read(elfFile({ type: 1 }))).toBeUndefined();
    expect(read(elfFile({ type: 4 }))).toBeUndefined();
    expect(read(Buffer.from('#!/bin/sh\n'.repeat(20)))).toBeUndefined();
    expect(read(Buffer.from('\x7fELF', 'latin1'))).toBeUndefined();
    expect(read(Buffer.alloc(0))).toBeUndefined();
  });

  test('reads a few kilobytes of a large file', () => {
    let total = 0;
    const file = elfFile(parts);
    readElf((offset, length) => {
      total += length;
      return file.subarray(offset, offset + length);
    });
    expect(total).toBeLessThan(16 * 1024);
  });

  test('that is damaged is said to be, and never anything worse', () => {
    const file = elfFile(parts);
    expect(() => read(file.subarray(0, 6010))).toThrow(ElfDamage);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), { maxLength: 12 }),
        fc.nat({ max: file.length }),
        (changes, cut) => {
          const damaged = Buffer.from(file.subarray(0, cut));
          for (const [at, byte] of changes) if (at < cut) damaged[at] = byte;
          // The headers are where a change matters most.
          for (const [at, byte] of changes) if (at % 300 < cut) damaged[at % 300] = byte;
          damaged.write('\x7fELF'.slice(0, cut), 0, 'latin1');
          try {
            read(damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(ElfDamage);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('programs of this machine read as readelf reads them', (context) => {
    if (spawnSync('readelf', ['--version']).error) return context.skip('readelf is not on this machine');
    const files = readdirSync('/usr/bin')
      .slice(0, 120)
      .map((name) => join('/usr/bin', name));
    let compared = 0;
    for (const file of files) {
      if (!statSync(file, { throwIfNoEntry: false })?.isFile()) continue;
      const facts = read(readFileSync(file));
      if (facts === undefined) continue;
      const said = spawnSync('readelf', ['-dlW', file], { encoding: 'utf8' }).stdout;
      expect(facts.needed).toEqual([...said.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]));
      expect(facts.interpreter).toBe(/interpreter: (.*)\]/.exec(said)?.[1]);
      expect(facts.runpath.join(':')).toBe(/\(RUNPATH\).*\[(.*)\]/.exec(said)?.[1] ?? '');
      compared += 1;
    }
    expect(compared).toBeGreaterThan(10);
  });
});
