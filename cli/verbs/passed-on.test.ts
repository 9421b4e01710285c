import { expect, test } from 'vitest';
import { splitPassedOn } from './passed-on.ts';
import { VERBS } from './verbs.ts';

test.each([
  ['cmd a/b/c', ['cmd', 'a/b/c'], []],
  ['cmd/a/b/c --help', ['cmd', 'a/b/c'], ['--help']],
  ['cmd a/b/c -- --json x', ['cmd', 'a/b/c'], ['--', '--json', 'x']],
  ['--json cmd', ['--json', 'cmd'], []],
  ['cmd -w pi a/b/c -w x', ['cmd', '-w', 'pi', 'a/b/c'], ['-w', 'x']],
  ['cmd --workspace=pi --offline a/b/c', ['cmd', '--workspace=pi', '--offline', 'a/b/c'], []],
  ['cmd --workspace pi', ['cmd', '--workspace', 'pi'], []],
  ['build a/b,cmd/x -j 2', ['build', 'a/b,cmd/x', '-j', '2'], []],
  ['cmdx/a/b/c', ['cmdx/a/b/c'], []],
  ['', [], []],
] as const)('%s', async (line, own, passedOn) => {
  const words = line.split(' ').filter((word) => word !== '');
  expect(await splitPassedOn(words, VERBS)).toEqual({ own, passedOn });
});
