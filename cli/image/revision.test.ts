import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { revisionsOf } from './revision.ts';

let top: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), "coracle revision 'ü' ")));
  git('init', '-q');
  for (const layer of ['layers/a/one', 'layers/a/on', 'layers/b/two words']) {
    mkdirSync(join(top, layer), { recursive: true });
    writeFileSync(join(top, layer, 'layer.yaml'), `description: ${layer}\n`);
  }
  writeFileSync(join(top, '.gitignore'), 'ignored/\n');
  git('add', '.');
  git('commit', '-qm', 'first');
});
afterEach(() => rmSync(top, { recursive: true }));

function git(...args: string[]): string {
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
  return execFileSync('git', [...who, ...args], { cwd: top, encoding: 'utf8' }).trim();
}

async function revision(path: string) {
  return (await revisionsOf([join(top, path)])).get(join(top, path));
}

it('is the commit, and says whether something was changed since', async () => {
  const commit = git('rev-parse', 'HEAD');
  expect(await revision('layers/a/one')).toEqual({ commit, dirty: false });
  writeFileSync(join(top, 'layers/a/one/layer.yaml'), 'description: changed\n');
  expect(await revision('layers/a/one')).toEqual({ commit, dirty: true });
  expect(await revision('layers/a/on')).toEqual({ commit, dirty: false });
});

const inside = (name: string): string => join(top, 'layers/b/two words', name);

it.each([
  ['a new file', () => writeFileSync(inside('new file'), '')],
  ['a removed file', () => rmSync(inside('layer.yaml'))],
  [
    'a new directory',
    () => {
      mkdirSync(inside('new'));
      writeFileSync(inside('new/file'), '');
    },
  ],
  [
    'a moved file',
    () => {
      renameSync(inside('layer.yaml'), inside('other'));
      git('add', '-A');
    },
  ],
])('%s counts', async (_, change) => {
  change();
  expect(await revision('layers/b/two words')).toMatchObject({ dirty: true });
  expect(await revision('layers/a/one')).toMatchObject({ dirty: false });
});

it('a layer that was never committed is changed, one outside of a repository has no revision', async () => {
  mkdirSync(join(top, 'new/layer'), { recursive: true });
  writeFileSync(join(top, 'new/layer/layer.yaml'), '');
  expect(await revision('new/layer')).toMatchObject({ dirty: true });
  const outside = mkdtempSync(join(tmpdir(), 'coracle-outside-'));
  expect((await revisionsOf([outside])).get(outside)).toBeUndefined();
  rmSync(outside, { recursive: true });
});

it('a repository without a commit, and one that is broken, have no revision', async () => {
  rmSync(join(top, '.git'), { recursive: true });
  git('init', '-q');
  expect(await revision('layers/a/one')).toBeUndefined();
  rmSync(join(top, '.git'), { recursive: true });
  writeFileSync(join(top, '.git'), 'nonsense');
  expect(await revision('layers/a/one')).toBeUndefined();
});

it('a work tree beside its repository is as good', async () => {
  git('worktree', 'add', '-q', join(top, 'ignored/tree'));
  expect(await revision('ignored/tree/layers/a/one')).toMatchObject({ dirty: false });
});
