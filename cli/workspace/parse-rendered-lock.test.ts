import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LockFile } from './lock-schema.ts';
import { parseRenderedLock } from './parse-rendered-lock.ts';
import { renderLock } from './render-lock.ts';

const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((one) => one !== '__proto__');
const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const one = fc.record(
  {
    name: fc.stringMatching(/^[a-z][a-z0-9+.-]{1,9}$/),
    version: text,
    arch: fc.constantFrom('amd64', 'arm64', 'all'),
    sha256: hash,
    size: fc.nat(),
    uri: text,
    beside: fc.constant(true as const),
    tool: fc.constant(true as const),
  },
  { requiredKeys: ['name', 'version', 'arch', 'sha256', 'size', 'uri'] },
);
const lock: fc.Arbitrary<LockFile> = fc.record({
  git: fc.dictionary(text, fc.record({ rev: text, commit: fc.stringMatching(/^[0-9a-f]{40}$/) }), {
    noNullPrototype: true,
  }),
  debian: fc.dictionary(
    text,
    fc.record({
      request: text,
      arch: fc.constantFrom('x86_64', 'arm64'),
      packages: fc
        .uniqueArray(one, { selector: ({ name }) => name })
        .map((packages) => packages.toSorted((a, b) => (a.name < b.name ? -1 : 1))),
    }),
    { noNullPrototype: true },
  ),
});

describe('parseRenderedLock', () => {
  it('reads what was rendered', () => {
    fc.assert(
      fc.property(lock, (written) => {
        const read = parseRenderedLock(renderLock(written));
        if (read !== undefined) expect(read).toEqual(written);
      }),
    );
  });

  it('does so for every lock of ordinary names', () => {
    const sha256 = 'ab'.repeat(32);
    const written: LockFile = {
      git: { 'https://example.org/my layers.git': { rev: 'v3', commit: 'cd'.repeat(20) } },
      debian: {
        qemu: {
          request: sha256,
          arch: 'x86_64',
          packages: [
            {
              name: 'g++',
              version: '4:12.2.0-3',
              arch: 'amd64',
              sha256,
              size: 5,
              uri: 'debian:pool/main/g/g++_12.2.0-3_amd64.deb',
            },
            {
              name: 'linux-image-amd64',
              version: '6.1.1~x+1',
              arch: 'all',
              sha256,
              size: 0,
              uri: 'debian:pool/x, y}.deb',
              beside: true,
            },
          ],
        },
        'with space, "quotes" and ümlaut': { request: 'true', arch: 'arm64', packages: [] },
      },
    };
    expect(parseRenderedLock(renderLock(written))).toEqual(written);
  });

  it.each([
    ['another order of fields', (all: string) => all.replace('{name: a, version: "1"', '{version: "1", name: a')],
    ['a comment', (all: string) => `${all}# mine\n`],
    ['a hash that is none', (all: string) => all.replaceAll('ab', 'zz')],
    ['a conflict of a merge', (all: string) => `<<<<<<< HEAD\n${all}`],
    ['nothing', () => ''],
  ])('leaves %s to the YAML reader', (_, change) => {
    const packages = [{ name: 'a', version: '1', arch: 'all', sha256: 'ab'.repeat(32), size: 1, uri: 'u' }];
    const all = renderLock({ git: {}, debian: { w: { request: 'r', arch: 'x86_64', packages } } });
    expect(parseRenderedLock(all)).toBeDefined();
    expect(parseRenderedLock(change(all))).toBeUndefined();
  });
});
