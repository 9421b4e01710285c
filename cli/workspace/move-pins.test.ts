import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { failuresOf, temporaryDirectory, treeOf, writeTree } from '../../test/support/files.ts';
import type { FailureParts } from '../failure.ts';
import { layerRoots } from './layer-roots.ts';
import { lockFilePath, readLockFile, updateLockFile } from './lock-file.ts';
import { forgetPackages, movePins } from './move-pins.ts';
import { loadProject, type Project } from './project.ts';
import { resolveWorkspace } from './resolve-workspace.ts';

function git(directory: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...identity, ...args], { cwd: directory, encoding: 'utf8' }).trim();
}

function commit(repository: string, description: string): string {
  writeTree(repository, { 'configs/my/base/layer.yaml': `description: ${description}\nprovides: [base]\n` });
  git(repository, 'add', '.');
  git(repository, 'commit', '-qm', description);
  return git(repository, 'rev-parse', 'HEAD');
}

async function setUp(rev = 'main'): Promise<{ project: Project; repository: string; first: string }> {
  const repository = temporaryDirectory();
  git(repository, 'init', '-q');
  const first = commit(repository, 'first');
  const directory = treeOf({
    'coracle.yaml': `layers: [{git: ${JSON.stringify(repository)}, rev: ${rev}}]\nworkspaces: {a: {layers: [my/base]}}\n`,
  });
  const environment = { CORACLE_CACHE: temporaryDirectory() };
  return { project: await loadProject(directory, environment, treeOf({ 'layers/': '' })), repository, first };
}

const describeBase = async (project: Project, offline = false): Promise<string | undefined> =>
  (await resolveWorkspace(project, 'a', { offline })).layers[0]?.layer.description;

describe('pins of repositories', () => {
  test('are made by the first look, and hold while the repository moves on', async () => {
    const { project, repository, first } = await setUp();
    expect(await describeBase(project)).toBe('first');
    expect((await readLockFile(project.directory)).git).toEqual({ [repository]: { rev: 'main', commit: first } });
    commit(repository, 'second');
    expect(await describeBase(project)).toBe('first');
    const root = (await layerRoots(project)).find(({ kind }) => kind === 'git');
    expect(root).toMatchObject({ label: `${repository}@main`, commit: first });
  });

  test('are moved by an update, which says from where to where', async () => {
    const { project, repository, first } = await setUp();
    await describeBase(project);
    const second = commit(repository, 'second');
    expect(await movePins(project, {})).toEqual([{ url: repository, rev: 'main', from: first, to: second }]);
    expect(await describeBase(project)).toBe('second');
    expect(await movePins(project, {})).toMatchObject([{ from: second, to: second }]);
  });

  test('need no repository once they are in the cache', async () => {
    const { project, repository } = await setUp();
    await describeBase(project);
    rmSync(repository, { recursive: true });
    expect(await describeBase(project, true)).toBe('first');
    const [found] = await failuresOf(() => movePins(project, {}));
    expect(found?.code).toBe('git-failed');
    expect(await describeBase(project, true)).toBe('first');
  });

  test('of a commit that is gone are shown in coracle.lock, with what moves them', async () => {
    const { project, repository, first } = await setUp();
    await describeBase(project);
    writeTree(repository, { 'configs/my/base/layer.yaml': 'description: anew\nprovides: [base]\n' });
    git(repository, 'commit', '-q', '-a', '--amend', '-m', 'anew');
    git(repository, 'reflog', 'expire', '--expire=now', '--all');
    git(repository, 'gc', '-q', '--prune=now');
    const environment = { CORACLE_CACHE: temporaryDirectory() };
    const elsewhere = await loadProject(project.directory, environment, treeOf({ 'layers/': '' }));
    const file = lockFilePath(project.directory);
    const line =
      readFileSync(file, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes(first)) + 1;
    expect(await failuresOf(() => describeBase(elsewhere))).toMatchObject([
      {
        code: 'pin-gone',
        message: `${repository} no longer has the commit ${first} that coracle.lock names`,
        place: { file, line },
        hint: 'coracle update --git pins what main is now',
      },
    ]);
    await movePins(elsewhere, {});
    expect(await describeBase(elsewhere)).toBe('anew');
  });

  test('of a repository whose layers are in a submodule come with a warning', async () => {
    const { project, repository, first } = await setUp();
    const warn = async (): Promise<readonly (string | undefined)[]> => {
      const warnings: FailureParts[] = [];
      await movePins(project, {});
      await layerRoots(project, { onWarning: (warning) => warnings.push(warning) });
      return warnings.map(({ code, message }) => `${code} ${message.split(' ')[0]}`);
    };
    expect(await warn()).toEqual([]);
    git(repository, 'update-index', '--add', '--cacheinfo', `160000,${first},configs/theirs`);
    git(repository, 'commit', '-qm', 'a group');
    expect(await warn()).toEqual(['submodule configs/theirs']);
    git(repository, 'update-index', '--add', '--cacheinfo', `160000,${first},layers`);
    git(repository, 'commit', '-qm', 'all of them');
    expect(await warn()).toEqual(['submodule layers']);
  });

  test('of another revision than coracle.yaml asks for are made anew', async () => {
    const { project, repository, first } = await setUp();
    await updateLockFile(project.directory, (lock) => ({
      ...lock,
      git: { [repository]: { rev: 'v0', commit: 'd'.repeat(40) }, gone: { rev: 'v0', commit: 'd'.repeat(40) } },
    }));
    await describeBase(project);
    expect((await readLockFile(project.directory)).git[repository]).toEqual({ rev: 'main', commit: first });
    await movePins(project, {});
    expect(Object.keys((await readLockFile(project.directory)).git)).toEqual([repository]);
  });

  test('cannot be made offline, nor of a revision that is not there', async () => {
    const { project } = await setUp();
    expect((await failuresOf(() => describeBase(project, true)))[0]).toMatchObject({
      code: 'offline',
      place: { line: 1, column: 10 },
    });
    const { project: other } = await setUp('v9');
    expect((await failuresOf(() => describeBase(other)))[0]?.code).toBe('unknown-revision');
    expect(await readLockFile(other.directory)).toEqual({ git: {}, debian: {} });
  });
});

test('packages are forgotten for the workspaces named, or for all', async () => {
  const { project } = await setUp();
  const part = { request: 'r', arch: 'amd64', packages: [] };
  await updateLockFile(project.directory, (lock) => ({ ...lock, debian: { a: part, b: part, c: part } }));
  expect(await forgetPackages(project, ['b'])).toEqual(['b']);
  expect(await forgetPackages(project, [])).toEqual(['a', 'c']);
});
