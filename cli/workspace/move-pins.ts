/** Moves the pins of coracle.lock: looks up what each repository's revision is now, and writes it down. */
import { checkOutCommit, lookUpRevision } from '../layers/git-root.ts';
import { gitCache, gitSources, type RootOptions } from './layer-roots.ts';
import { readLockFile, updateLockFile } from './lock-file.ts';
import type { Project } from './project.ts';

export interface MovedPin {
  readonly url: string;
  readonly rev: string;
  /** Undefined if it was not pinned before, or at another revision. */
  readonly from: string | undefined;
  readonly to: string;
}

/**
 * Every repository of coracle.yaml, moved or not. Pins of repositories that it no longer names are dropped.
 *
 * @throws Failure of git; the lock is then as it was.
 */
export async function movePins(project: Project, options: RootOptions): Promise<readonly MovedPin[]> {
  const sources = gitSources(project);
  const before = (await readLockFile(project.directory)).git;
  const cache = gitCache(project, options);
  const moved: MovedPin[] = [];
  for (const source of sources) {
    const to = await lookUpRevision(source, cache);
    await checkOutCommit(source, to, cache);
    const pin = before[source.url];
    const from = pin?.rev === source.rev ? pin.commit : undefined;
    moved.push({ url: source.url, rev: source.rev, from, to });
  }
  const git = Object.fromEntries(moved.map(({ url, rev, to }) => [url, { rev, commit: to }]));
  await updateLockFile(project.directory, (lock) => ({ ...lock, git }));
  return moved;
}

/**
 * Forgets the packages of workspaces, so that their next build looks them up anew; all workspaces if none is named.
 *
 * @returns the workspaces that had any.
 */
export async function forgetPackages(project: Project, workspaces: readonly string[]): Promise<readonly string[]> {
  let forgotten: readonly string[] = [];
  await updateLockFile(project.directory, (lock) => {
    forgotten = Object.keys(lock.debian).filter((name) => workspaces.length === 0 || workspaces.includes(name));
    const kept = Object.entries(lock.debian).filter(([name]) => !forgotten.includes(name));
    return { ...lock, debian: Object.fromEntries(kept) };
  });
  return forgotten;
}
