/**
 * coracle.lock: what a build found when it last looked, so that the next build uses the same. In comes the project's
 * directory; out comes the lock as data, or a changed file. Each part of the program changes its own section and leaves
 * the others as they are.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { Failure, type Place } from '../failure.ts';
import { writeFileAtomic } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import { writing } from '../host/system-failure.ts';
import { LockFile } from './lock-schema.ts';
import { parseRenderedLock } from './parse-rendered-lock.ts';
import { renderLock } from './render-lock.ts';

/** A change takes milliseconds; whoever holds the lock for longer is stuck. */
const LOCK_WAIT_MS = 30_000;

/** Where the lock of a project is. */
export function lockFilePath(project: string): string {
  return join(project, 'coracle.lock');
}

/**
 * The lock of the project in directory `project`; empty if there is none yet.
 *
 * @throws Failure `broken-lock` with the place.
 */
export async function readLockFile(project: string): Promise<LockFile> {
  const file = lockFilePath(project);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return { git: {}, debian: {} };
    throw new Failure({ code: 'broken-lock', message: `coracle.lock cannot be read (${code})`, place: { file } });
  }
  return parseRenderedLock(text) ?? parseLock(text, file);
}

/** Where the lock says something that is written like nothing else in it, such as a commit. */
export async function placeInLockFile(project: string, text: string): Promise<Place> {
  const file = lockFilePath(project);
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const line = lines.findIndex((one) => one.includes(text)) + 1;
  return line === 0 ? { file } : { file, line };
}

/** Changes the lock; the file appears whole or stays as it was, and changes of other processes are not lost. */
export async function updateLockFile(project: string, change: (lock: LockFile) => LockFile): Promise<LockFile> {
  const file = lockFilePath(project);
  const held = { what: 'coracle.lock', purpose: 'change coracle.lock', waitMs: LOCK_WAIT_MS };
  return writing(file, async () => {
    await using _lock = await takeLock(`${file}.held`, held);
    const before = await readLockFile(project);
    const after = change(before);
    const text = renderLock(after);
    if (text !== renderLock(before)) await writeFileAtomic(file, text);
    return after;
  });
}

/** A line of those that git puts around what it cannot merge. */
const CONFLICT_MARK = /^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$/;

async function parseLock(text: string, file: string): Promise<LockFile> {
  const hint = 'take the file from version control again, or remove it and run coracle update';
  if (text.trim() === '') {
    const place = { file, line: 1, column: 1 };
    throw new Failure({ code: 'broken-lock', message: 'coracle.lock is empty', place, hint });
  }
  const mark = text.split('\n').findIndex((line) => CONFLICT_MARK.test(line.trimEnd()));
  if (mark !== -1) {
    throw new Failure({
      code: 'broken-lock',
      message: 'coracle.lock has the marks of a merge conflict',
      place: { file, line: mark + 1, column: 1, length: 7 },
      hint: 'take either side (git checkout --ours coracle.lock), then run coracle update',
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const at = lines.linePos(error.pos[0]);
    const place = { file, line: at.line, column: at.col };
    throw new Failure({
      code: 'broken-lock',
      message: 'coracle.lock is not valid YAML',
      place,
      cause: error.message,
      hint,
    });
  }
  const parsed = LockFile.safeParse(document.toJS());
  if (parsed.success) return { git: parsed.data.git, debian: parsed.data.debian };
  const issue = parsed.error.issues[0];
  const node = document.getIn(issue?.path ?? [], true);
  const range =
    node !== null && typeof node === 'object' && 'range' in node ? (node.range as number[] | null) : undefined;
  const at = lines.linePos(range?.[0] ?? 0);
  throw new Failure({
    code: 'broken-lock',
    message: `coracle.lock is broken at ${issue?.path.join('.') || 'its top'}`,
    place: { file, line: Math.max(at.line, 1), column: Math.max(at.col, 1) },
    cause: issue?.message === 'Invalid input' ? 'this is not what Coracle writes there' : issue?.message,
    hint,
  });
}
