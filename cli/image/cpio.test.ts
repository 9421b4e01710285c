import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findProgram, thisHost } from '../host/this-host.ts';
import { type CpioMember, readCpio, writeCpio } from './cpio.ts';

const path = fc
  .array(fc.stringMatching(/^[^/\0]{1,20}$/u), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((text) => text !== 'TRAILER!!!' && !/[\ud800-\udfff]/.test(text));
const mode = fc.integer({ min: 0, max: 0o7777 });
const member: fc.Arbitrary<CpioMember> = fc.oneof(
  fc.record({ type: fc.constant('directory' as const), path, mode }),
  fc.record({ type: fc.constant('file' as const), path, mode, data: fc.uint8Array({ maxLength: 2000 }) }),
  fc.record({
    ...{ type: fc.constant('device' as const), device: fc.constant('char' as const), path, mode },
    ...{ major: fc.nat(0xfff), minor: fc.nat(0xfffff) },
  }),
);

it('reads back what it wrote', () => {
  fc.assert(
    fc.property(fc.array(member, { maxLength: 10 }), (members) => {
      const archive = writeCpio(members);
      expect(archive.length % 512).toBe(0);
      const back = readCpio(archive).map((one) => (one.type === 'file' ? { ...one, data: [...one.data] } : one));
      expect(back).toEqual(members.map((one) => (one.type === 'file' ? { ...one, data: [...one.data] } : one)));
    }),
  );
});

it('is an archive that cpio takes', (context) => {
  if (findProgram(thisHost(), 'cpio') === undefined) return context.skip('cpio is not on this machine');
  const data = Buffer.from('#!/bin/sh\n');
  const archive = writeCpio([
    { type: 'directory', path: 'dev', mode: 0o755 },
    { type: 'file', path: 'dev/ünï', mode: 0o4755, data },
    { type: 'device', device: 'char', path: 'dev/null', mode: 0o666, major: 1, minor: 3 },
  ]);
  const list = execFileSync('cpio', ['-itv', '--quiet', '--numeric-uid-gid'], { input: archive, encoding: 'utf8' });
  expect(list).toMatch(
    /^drwxr-xr-x +2 0 +0 +0 .* dev\n-rwsr-xr-x +1 0 +0 +10 .* dev\/ünï\ncrw-rw-rw- +1 0 +0 +1, +3 .* dev\/null\n$/,
  );
});
