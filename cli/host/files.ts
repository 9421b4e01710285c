/**
 * Files on the machine that builds: hashing, and writing so that a reader sees the old content or the new, never half.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Lower-case hex SHA-256. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

const READ_SIZE = 256 * 1024;

/** Lower-case hex SHA-256 of a file, read piece by piece into one buffer: a stream would make a new one for each. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE);
  await using file = await open(path);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, READ_SIZE);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
  }
}

/** A sibling of `path` that no other process uses; the same file system, so that a rename is atomic. */
export function temporaryBeside(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

/**
 * Makes a directory and those above it that are missing. Node's own way of doing so never ends in /proc, where nothing can
 * be made and each attempt says that something above is missing.
 *
 * @returns the first one that was made, undefined if all are there.
 */
export async function makeDirectories(path: string): Promise<string | undefined> {
  try {
    return (await makeDirectory(path)) ? path : undefined;
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    // Somebody else may make the same ones at this moment: what is above may be there by now.
    const first = existsSync(above) ? undefined : await makeDirectories(above);
    const own = (await makeDirectory(path)) ? path : undefined;
    return first ?? own;
  }
}

/** Whether it was not there before. */
async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (isThere && (await stat(path).catch(() => undefined))?.isDirectory() === true) return false;
    throw error;
  }
}

/** Writes to a temporary name, syncs, renames, syncs the directory; makes missing directories. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const directory = dirname(path);
  await makeDirectories(directory);
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

/** Makes renames and unlinks in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
