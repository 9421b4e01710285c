/** Files for a test: trees in temporary directories that go away with the test. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, type TestContext } from 'vitest';
import { Failure, type FailureParts, Failures } from '../../cli/failure.ts';

/** Path → content; a path that ends in `/` is a directory, `{link}` a symbolic link, `{program}` an executable. */
export type Tree = Readonly<Record<string, string | { readonly link: string } | { readonly program: string }>>;

/** Has a space in its name, because users' directories do. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coracle test '));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function writeTree(directory: string, tree: Tree): string {
  for (const [name, content] of Object.entries(tree)) {
    const path = join(directory, name);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (name.endsWith('/')) continue;
    if (typeof content === 'string') writeFileSync(path, content);
    else if ('link' in content) symlinkSync(content.link, path);
    else {
      writeFileSync(path, content.program);
      chmodSync(path, 0o755);
    }
  }
  return directory;
}

/** A new temporary directory with these files. */
export function treeOf(tree: Tree): string {
  return writeTree(temporaryDirectory(), tree);
}

/** The one failure that the work ends in. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw new Error(`not a Failure: ${String(error)}`);
  return error;
}

/** What the work fails with: all failures, in order. */
export async function failuresOf(work: () => unknown): Promise<readonly FailureParts[]> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error, 'the work should have failed').toBeInstanceOf(Failure);
  return (error instanceof Failures ? error.all : [error as Failure]).map(({ parts }) => parts);
}

/**
 * A directory on a small file system of its own that has no room left behind some files; without the right to mount, the
 * test is skipped.
 */
export function fullDisk(context: TestContext, tree: Tree = {}): string {
  const directory = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', directory], { stdio: 'pipe' });
  } catch (error) {
    context.skip(`cannot mount a tmpfs here: ${(error as Error).message.split('\n').at(-2) ?? ''}`);
  }
  onTestFinished(() => {
    execFileSync('umount', [directory]);
  });
  writeTree(directory, tree);
  const filler = join(directory, 'filler');
  writeFileSync(filler, '');
  for (let size = 4096; size >= 1; size = size >> 1) {
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(size));
    } catch {
      // Full for pieces of this size.
    }
  }
  return directory;
}
