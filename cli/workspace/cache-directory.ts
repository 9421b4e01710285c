import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Shared by all projects of a user: $CORACLE_CACHE, else $XDG_CACHE_HOME/coracle, else ~/.cache/coracle. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  // Set but empty counts as not set, as everywhere; children work in other directories, so the path is absolute.
  const own = environment['CORACLE_CACHE'];
  return resolve(own || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'coracle'));
}
