/** Looking at a path that a user named: it may lead nowhere in many ways, none of which is a bug of the program. */
import { type Stats, statSync } from 'node:fs';
import { Failure } from '../failure.ts';

/** A part that is missing, a file in the middle of the path, links in a circle, a name longer than any can be. */
const NOWHERE: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'];

/** What is there, links followed; undefined if nothing is. @throws Failure `unreadable-file` */
export function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code;
    if (NOWHERE.includes(cause)) return undefined;
    throw new Failure({
      code: 'unreadable-file',
      message: `cannot look at ${path}`,
      place: { file: path },
      cause,
      hint: 'check that you may read the directories above it',
    });
  }
}

export function isDirectory(path: string): boolean {
  return lookAt(path)?.isDirectory() === true;
}
