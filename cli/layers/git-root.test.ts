import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresOf, fullDisk, temporaryDirectory, writeTree } from '../../test/support/files.ts';
import { checkOutCommit, DEFAULT_REV, type GitCache, type GitSource, lookUpRevision } from './git-root.ts';

function git(directory: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...identity, ...args], { cwd: directory, encoding: 'utf8' }).trim();
}

function commit(repository: string, text: string): string {
  writeTree(repository, { 'layers/my/app/layer.yaml': `description: ${text}\n` });
  git(repository, 'add', '.');
  git(repository, 'commit', '-qm', text);
  return git(repository, 'rev-parse', 'HEAD');
}

function repository(): { readonly path: string; readonly first: string; readonly second: string } {
  const path = temporaryDirectory();
  git(path, 'init', '-q');
  const first = commit(path, 'first');
  git(path, 'tag', '-a', 'v1', '-m', 'one');
  const second = commit(path, 'second');
  return { path, first, second };
}

function setUp(offline = false): GitCache {
  return { cache: temporaryDirectory(), project: '/', offline };
}

const at = (url: string, rev: string): GitSource => ({ url, rev, place: { file: '/coracle.yaml', line: 2 } });
const description = (directory: string): string => readFileSync(join(directory, 'layers/my/app/layer.yaml'), 'utf8');

describe('a repository of layers', () => {
  test('is looked up by tag, branch, commit or default', async () => {
    const { path, first, second } = repository();
    const cache = setUp();
    const revisions = ['v1', 'main', first, first.slice(0, 10), DEFAULT_REV];
    const commits = [];
    for (const rev of revisions) commits.push(await lookUpRevision(at(path, rev), cache));
    expect(commits).toEqual([first, second, first, first, second]);
  });

  test('is checked out once, without its history, and then needs no repository', async () => {
    const { path, first } = repository();
    const cache = setUp();
    const directory = await checkOutCommit(at(path, 'v1'), first, cache);
    expect(description(directory)).toContain('first');
    expect(existsSync(join(directory, '.git-index'))).toBe(false);
    rmSync(path, { recursive: true });
    expect(await checkOutCommit(at(path, 'v1'), first, { ...cache, offline: true })).toBe(directory);
  });

  test('keeps several commits side by side', async () => {
    const { path, first, second } = repository();
    const cache = setUp();
    const [a, b] = await Promise.all([first, second].map((one) => checkOutCommit(at(path, 'main'), one, cache)));
    expect([description(a ?? ''), description(b ?? '')].map((text) => text.trim())).toEqual([
      'description: first',
      'description: second',
    ]);
  });

  test('follows its branch when it is looked up again, even over a forced push', async () => {
    const { path, first } = repository();
    const cache = setUp();
    await lookUpRevision(at(path, 'main'), cache);
    git(path, 'reset', '-q', '--hard', first);
    const third = commit(path, 'third');
    expect(await lookUpRevision(at(path, 'main'), cache)).toBe(third);
  });

  test('may have a path relative to the project, with a space in it', async () => {
    const { path, second } = repository();
    const name = path.split('/').at(-1) ?? '';
    const cache = { ...setUp(), project: join(path, '..', 'elsewhere') };
    expect(await lookUpRevision(at(`../${name}`, 'main'), cache)).toBe(second);
  });

  test('says which revisions it has when one is not there', async () => {
    const { path } = repository();
    const [found] = await failuresOf(() => lookUpRevision(at(path, 'mian'), setUp()));
    expect(found).toMatchObject({ code: 'unknown-revision', place: { file: '/coracle.yaml', line: 2 } });
    expect(found?.hint).toContain('did you mean main?');
    expect(found?.hint).toContain('v1');
  });

  test('that lost a pinned commit is told apart from one that cannot be read', async () => {
    const { path } = repository();
    const [lost] = await failuresOf(() => checkOutCommit(at(path, 'main'), 'b'.repeat(40), setUp()));
    expect(lost?.code).toBe('unknown-revision');
    const [unreadable] = await failuresOf(() => lookUpRevision(at('/nowhere/at all', 'main'), setUp()));
    expect(unreadable?.code).toBe('git-failed');
    expect(unreadable?.cause).toContain('/nowhere/at all');
  });

  test('is not reached for offline', async () => {
    const { path, first } = repository();
    const [lookUp] = await failuresOf(() => lookUpRevision(at(path, 'v1'), setUp(true)));
    const [checkOut] = await failuresOf(() => checkOutCommit(at(path, 'v1'), first, setUp(true)));
    expect([lookUp?.code, checkOut?.code]).toEqual(['offline', 'offline']);
  });

  test('that two processes want at once is fetched in turn', async () => {
    const { path, first } = repository();
    const cache = setUp();
    const both = await Promise.all([1, 2, 3].map(() => checkOutCommit(at(path, 'v1'), first, cache)));
    expect(new Set(both).size).toBe(1);
  });

  test('takes away what a killed checkout left', async () => {
    const { path, first, second } = repository();
    const cache = setUp();
    const directory = await checkOutCommit(at(path, 'main'), first, cache);
    writeTree(`${directory}.1-abc.tmp`, { 'half/a': '' });
    await checkOutCommit(at(path, 'main'), second, cache);
    expect(readdirSync(join(directory, '..')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('that finds a full disk says so', async (ctx) => {
    const disk = fullDisk(ctx);
    const [found] = await failuresOf(() => lookUpRevision(at(repository().path, 'main'), { ...setUp(), cache: disk }));
    expect(['disk-full', 'git-failed']).toContain(found?.code);
    expect(found?.cause).toMatch(/full|No space left/);
  });

  test('cannot name a program to run instead of an address', async () => {
    const marker = join(temporaryDirectory(), 'ran');
    const [found] = await failuresOf(() => lookUpRevision(at(`ext::sh -c "touch ${marker}"`, 'main'), setUp()));
    expect(found?.code).toBe('git-failed');
    expect(existsSync(marker)).toBe(false);
  });
});
