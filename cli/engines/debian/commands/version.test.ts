import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, versionRelation } from './version.ts';

describe('compareVersions', () => {
  it.each([
    ['1.0', '1.0', 0],
    ['1.0~rc1', '1.0', -1],
    ['1.0-1', '1.0-1+b1', -1],
    ['1.9', '1.10', -1],
    ['2:0.1', '1:9', 1],
    ['1.0a', '1.0+', -1],
    ['1.0-1~deb12u1', '1.0-1', -1],
    ['252.39-1~deb12u2', '252.4-1', 1],
    ['1.0', '1.0-0', 0],
  ])('%s and %s', (a, b, order) => {
    expect(Math.sign(compareVersions(a, b))).toBe(order);
    expect(Math.sign(compareVersions(b, a))).toBe(order === 0 ? 0 : -order);
  });

  it('is an order', () => {
    const version = fc.stringMatching(/^[0-9][0-9a-c.+~]{0,5}(-[0-9~+a-c]{1,3})?$/);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('versionRelation', () => {
  it('takes no version for older than any, or for newer with -nl', () => {
    expect(versionRelation('', 'lt', '1')).toBe(true);
    expect(versionRelation('', 'lt-nl', '1')).toBe(false);
    expect(versionRelation('', 'ge-nl', '1')).toBe(true);
    expect(versionRelation('', 'eq', '')).toBe(true);
    expect(versionRelation('1', 'odd', '1')).toBeUndefined();
  });
});
