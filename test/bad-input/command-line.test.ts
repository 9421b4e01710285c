/** Command lines that say what cannot be, and places where nothing can be written to. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coracle, startCoracle, type Wrapper } from '../support/coracle.ts';
import { temporaryDirectory, treeOf } from '../support/files.ts';
import { expectRefused, listing } from '../support/refused.ts';

const PROJECT = {
  'coracle.yaml': 'workspaces:\n  a: {layers: [my/board]}\nlayers: [{path: layers}]\n',
  'layers/my/board/layer.yaml': 'description: A board\nprovides: [board, base]\n',
  'layers/my/board/hooks/pre.sh': {
    program: '#!/bin/sh\necho first\nsleep 1\necho second >done\n',
  },
};

/** The program with some of its outputs led elsewhere by a shell. */
function led(to: string): Wrapper {
  return ['sh', '-c', `"$@" ${to}`, 'sh'];
}

describe('a number that is none, or out of range, is refused with what is allowed:', () => {
  const JOBS = 'allowed: a whole number from 1 to 1024';
  test.for<[string, string, string]>([
    ['build -j abc', '--jobs cannot be "abc"', JOBS],
    ['build -j -1', '--jobs cannot be "-1"', JOBS],
    ['build --jobs 0', '--jobs cannot be "0"', JOBS],
    ['build --jobs 1.5', '--jobs cannot be "1.5"', JOBS],
    ['build --jobs', '--jobs needs a number', JOBS],
    ['build --no-jobs', '--jobs needs a number', JOBS],
    ['build -j 1 -j 2', '--jobs is given more than once: 1, 2', JOBS],
    ['demo -j 1025', '--jobs cannot be "1025"', JOBS],
    ['run --ssh-port 99999', '--ssh-port cannot be "99999"', 'from 1 to 65535'],
    ['run --ssh-port=abc', '--ssh-port cannot be "abc"', 'from 1 to 65535'],
    ['run --timeout abc', '--timeout cannot be "abc"', 'from 1 to 86400'],
    ['run --memory 20', '--memory cannot be "20"', 'from 128 to '],
    ['run --memory -5', '--memory cannot be "-5"', 'from 128 to '],
    ['run --cpus 0', '--cpus cannot be "0"', 'from 1 to 255'],
    ['size --top x', '--top cannot be "x"', 'from 1 to '],
    ['size --top -3', '--top cannot be "-3"', 'from 1 to '],
  ])('%s', async ([line, ...words]) => {
    const ran = await coracle(treeOf(PROJECT), line.split(' '));
    expectRefused(ran, words);
    expect(ran.stderr.match(/^error: /gm)).toHaveLength(1);
  });

  test('all of them at once', async () => {
    const ran = await coracle(treeOf(PROJECT), ['run', '--memory', 'much', '--cpus', 'few']);
    expectRefused(ran, ['--memory cannot be "much"', '--cpus cannot be "few"']);
  });
});

test.for<[string, readonly string[]]>([
  ['', ['which verb?', 'coracle --help']],
  ['buld', ['there is no verb buld', 'did you mean build?']],
  ['xyzzy', ['there is no verb xyzzy', 'coracle --help lists the verbs']],
  ['--nonsense', ['coracle has no option --nonsense']],
  ['--jsno', ['coracle has no option --jsno', 'did you mean --json?']],
  ['build --nonsense', ['coracle build has no option --nonsense', 'coracle build --help']],
  ['build --of-line=3', ['coracle build has no option --of-line', 'did you mean --offline?']],
  ['build --no-wiat', ['coracle build has no option --no-wiat', 'did you mean --no-wait?']],
  ['resolve a b', ['coracle resolve does not take b', 'coracle resolve [workspace]']],
  ['explain', ['coracle explain needs more than that', 'coracle explain <symbol> [workspace]']],
  ['new projct x', ['<kind> cannot be "projct"', 'did you mean project?', 'allowed: project, layer']],
  ['run --accel foo', ['--accel cannot be "foo"', 'allowed: kvm, tcg']],
  ['build -- --all', ['--all is behind --', 'write options before --']],
  ['clean -- nowhere', ['there is no workspace "nowhere"']],
])('coracle %s', async ([line, words]) => {
  const project = treeOf(PROJECT);
  const before = listing(project);
  expectRefused(await coracle(project, line === '' ? [] : line.split(' ')), words);
  expect(listing(project)).toEqual(before);
});

test('the symbol that is empty', async () => {
  expectRefused(await coracle(treeOf(PROJECT), ['explain', '']), ['which symbol?']);
});

describe('coracle new', () => {
  test.for<[string, string]>([
    ['/proc/foo', 'cannot write /proc/foo/'],
    ['/proc/foo/bar', 'cannot write /proc/foo/bar/'],
    ['/etc/passwd/foo', 'a part of its path is a file'],
    ['x'.repeat(300), 'the name is too long'],
  ])('project %s', async ([name, words]) => {
    const directory = temporaryDirectory();
    expectRefused(await coracle(directory, ['new', 'project', name]), [words, 'hint: ']);
    expect(readdirSync(directory)).toEqual([]);
  });

  test.for(['$(touch pwn)', 'a\ntouch pwn', "it's `touch pwn`", '-P'])(
    'project %j: what comes next can be pasted',
    async (name) => {
      const directory = temporaryDirectory();
      const { stdout } = await coracle(directory, ['new', 'project', `./${name}`]);
      const [, cd = ''] = /^next: (cd .*) && coracle check/m.exec(stdout) ?? [];
      const there = execFileSync('bash', ['-c', `${cd} && pwd`], { cwd: directory, encoding: 'utf8' });
      expect(there).toBe(`${join(directory, name)}\n`);
      expect(existsSync(join(directory, 'pwn'))).toBe(false);
    },
  );

  test('layer outside of a project', async () => {
    const directory = temporaryDirectory();
    expectRefused(await coracle(directory, ['new', 'layer', 'x/y']), ['here is none', 'coracle new project .']);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('an output that cannot be written', () => {
  test.for(['resolve', 'layers --json', '--help', 'resolve --help', '--version'])('coracle %s', async (line) => {
    expectRefused(await coracle(treeOf(PROJECT), line.split(' '), {}, led('>/dev/full')), [
      'error: cannot write the output: no space left',
    ]);
  });

  test('whose reader goes away is no failure', async () => {
    const ran = await coracle(treeOf(PROJECT), ['layers', '--json'], {}, ['sh', '-c', '"$@" | head -n 1', 'sh']);
    expect(ran).toEqual({ exitCode: 0, stdout: '[\n', stderr: '' });
  });

  test('does not end a build half-way', async () => {
    const project = treeOf(PROJECT);
    const line = '("$@" 2>&1; echo $? >code) | head -n 1';
    await coracle(project, ['build', 'a', '--offline'], {}, ['sh', '-c', line, 'sh']);
    expect(existsSync(join(project, 'workspaces/a/done'))).toBe(true);
  });

  test('does not silence what is wrong, if only stderr is full', async () => {
    const ran = await coracle(treeOf(PROJECT), ['resolve', 'b'], {}, led('2>/dev/full'));
    expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: '' });
  });
});

test('a working directory that was removed', async () => {
  const directory = temporaryDirectory();
  const gone = join(directory, 'gone');
  mkdirSync(gone);
  const ran = await coracle(gone, ['resolve'], {}, ['sh', '-c', 'rmdir "$PWD" && exec "$@"', 'sh']);
  expectRefused(ran, ['error: the directory that you are in does not exist any more']);
});

test('Ctrl-C is noticed in the middle of a check', async () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `  w${index}: {layers: [my/board]}\n`);
  const project = treeOf({ ...PROJECT, 'coracle.yaml': `layers: [{path: layers}]\nworkspaces:\n${names.join('')}` });
  // In the foreground it signals the program alone; else its group as well, and a second Ctrl-C is another matter.
  const wrapper: Wrapper = ['timeout', '--foreground', '--preserve-status', '--signal=INT', '4'];
  expect(await coracle(project, ['check'], {}, wrapper)).toMatchObject({
    exitCode: 130,
    stdout: '',
    stderr: 'stopped\n',
  });
});

test('a workspace that is named twice is taken once', async () => {
  const project = treeOf(PROJECT);
  const running = startCoracle(project, ['build', 'a', 'a', '--offline']);
  await running.ended;
  expect(running.events.filter((event) => 'text' in event && event.text.includes('waiting'))).toEqual([]);
  expect(running.events.filter(({ kind }) => kind === 'failure').length).toBeLessThan(2);
});
