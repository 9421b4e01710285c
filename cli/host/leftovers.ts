/**
 * What a killed program leaves behind of work that it had not finished: files and directories with the temporary names of
 * host/files.ts. Nobody takes them for results; they only take room.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const TEMPORARY = /\.\d+-[0-9a-f]{8}\.tmp$/;
/** Longer than anything takes. The process itself cannot be asked for: a container that shares the cache has its own ids. */
const LEFT_MS = 24 * 60 * 60 * 1000;

/** Removes those in a directory that were last changed more than a day before `now`; a directory that is not there has none. */
export async function removeLeftovers(directory: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(directory, name);
    const changed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => now,
    );
    if (now - changed > LEFT_MS) await rm(path, { recursive: true, force: true });
  }
}
