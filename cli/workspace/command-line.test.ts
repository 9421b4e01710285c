import { expect, test } from 'vitest';
import { treeOf } from '../../test/support/files.ts';
import { commandLine } from './command-line.ts';
import { loadProject } from './project.ts';
import { resolveWorkspace } from './resolve-workspace.ts';

const FILE = 'default: a\nworkspaces: {a: {layers: [base/mini]}, b: {layers: [base/mini]}}\n';
const SHIPPED = { 'layers/base/mini/layer.yaml': 'description: mini\nprovides: [base]\n' };

test.each([
  ['b', {}, 'coracle build b'],
  [undefined, {}, 'coracle build a'],
  ['base/mini', {}, 'coracle build base/mini'],
  [' base/mini, base/mini', {}, "coracle build 'base/mini, base/mini'"],
  [undefined, { SKIFF_CONFIG: 'base/mini' }, 'coracle build'],
  [undefined, { CORACLE_WORKSPACE: 'b' }, 'coracle build'],
  ['b', { CORACLE_CONFIG: 'base/mini' }, 'coracle build b'],
])('%j with %j in the environment is built by %s', async (name, environment, expected) => {
  const project = await loadProject(treeOf({ 'coracle.yaml': FILE }), environment, treeOf(SHIPPED));
  expect(commandLine('build', await resolveWorkspace(project, name))).toBe(expected);
});
