import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { RootTree } from '../rootfs/tree.ts';
import { buildFixture } from './image-fixture.ts';

const top = mkdtempSync(join(tmpdir(), 'coracle-full-'));
const mounts: string[] = [];
let whyNot: string | undefined;

beforeAll(() => {
  try {
    small('probe', 64);
  } catch (error) {
    whyNot = `no small file system can be mounted here: ${(error as Error).message.split('\n')[0]}`;
  }
});
afterAll(() => {
  for (const mount of mounts) execFileSync('umount', [mount]);
  rmSync(top, { recursive: true });
});

function small(name: string, kib: number): string {
  const path = join(top, name);
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', path], { stdio: 'pipe' });
  mounts.push(path);
  return path;
}

/** Does not compress: 3 MB in root.squashfs, and again on the disk image. */
function tree(): RootTree {
  const root = new RootTree();
  for (let i = 0; i < 10; i += 1) root.addFile(`/noise-${i}`, randomBytes(300_000), { origin: 'test' });
  return root;
}

// From "not even the root" over "not quite all of the disk image" to "enough".
it.for([1000, 4400, 6000, 7700, 8200, 8600, 9500, 10_500, 11_500, 12_000, 14_000, 20_000])(
  'with %i KiB it ends in an image or in a plain failure that leaves nothing half-made',
  { timeout: 30_000 },
  async (kib, context) => {
    if (whyNot !== undefined) return context.skip(whyNot);
    const workspace = small(`disk-${kib}`, kib);
    const failure = await buildFixture({ workspace, tree: tree() }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const stages = readdirSync(join(workspace, 'stages'));
    expect(stages.filter((name) => /\.(new|scratch|old)$/.test(name))).toEqual([]);
    if (failure === undefined) return expect(stages).toContain('disk');
    expect(failure).toBeInstanceOf(Failure);
    expect((failure as Failure).parts).toMatchObject({ code: 'disk-full', hint: expect.stringContaining('room') });
    expect(stages).not.toContain('disk');
  },
);
