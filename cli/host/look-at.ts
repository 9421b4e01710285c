/** Looking at what a user named: a path may lead nowhere in many ways, none of which is a bug of the program. */
import { readFileSync, type Stats, statSync } from 'node:fs';
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

/** The text of a small file, all of it. @throws Failure `unreadable-file` */
export function readText(file: string, layer?: string): string {
  // Reading a FIFO would wait for ever.
  const found = lookAt(file);
  if (found !== undefined && !found.isFile()) {
    const message = `${file} is not a file`;
    throw new Failure({ code: 'unreadable-file', message, place: { file }, hint: 'put a file in its place', layer });
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const cause = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure({ code: 'unreadable-file', message: `cannot read ${file}`, place: { file }, cause, layer });
  }
}
