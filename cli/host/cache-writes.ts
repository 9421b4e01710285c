/**
 * Writing into the cache, which may be another user's, read-only or full: what only saves time is let go, and what a
 * build cannot do without fails in words that name the cache and the variable that moves it.
 */
import { Failure } from '../failure.ts';
import { writeFileAtomic } from './files.ts';
import { isSystemFailure, saysDiskFull, systemFailure } from './system-failure.ts';

/** Keeps an answer that is only a shortcut: where it cannot be written, the next run asks again. */
export async function writeShortcut(path: string, data: string): Promise<void> {
  try {
    await writeFileAtomic(path, data);
  } catch (error) {
    if (systemFailure(error) === undefined) throw error;
  }
}

const MOVE = 'let CORACLE_CACHE name a directory that can be written to';
const FULL = 'free some room (coracle clean --cache empties it), or let CORACLE_CACHE name a directory on another disk';

/**
 * Runs work that writes nowhere but into `directory`, which is the cache or a part of it.
 *
 * @throws Failure with the codes of host/system-failure.ts where the system refuses, be it us or a program
 */
export async function writingCache<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw cacheFailure(error, directory) ?? error;
  }
}

function cacheFailure(error: unknown, directory: string): Failure | undefined {
  const refused = error instanceof Failure ? refusedBefore(error) : systemFailure(error);
  if (refused === undefined) return undefined;
  return new Failure({
    ...refused,
    message: `cannot write into the cache ${directory}`,
    place: { file: directory },
    hint: refused.code === 'disk-full' ? FULL : MOVE,
  });
}

/** By a lock, or a program that the work ran; what has been said in these words already stays. */
function refusedBefore({ parts }: Failure) {
  if (!isSystemFailure(parts.code) || parts.hint === FULL || parts.hint === MOVE) return undefined;
  const said = parts.cause?.split('\n').find(saysDiskFull)?.trim();
  const cause = said === undefined ? parts.cause : `the disk is full: ${said}`;
  return { code: parts.code, cause, log: parts.log };
}
