/** Writes new files and never over old ones. */
import { lstatSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../failure.ts';
import { makeDirectories, writeFileAtomic } from '../host/files.ts';
import { writing } from '../host/system-failure.ts';
import type { NewFiles } from './project-files.ts';

/**
 * @returns the paths written, absolute.
 * @throws Failure `already-there`, before anything is written; whatever goes wrong later, nothing stays
 */
export async function writeNew(directory: string, files: NewFiles): Promise<readonly string[]> {
  const paths = Object.keys(files).map((name) => join(directory, name));
  const isThere = (path: string) => writing(path, async () => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
  const there: string[] = [];
  for (const path of paths) if (await isThere(path)) there.push(path);
  if (there.length > 0) {
    throw new Failure({
      code: 'already-there',
      message: there.length === 1 ? `${there[0]} is there already` : 'some of these files are there already',
      place: { file: there[0] ?? directory },
      cause: there.length === 1 ? undefined : there.join('\n'),
      hint: 'take another name, or move them away',
    });
  }
  const made: string[] = [];
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = join(directory, name);
      await writing(path, async () => {
        made.push((await makeDirectories(dirname(path))) ?? path);
        await writeFileAtomic(path, content);
        made.push(path);
      });
    }
  } catch (error) {
    // All of it or nothing: what is half there would be in the way of the next try.
    for (const path of made) await rm(path, { recursive: true, force: true });
    throw error;
  }
  return paths;
}
