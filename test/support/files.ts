/** Files for a test: trees in temporary directories that go away with the test. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
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
