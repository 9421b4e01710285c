/**
 * Locks between processes: a file that names its holder. A holder that no longer runs, or ran before the machine was
 * started anew, holds nothing: its lock is taken over.
 */
import { link, lstat, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import { makeDirectories, temporaryBeside } from './files.ts';
import { writing } from './system-failure.ts';

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Start of the process in clock ticks since boot, and the boot's id: a pid alone may be used again. */
  readonly startTicks: string;
  readonly boot: string;
  /** What the holder does, for people: `coracle build qemu`. */
  readonly purpose: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface LockOptions {
  /** For people, e.g. `workspace qemu`. */
  readonly what: string;
  readonly purpose: string;
  /** How long to wait for a living holder; 0 fails at once. Without it: for ever. */
  readonly waitMs?: number;
  /** Called once when there is somebody to wait for. */
  readonly onWait?: (holder: LockHolder) => void;
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 200;
/** Who waits for half an hour looks less often: each look costs a millisecond of processor time. */
const LONGEST_POLL_MS = 2000;
/** A take-over lasts microseconds; a guard this old was left by a process that was killed in the middle of one. */
const STALE_GUARD_MS = 10_000;

/**
 * Takes the lock, or waits for it; the returned value gives it back when disposed (`await using`).
 *
 * @throws Failure `locked` when a living holder keeps it longer than `waitMs`.
 */
export async function takeLock(path: string, options: LockOptions): Promise<AsyncDisposable> {
  await writing(path, () => makeDirectories(dirname(path)));
  const self = await identity(process.pid);
  if (self === undefined) throw new Error('/proc does not list this process');
  const deadline = options.waitMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.waitMs;
  let told = false;
  let pause = POLL_MS;
  for (;;) {
    const mine: LockHolder = { ...self, purpose: options.purpose, since: new Date().toISOString() };
    const text = `${JSON.stringify(mine)}\n`;
    if (await writing(path, () => create(path, text))) {
      return {
        [Symbol.asyncDispose]: async () => {
          if ((await readText(path)) === text) await rm(path, { force: true });
        },
      };
    }
    const holder = await writing(path, () => readHolder(path));
    // Given back in this moment.
    if (holder === 'none') continue;
    if (holder === 'unreadable' || !(await isAlive(holder))) {
      await takeOver(path);
      continue;
    }
    if (Date.now() >= deadline) {
      throw inUse(options.what, holder);
    }
    if (!told) options.onWait?.(holder);
    told = true;
    await delay(Math.min(pause, Math.max(deadline - Date.now(), 0)), undefined, { signal: options.signal });
    pause = Math.min(pause * 1.1, LONGEST_POLL_MS);
  }
}

/** What somebody is told who would not wait. */
export function inUse(what: string, holder: LockHolder): Failure {
  return new Failure({
    code: 'locked',
    message: `${what} is in use by process ${holder.pid} on ${holder.host} (${holder.purpose}, since ${holder.since})`,
    hint: 'wait for it to end, or stop it; a lock whose process is gone is taken over by itself',
  });
}

/** The holders of all locks in a directory that are alive; locks of dead ones are removed. */
export async function livingHolders(directory: string): Promise<readonly LockHolder[]> {
  const living: LockHolder[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const holder = await readHolder(path);
    // What cannot be read yet is about to become a lock.
    if (holder === 'none' || holder === 'unreadable') continue;
    if (await isAlive(holder)) living.push(holder);
    else await rm(path, { force: true });
  }
  return living;
}

/** A lock appears with its content or not at all: a hard link to a finished file. */
async function create(path: string, text: string): Promise<boolean> {
  const temporary = temporaryBeside(path);
  try {
    // Inside of the try, because a full disk leaves an empty file.
    await writeFile(temporary, text, { flag: 'wx' });
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes a dead lock. One process at a time, and only after looking again, so that a fresh lock is never removed. */
async function takeOver(path: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await create(guard, `${process.pid}\n`))) {
    const age = await stat(guard).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > STALE_GUARD_MS) await rename(guard, temporaryBeside(guard)).catch(() => undefined);
    await delay(POLL_MS / 10);
    return;
  }
  try {
    const holder = await readHolder(path);
    // Where there is none any more, somebody may be making one just now.
    if (holder === 'none') return;
    if (holder === 'unreadable' || !(await isAlive(holder))) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function readHolder(path: string): Promise<LockHolder | 'unreadable' | 'none'> {
  const text = await readText(path);
  // A link that leads nowhere is in the way of a lock, and stays.
  if (text === undefined) return (await isLink(path)) ? 'unreadable' : 'none';
  try {
    return JSON.parse(text) as LockHolder;
  } catch {
    return 'unreadable';
  }
}

/** Undefined if there is no such file. */
async function readText(path: string): Promise<string | undefined> {
  return unlessGone(readFile(path, 'utf8'));
}

async function isLink(path: string): Promise<boolean> {
  return (await unlessGone(lstat(path)))?.isSymbolicLink() ?? false;
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  // Another machine's process cannot be looked at: believe it.
  if (holder.host !== hostname()) return true;
  const now = await identity(holder.pid);
  return now !== undefined && now.startTicks === holder.startTicks && now.boot === holder.boot;
}

type Identity = Pick<LockHolder, 'pid' | 'host' | 'startTicks' | 'boot'>;

/** Undefined if there is no such process, or it has ended. */
async function identity(pid: number): Promise<Identity | undefined> {
  const [stats, boot] = await Promise.all([
    unlessGone(readFile(`/proc/${pid}/stat`, 'utf8')),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
  ]);
  if (stats === undefined) return undefined;
  // The second field, the program's name in parentheses, may hold spaces; start time is the 22nd field (proc(5)).
  const fields = stats.slice(stats.lastIndexOf(')') + 2).split(' ');
  // A process that its parent has not waited for yet is still listed, and does nothing any more.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, host: hostname(), startTicks: fields[19] ?? '', boot: boot.trim() };
}

/** Only what is not there is gone: a file that cannot be read just now (too many are open) may well name a holder. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
