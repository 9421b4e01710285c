import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { failuresOf, temporaryDirectory, treeOf, writeTree } from '../../test/support/files.ts';
import { layerRoots } from './layer-roots.ts';
import { readLockFile, updateLockFile } from './lock-file.ts';
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
