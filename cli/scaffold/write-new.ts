/** Writes new files and never over old ones. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { writeFileAtomic } from '../host/files.ts';
import { writing } from '../host/system-failure.ts';
import type { NewFiles } from './project-files.ts';

/**
 * @returns the paths written, absolute.
 * @throws Failure `already-there`, before anything is written
 */
export async function writeNew(directory: string, files: NewFiles): Promise<readonly string[]> {
  const paths = Object.keys(files).map((name) => join(directory, name));
  const there = paths.filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
  if (there.length > 0) {
    throw new Failure({
      code: 'already-there',
      message: there.length === 1 ? `${there[0]} is there already` : 'some of these files are there already',
      place: { file: there[0] ?? directory },
      cause: there.length === 1 ? undefined : there.join('\n'),
      hint: 'take another name, or move them away',
    });
  }
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    await writing(path, () => writeFileAtomic(path, content));
  }
  return paths;
}
