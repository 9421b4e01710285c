/** What the operating system refuses, as failures of the user's machine: a full disk is no bug of the program. */
import { Failure } from '../failure.ts';

const CAUSES: Readonly<Record<string, readonly [code: string, cause: string, hint: string]>> = {
  ENOSPC: ['disk-full', 'the disk is full', 'free some room; coracle clean removes what can be made again'],
  EDQUOT: ['disk-full', 'your quota is used up', 'free some room; coracle clean removes what can be made again'],
  EROFS: ['read-only', 'it is on a read-only file system', 'work in a directory that can be written to'],
  EACCES: ['no-permission', 'you may not write there', 'check who owns the directory'],
  EPERM: ['no-permission', 'you may not write there', 'check who owns the directory'],
  ENOTDIR: ['not-a-directory', 'a part of its path is a file', 'move that file away'],
};

/** Runs work that writes `file`, and turns what the system refuses into failures; anything else passes as it is. */
export async function writing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = CAUSES[(error as NodeJS.ErrnoException).code ?? ''];
    if (known === undefined || error instanceof Failure) throw error;
    const [code, cause, hint] = known;
    throw new Failure({ code, message: `cannot write ${file}`, place: { file }, cause, hint });
  }
}
