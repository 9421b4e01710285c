import { homedir } from 'node:os';
import { join } from 'node:path';

/** Shared by all projects of a user: $CORACLE_CACHE, else $XDG_CACHE_HOME/coracle, else ~/.cache/coracle. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['CORACLE_CACHE'] ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coracle');
}
