/** Which commit a layer is of, and whether it was changed since: for the manifest. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from '../host/process.ts';

export interface Revision {
  /** Full hash. */
  readonly commit: string;
  /** What lies on disk is not what that commit holds. */
  readonly dirty: boolean;
}

/**
 * The revision of each path that a git repository keeps; undefined for the others. One git process a repository.
 *
 * @param paths directories or files, absolute
 */
export async function revisionsOf(paths: readonly string[]): Promise<ReadonlyMap<string, Revision | undefined>> {
  const repositories = new Map<string, string[]>();
  const found = new Map<string, Revision | undefined>(paths.map((path) => [path, undefined]));
  for (const path of paths) {
    const top = repositoryOf(path);
    if (top !== undefined) repositories.set(top, [...(repositories.get(top) ?? []), path]);
  }
  await Promise.all(
    [...repositories].map(async ([top, inside]) => {
      for (const [path, revision] of await revisionsIn(top, inside)) found.set(path, revision);
    }),
  );
  return found;
}

function repositoryOf(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (at === dirname(at)) return undefined;
  }
}

async function revisionsIn(top: string, paths: readonly string[]): Promise<Map<string, Revision>> {
  const { stdout, exitCode } = await runCommand({
    argv: [
      'git',
      // The repository may be another user's; nothing of it is run here.
      ...['-c', 'safe.directory=*', '-c', 'core.fsmonitor=false', '--no-optional-locks', '--literal-pathspecs'],
      ...['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=normal', '--ignored=no', '--', ...paths],
    ],
    cwd: top,
    stdout: 'capture',
    // 128: no repository after all.
    accept: [0, 128],
  });
  const records = stdout.split('\0');
  const commit = records.map((record) => /^# branch\.oid ([0-9a-f]{40,64})$/.exec(record)?.[1]).find(Boolean);
  if (exitCode !== 0 || commit === undefined) return new Map();
  const changed = records.flatMap((record) => changedPath(record)).map((path) => join(top, path));
  return new Map(
    paths.map((path) => [path, { commit, dirty: changed.some((one) => isWithin(one, path) || isWithin(path, one)) }]),
  );
}

/** The path of a record (git status --help, "Porcelain Format Version 2"); an old name's own record has no type. */
function changedPath(record: string): readonly string[] {
  const fields = { '1': 8, '2': 9, u: 10, '?': 1 }[record.slice(0, record.indexOf(' '))];
  if (fields === undefined) return [];
  const path = record.split(' ').slice(fields).join(' ');
  return [path.replace(/\/$/, '')];
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
