import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/files.ts';
import { makeDirectories } from './files.ts';

describe('makeDirectories', () => {
  it('makes what is missing, and says where it began', async () => {
    const top = temporaryDirectory();
    expect(await makeDirectories(join(top, 'a/b/c'))).toBe(join(top, 'a'));
    expect(await makeDirectories(join(top, 'a/b/d'))).toBe(join(top, 'a/b/d'));
    expect(await makeDirectories(join(top, 'a/b'))).toBeUndefined();
  });

  it('bears others that make the same ones', async () => {
    const top = temporaryDirectory();
    const deep = join(top, 'a/b/c/d');
    await Promise.all(Array.from({ length: 50 }, () => makeDirectories(deep)));
    expect(existsSync(deep)).toBe(true);
  });

  it('comes to an end where nothing can be made', async () => {
    await expect(makeDirectories('/proc/coracle/x')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(makeDirectories('/etc/passwd/x')).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});
