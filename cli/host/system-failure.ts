/** What the operating system refuses, as failures of the user's machine: a full disk is no bug of the program. */
import { Failure, type FailureParts } from '../failure.ts';

export const DISK_FULL = {
  code: 'disk-full',
  hint: 'free some room (coracle clean removes what can be made again), then try again',
} as const;

/** Whether a program's output says so. */
export function saysDiskFull(output: string): boolean {
  return /no space left on device|disk quota exceeded|ENOSPC/i.test(output);
}

const CAUSES: Readonly<Record<string, readonly [code: string, cause: string, hint: string]>> = {
  ENOSPC: [DISK_FULL.code, 'the disk is full', DISK_FULL.hint],
  EDQUOT: [DISK_FULL.code, 'your quota is used up', DISK_FULL.hint],
  EROFS: ['read-only', 'it is on a read-only file system', 'work in a directory that can be written to'],
  EACCES: ['no-permission', 'permission is denied', 'check who owns the directory'],
  EPERM: ['no-permission', 'permission is denied', 'check who owns the directory'],
  EMFILE: ['too-many-files', 'too many files are open', 'raise the limit of open files (ulimit -n)'],
  ENOTDIR: ['not-a-directory', 'a part of its path is a file', 'take another path, or move that file away'],
  EISDIR: ['not-a-file', 'a directory is in its place', 'move that directory away'],
  ENAMETOOLONG: ['bad-path', 'the name is too long', 'take a shorter one'],
  ELOOP: ['bad-path', 'links on its way lead in a circle', 'mend the links, or take another path'],
};

const MKDIR_CAUSES: typeof CAUSES = {
  EEXIST: ['not-a-directory', 'a file is in the place of the directory', 'move that file away'],
  // Said of a file system that is read-only, and of one like /proc.
  ENOENT: ['read-only', 'nothing can be made there', 'work in a directory that can be written to'],
};

/** Whether a failure's code is one of those here. */
export function isSystemFailure(code: string): boolean {
  return [...Object.values(CAUSES), ...Object.values(MKDIR_CAUSES)].some(([known]) => known === code);
}

/** What a failure of the system means to a user, if it is one of those that a user can mend. */
export function systemFailure(error: unknown): Pick<FailureParts, 'code' | 'cause' | 'hint'> | undefined {
  if (error instanceof Failure) return undefined;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const known = syscall === 'mkdir' ? (MKDIR_CAUSES[code ?? ''] ?? CAUSES[code ?? '']) : CAUSES[code ?? ''];
  return known === undefined ? undefined : { code: known[0], cause: known[1], hint: known[2] };
}

/** Runs work that writes `file`, and turns what the system refuses into failures; anything else passes as it is. */
export async function writing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const refused = systemFailure(error);
    if (refused === undefined) throw error;
    throw new Failure({ ...refused, message: `cannot write ${file}`, place: { file } });
  }
}
