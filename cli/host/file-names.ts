/** Names of files on the machine that builds. */
import type { FailureParts } from '../failure.ts';

/** Why a path cannot be read, if it is for its name: Node reads one that is not UTF-8 with U+FFFD, and then finds no file. */
export function notUtf8(path: string): Pick<FailureParts, 'message' | 'hint'> | undefined {
  if (!path.includes('\ufffd')) return undefined;
  return { message: `the name of a file is not UTF-8: ${path}`, hint: 'a name is UTF-8; rename the file' };
}
