/** The command that a failed build ends with builds the same again: as it was asked for, with what was asked for. */
import { expect, test } from 'vitest';
import { coracle } from './support/coracle.ts';
import { treeOf } from './support/files.ts';

const TREE = {
  'coracle.yaml': 'layers: [{path: layers}]\nworkspaces: {small: {layers: [base/mini, my/bad]}}\n',
  'layers/my/bad/layer.yaml': 'description: Fails\n',
  // Before everything else, so nothing is fetched or compiled.
  'layers/my/bad/hooks/pre.sh': { program: '#!/bin/sh\nexit 3\n' },
};

test.for<[readonly string[], Readonly<Record<string, string>>, string]>([
  [['small', '--offline'], {}, 'coracle build small --offline'],
  [['base/mini,my/bad'], {}, 'coracle build base/mini,my/bad'],
  [['base/mini, my/bad'], {}, "coracle build 'base/mini, my/bad'"],
  [[], { SKIFF_CONFIG: 'base/mini,my/bad' }, 'coracle build'],
])('build %j with %j', async ([args, environment, expected]) => {
  const ran = await coracle(treeOf(TREE), ['build', ...args], environment);
  expect(ran).toMatchObject({ exitCode: 1 });
  expect(/try again: (.*)/.exec(ran.stderr)?.[1]).toBe(expected);
});
