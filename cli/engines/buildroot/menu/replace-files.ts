/** Replaces several files of a user, all or none, with a way back. */
import { existsSync, realpathSync } from 'node:fs';
import { readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectories, writeFileAtomic } from '../../../host/files.ts';
import { writing } from '../../../host/system-failure.ts';

export interface Replaced {
  /** Puts everything back as it was, and removes the directories that were made. */
  readonly undo: () => Promise<void>;
}

/**
 * Files that are not there are made, with their directories; links are followed, and modes stay.
 *
 * @throws Failure if one cannot be written; then all are as they were
 */
export async function replaceFiles(texts: ReadonlyMap<string, string>): Promise<Replaced> {
  const undoing: (() => Promise<void>)[] = [];
  const undo = async (): Promise<void> => {
    for (const step of undoing.splice(0).reverse()) await step();
  };
  try {
    for (const [file, text] of texts) await writing(file, async () => void undoing.push(await replace(file, text)));
  } catch (error) {
    await undo();
    throw error;
  }
  return { undo };
}

async function replace(file: string, text: string): Promise<() => Promise<void>> {
  if (existsSync(file)) {
    const real = realpathSync(file);
    const [before, { mode }] = [await readFile(real), await stat(real)];
    await writeFileAtomic(real, text, mode & 0o7777);
    return () => writeFileAtomic(real, before, mode & 0o7777);
  }
  const made = await makeDirectories(dirname(file));
  try {
    await writeFileAtomic(file, text);
  } catch (error) {
    await removeDirectories(dirname(file), made);
    throw error;
  }
  return async () => {
    await rm(file, { force: true });
    await removeDirectories(dirname(file), made);
  };
}

/** From `directory` up to `first`, as far as they are empty. */
async function removeDirectories(directory: string, first: string | undefined): Promise<void> {
  if (first === undefined) return;
  for (let path = directory; path.startsWith(first); path = dirname(path)) {
    if (
      !(await rmdir(path).then(
        () => true,
        () => false,
      ))
    )
      return;
  }
}
