/**
 * Layers from git repositories: looks up what a revision is, and checks a commit out into the cache, where it stays. In
 * come a URL and a revision or commit, out come a commit or a directory. Nothing is fetched that the cache has.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { SimpleGit } from 'simple-git';
import { Failure, type Place } from '../failure.ts';
import { writingCache } from '../host/cache-writes.ts';
import { sha256, temporaryBeside } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import { baseEnvironment } from '../host/process.ts';
import { DISK_FULL, saysDiskFull } from '../host/system-failure.ts';

/** A repository as coracle.yaml names it. */
export interface GitSource {
  /** As written: a URL, `host:path`, or a path, relative to `project`. */
  readonly url: string;
  /** Tag, branch or commit; without it, the repository's default branch. */
  readonly rev: string;
  readonly place: Place;
}

export interface GitCache {
  /** Coracle's cache directory. */
  readonly cache: string;
  readonly project: string;
  readonly offline: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The revision that stands for a repository's default branch. */
export const DEFAULT_REV = 'HEAD';

const FETCHED = ['+HEAD:refs/coracle/HEAD', '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];

/**
 * Fetches, and says which commit `rev` is now.
 *
 * @throws Failure `offline`, `git-failed`, `unknown-revision`
 */
export async function lookUpRevision(source: GitSource, cache: GitCache): Promise<string> {
  if (cache.offline) throw offline(source, `what ${source.rev} is`);
  return writingCache(cache.cache, async () => {
    await using _lock = await lockRepository(source, cache);
    const git = await openRepository(source, cache);
    await fetch(git, source, cache);
    return findRevision(git, source);
  });
}

async function findRevision(git: SimpleGit, source: GitSource): Promise<string> {
  const { rev } = source;
  const meanings = rev === DEFAULT_REV ? ['refs/coracle/HEAD'] : [`refs/tags/${rev}`, `refs/heads/${rev}`];
  if (/^[0-9a-f]{7,64}$/.test(rev)) meanings.push(rev);
  for (const meaning of meanings) {
    const commit = await findCommit(git, meaning);
    if (commit !== undefined) return commit;
  }
  throw await unknownRevision(git, source);
}

/**
 * The directory that holds the files of `commit`.
 *
 * @throws Failure `offline`, `git-failed`, `unknown-revision`
 */
export async function checkOutCommit(source: GitSource, commit: string, cache: GitCache): Promise<string> {
  const directory = join(repositoryDirectory(source, cache), commit);
  if (await exists(directory)) return directory;
  return writingCache(cache.cache, async () => {
    await using _lock = await lockRepository(source, cache);
    if (!(await exists(directory))) await checkOutInto(directory, source, commit, cache);
    return directory;
  });
}

async function checkOutInto(directory: string, source: GitSource, commit: string, cache: GitCache): Promise<void> {
  const git = await openRepository(source, cache);
  if ((await findCommit(git, commit)) === undefined) {
    if (cache.offline) throw offline(source, `its commit ${commit}`);
    await fetch(git, source, cache);
    // A commit that no branch or tag holds any more can still be had by name from some servers.
    if ((await findCommit(git, commit)) === undefined) {
      await git.fetch([remote(source, cache), commit]).catch(() => undefined);
    }
    if ((await findCommit(git, commit)) === undefined) throw await unknownRevision(git, { ...source, rev: commit });
  }
  await removeLeftovers(dirname(directory));
  const temporary = temporaryBeside(directory);
  const index = temporaryBeside(directory);
  await mkdir(temporary);
  try {
    const tree = await gitIn(temporary, cache, {
      GIT_DIR: repositoryPath(source, cache),
      GIT_WORK_TREE: temporary,
      GIT_INDEX_FILE: index,
    });
    await attempt(source, 'check out', () => tree.raw(['checkout', '--quiet', commit, '--', '.']));
    await rename(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(index, { force: true });
  }
}

/** Of checkouts that were killed; the lock is held, so nobody is at work on one. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.endsWith('.tmp') && !name.startsWith('lock'))
      await rm(join(directory, name), { recursive: true, force: true });
  }
}

function repositoryDirectory(source: GitSource, cache: GitCache): string {
  const url = remote(source, cache);
  const name = url
    .replace(/\.git\/?$/, '')
    .replace(/^.*[/:]/, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return join(cache.cache, 'git', `${name.slice(0, 40)}-${sha256(url).slice(0, 12)}`);
}

/** Where git fetches from; a relative path means: from the project. */
function remote(source: GitSource, cache: GitCache): string {
  const elsewhere = /^[a-z][a-z0-9+.-]*:\/\//i.test(source.url) || /^[^/]+:/.test(source.url);
  return elsewhere ? source.url : resolve(cache.project, source.url);
}

function lockRepository(source: GitSource, cache: GitCache): Promise<AsyncDisposable> {
  const purpose = `fetch ${source.url}`;
  return takeLock(join(repositoryDirectory(source, cache), 'lock'), {
    what: source.url,
    purpose,
    signal: cache.signal,
  });
}

function repositoryPath(source: GitSource, cache: GitCache): string {
  return join(repositoryDirectory(source, cache), 'repository');
}

async function openRepository(source: GitSource, cache: GitCache): Promise<SimpleGit> {
  const directory = repositoryPath(source, cache);
  await mkdir(directory, { recursive: true });
  const git = await gitIn(directory, cache, { GIT_DIR: directory });
  if (!(await exists(join(directory, 'HEAD')))) {
    await attempt(source, 'prepare', () => git.raw(['init', '--quiet', '--bare', directory]));
  }
  return git;
}

/** What git needs from the user's environment to reach a repository. */
const PASSED_ON = ['SSH_AUTH_SOCK', 'http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

async function gitIn(directory: string, cache: GitCache, places: Readonly<Record<string, string>>): Promise<SimpleGit> {
  const { simpleGit } = await import('simple-git');
  // Nobody is there to answer a question for a password.
  const ours = { GIT_TERMINAL_PROMPT: '0', ...places };
  const passed = Object.fromEntries(
    PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  const git = simpleGit({
    baseDir: directory,
    allowEnvironment: Object.keys(ours),
    ...(cache.signal === undefined ? {} : { abort: cache.signal }),
  });
  return git.env({ ...baseEnvironment(), ...passed, ...ours });
}

async function fetch(git: SimpleGit, source: GitSource, cache: GitCache): Promise<void> {
  await attempt(source, 'fetch', () =>
    git.fetch(['--quiet', '--prune', '--no-tags', remote(source, cache), ...FETCHED]),
  );
}

async function findCommit(git: SimpleGit, meaning: string): Promise<string | undefined> {
  const commit = await git
    .raw(['rev-parse', '--verify', '--quiet', '--end-of-options', `${meaning}^{commit}`])
    .catch(() => '');
  return commit.trim() === '' ? undefined : commit.trim();
}

async function attempt<T>(source: GitSource, what: string, work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = (error as Error).message.trim();
    const missing = /spawn git ENOENT/.test(cause);
    throw new Failure({
      code: missing ? 'command-missing' : 'git-failed',
      message: missing ? 'the program git is not on this machine' : `git could not ${what} ${source.url}`,
      place: source.place,
      cause,
      hint: missing ? 'coracle doctor --fix installs it' : 'check the address, and that this machine may read it',
      ...(saysDiskFull(cause) && DISK_FULL),
    });
  }
}

function offline(source: GitSource, what: string): Failure {
  return new Failure({
    code: 'offline',
    message: `the cache does not have ${source.url}, or not ${what}`,
    place: source.place,
    hint: 'run the same command once without --offline',
  });
}

async function unknownRevision(git: SimpleGit, source: GitSource): Promise<Failure> {
  const { didYouMean } = await import('../kconfig/nearest.ts');
  const list = await git
    .raw(['for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads', 'refs/tags'])
    .catch(() => '');
  const names = list.split('\n').filter((name) => name !== '');
  return new Failure({
    code: 'unknown-revision',
    message: `${source.url} has no revision ${source.rev}`,
    place: source.place,
    hint: [didYouMean(source.rev, names), names.length > 0 ? `it has: ${names.slice(0, 12).join(', ')}` : undefined]
      .filter((part) => part !== undefined)
      .join('\n'),
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
