/** Mistakes in layers and coracle.yaml: `coracle build` says where, why and what to do, and touches nothing. */
import { describe, expect, test } from 'vitest';
import { coracle } from '../support/coracle.ts';
import { type Tree, treeOf } from '../support/files.ts';
import { expectRefused, listing } from '../support/refused.ts';

const PROJECT: Tree = {
  'coracle.yaml': 'layers: [{path: layers}]\nworkspaces:\n  a: {layers: [my/board, my/app]}\n',
  'coracle.lock': 'format: 1\ngit: {}\ndebian: {}\n',
  'layers/my/board/layer.yaml': 'description: A board\nprovides: [board, base]\n',
  'layers/my/board/kernel/board': 'CONFIG_EXT4_FS=y\n',
  'layers/my/app/layer.yaml': 'description: An application\n',
  // What an earlier build left, none of which is the business of a refused one.
  'workspaces/a/stages/slot/manifest.json': '{}\n',
  'workspaces/a/stages/slot/.stage.json': '{}\n',
  'workspaces/a/logs/slot.log': 'said\n',
};

interface Mistake {
  readonly name: string;
  readonly tree: Tree;
  readonly words: readonly string[];
}

const yaml = (list: string, more = ''): Tree => ({
  'coracle.yaml': `layers: [{path: layers}]\nworkspaces:\n  a: {layers: [${list}]${more}}\n`,
});
const board = (text: string): Tree => ({ 'layers/my/board/layer.yaml': text });
const app = (text: string): Tree => ({ 'layers/my/app/layer.yaml': text });

const MISTAKES: readonly Mistake[] = [
  {
    name: 'an unknown layer',
    tree: yaml('my/board, my/ap'),
    words: [
      'there is no layer my/ap',
      'at coracle.yaml:3:26',
      ' ^^^^^\n',
      'did you mean my/app?',
      'looked in layers (',
    ],
  },
  {
    name: 'an unknown layer that another depends on',
    tree: app('description: An application\ndepends: [my/bord]\n'),
    words: ['there is no layer my/bord', 'at layers/my/app/layer.yaml:2:11', 'did you mean my/board?'],
  },
  {
    name: 'an unknown key of coracle.yaml',
    tree: yaml('my/board', ', engin: debian'),
    words: ['at coracle.yaml:3:', '"engin"', 'did you mean engine?'],
  },
  {
    name: 'an unknown key of layer.yaml',
    tree: app('description: An application\ndepend: [my/board]\n'),
    words: ['at layers/my/app/layer.yaml:2:1', 'did you mean depends?', 'layer: my/app'],
  },
  {
    name: 'a key for another engine',
    tree: app('description: x\nengines: {debain: {modules: [x]}}\n'),
    words: ['at layers/my/app/layer.yaml:2:11', 'did you mean debian?'],
  },
  {
    name: 'a value of the wrong kind',
    tree: app('description: x\ndepends: my/board\n'),
    words: ['at layers/my/app/layer.yaml:2:10', 'depends'],
  },
  {
    name: 'an unknown directory of a layer',
    tree: { 'layers/my/app/kernal/x': 'CONFIG_A=y\n' },
    words: ['a layer has no directory "kernal"', 'at layers/my/app/kernal', 'did you mean kernel?'],
  },
  {
    name: 'an unknown hook',
    tree: { 'layers/my/app/hooks/roots.sh': { program: '#!/bin/sh\n' } },
    words: ['there is no hook "roots"', 'at layers/my/app/hooks/roots.sh', 'did you mean root?'],
  },
  {
    name: 'layers that need each other in a circle',
    tree: {
      ...board('description: A board\nprovides: [board, base]\ndepends: [my/app]\n'),
      ...app('description: An application\ndepends: [my/board]\n'),
    },
    words: [
      'in a circle: my/board → my/app → my/board',
      'at layers/my/app/layer.yaml:2:11',
      'hint: move what both need',
    ],
  },
  {
    name: 'two layers that conflict',
    tree: app('description: An application\nconflicts: [my/board]\n'),
    words: [
      'my/app and my/board cannot be in the same list',
      'at layers/my/app/layer.yaml:2:13',
      'leave one of them out',
    ],
  },
  {
    name: 'two boards at once',
    tree: { ...yaml('my/board, virt/qemu') },
    words: [
      'two layers are the board of this list: my/board and virt/qemu',
      'layer.yaml:2:12',
      'make a workspace for each',
    ],
  },
  {
    name: 'an architecture that a layer does not have',
    tree: { ...yaml('my/board, my/app', ', arch: arm64'), ...app('description: x\narch: [x86_64]\n') },
    words: ['my/app does not support arm64', 'at layers/my/app', 'set "arch: x86_64"'],
  },
  {
    name: 'a directory of layers that is not there',
    tree: { 'coracle.yaml': 'layers: [{path: lairs}]\nworkspaces:\n  a: {layers: [my/board]}\n' },
    words: ['there is no directory lairs', 'at coracle.yaml:1:10', 'looked at ', 'relative to coracle.yaml'],
  },
  {
    name: 'a keyring that is not there',
    tree: yaml('my/board', ', debian: {keyring: keys.gpg}'),
    words: ['there is no keyring keys.gpg', 'at coracle.yaml:3:45', 'looked at ', 'relative to coracle.yaml'],
  },
  {
    name: 'a mirror with a line of its own for apt',
    tree: yaml('my/board', ', debian: {mirror: "http://x/debian\\nTrusted: yes"}'),
    words: ['at coracle.yaml:3:44', 'an address like http://mirror.example.org/debian'],
  },
  {
    name: 'a link that leads nowhere, among fragments',
    tree: { 'layers/my/app/kernel/net': { link: '../../gone/net' } },
    words: ['this link leads nowhere', 'at layers/my/app/kernel/net', 'mend the link or remove it'],
  },
  {
    name: 'a link that leads nowhere, as root_overlay',
    tree: { 'layers/my/app/root_overlay': { link: '/nowhere' } },
    words: ['this link leads nowhere', 'at layers/my/app/root_overlay'],
  },
  {
    name: 'a link that leads nowhere, as layer.yaml',
    tree: { 'layers/my/lamp/layer.yaml': { link: 'lair.yaml' }, ...yaml('my/board, my/lamp') },
    words: ['layers/my/lamp/layer.yaml', 'link leads nowhere'],
  },
  {
    name: 'links in a circle',
    tree: { 'layers/my/app/kernel': { link: 'kernel' } },
    words: ['at layers/my/app/kernel', 'leads nowhere'],
  },
  {
    name: 'a file in the middle of a path of layers',
    tree: { 'coracle.yaml': 'layers: [{path: ./coracle.lock/layers}]\nworkspaces:\n  a: {layers: [my/board]}\n' },
    words: ['there is no directory ./coracle.lock/layers', 'at coracle.yaml:1:10'],
  },
  {
    name: 'a directory among fragments',
    tree: { 'layers/my/app/kernel/more/x': '' },
    words: ['a directory where only files belong', 'at layers/my/app/kernel/more'],
  },
  {
    name: 'broken YAML in coracle.yaml',
    tree: { 'coracle.yaml': 'layers: [{path: layers}]\nworkspaces:\n  a: {layers: [my/board\n' },
    words: ['this is not valid YAML', 'at coracle.yaml:', ' | ', '^'],
  },
  {
    name: 'broken YAML in layer.yaml, in a line with tabs',
    tree: app('description: An application\ndepends:\n\t- my/board\n'),
    words: ['this is not valid YAML', 'at layers/my/app/layer.yaml:3:1', 'indent with spaces', 'layer: my/app'],
  },
  {
    name: 'two documents in a file',
    tree: app('description: x\n---\ndescription: y\n'),
    words: ['another document begins here, and a file is one', 'at layers/my/app/layer.yaml:2:1', 'layer: my/app'],
  },
  ...[700, 3000, 100_000].map(
    (depth): Mistake => ({
      name: `lists in lists, ${depth} deep`,
      tree: app(`description: ${'['.repeat(depth)}${']'.repeat(depth)}\n`),
      words: ['at layers/my/app/layer.yaml:1'],
    }),
  ),
  {
    name: 'a size that is too small',
    tree: yaml('my/board', ', bootPartitionMiB: 5, persistMiB: 0'),
    words: [
      'workspaces.a.bootPartitionMiB 5 is not allowed',
      'it must be 33 or more',
      'workspaces.a.persistMiB 0 is not allowed',
      'it must be 16 or more',
    ],
  },
  {
    name: 'a size that is too large',
    tree: yaml('my/board', ', persistMiB: 2000000'),
    words: ['at coracle.yaml:3:', 'it must be 1048576 or less'],
  },
  {
    name: 'a path that is empty',
    tree: { 'coracle.yaml': 'layers: [{path: ""}]\nworkspaces:\n  a: {layers: [my/board]}\n' },
    words: ['layers[0].path "" is not allowed', 'it must not be empty'],
  },
  {
    name: 'a Buildroot tree that is not there',
    tree: yaml('my/board', ', engine: buildroot, buildroot: {tree: gone}'),
    words: ['there is no Buildroot tree', 'at gone', 'buildroot in coracle.yaml is to have one'],
  },
  {
    name: 'the same key twice',
    tree: app('description: An application\ndescription: Another\n'),
    words: ['the same key is written twice', 'at layers/my/app/layer.yaml:2:1', ' ^'],
  },
  {
    name: 'aliases that unfold to more than memory holds',
    tree: {
      'layers/my/app/layer.yaml': [
        'description: x',
        'a: &a [x, x, x, x, x, x, x, x, x, x]',
        ...[...'bcdefghij'].map((key, index) => `${key}: &${key} [${`*${'abcdefghi'[index]}, `.repeat(9)}1]`),
      ].join('\n'),
    },
    words: ['at layers/my/app/layer.yaml:'],
  },
  ...[
    'my/a pp',
    "my/a'pp",
    'my/"app',
    'my/@app',
    'my/$(touch pwned)',
    'my/äpp',
    '../my/app',
    '/etc/passwd',
    'my/..',
  ].map(
    (name): Mistake => ({
      name: `a layer called ${name}`,
      tree: yaml(`my/board, ${JSON.stringify(name)}`),
      words: ['at coracle.yaml:3:26', 'a layer is named <group>/<name>'],
    }),
  ),
  {
    name: 'a workspace called ../a',
    tree: { 'coracle.yaml': 'layers: [{path: layers}]\nworkspaces:\n  ../a: {layers: [my/board]}\n' },
    words: ['at coracle.yaml:3:3', 'the name of a workspace is made of letters'],
  },
  {
    name: 'a fragment line that is none',
    tree: { 'layers/my/app/kernel/x': 'CONFIG_A=y\nCONFIG_B y\n' },
    words: ['at layers/my/app/kernel/x:2:', 'CONFIG_B y', ' ^'],
  },
  {
    name: 'a fragment with a value that is none',
    tree: { 'layers/my/app/kernel/x': 'CONFIG_A="y\n' },
    words: ['at layers/my/app/kernel/x:1:', ' ^'],
  },
];

describe('a build is refused, and changes nothing, for', () => {
  test.each(MISTAKES)('$name', async ({ tree, words }) => {
    const project = treeOf({ ...PROJECT, ...tree });
    const before = listing(project);
    expectRefused(await coracle(project, ['build', 'a']), words);
    expect(listing(project)).toEqual(before);
  });
});

test('every mistake is told at once', async () => {
  const project = treeOf({
    ...PROJECT,
    ...app('description: An application\ndepend: [my/board]\nconflict: [x/y]\n'),
    'layers/my/app/kernal/x': '',
    ...yaml('my/board, my/app, my/ap'),
  });
  const ran = await coracle(project, ['build', 'a']);
  expectRefused(ran, [
    'did you mean depends?',
    'did you mean conflicts?',
    'did you mean kernel?',
    'there is no layer my/ap',
  ]);
  expect(ran.stderr.match(/^error: /gm)).toHaveLength(4);
});

test.each([
  ['that is empty', '', ['coracle.lock is empty', 'at coracle.lock:1:1', 'run coracle update']],
  [
    'that git could not merge',
    'format: 1\n<<<<<<< HEAD\ngit: {}\n=======\ngit: {}\n>>>>>>> theirs\ndebian: {}\n',
    ['coracle.lock has the marks of a merge conflict', 'at coracle.lock:2:1', 'take either side', 'run coracle update'],
  ],
  ['that is a list', '- a\n', ['coracle.lock is broken at its top', 'this is not what Coracle writes there']],
])('a lock %s is refused', async (_, lock, words) => {
  const project = treeOf({
    ...PROJECT,
    'coracle.lock': lock,
    'coracle.yaml': 'layers: [{git: /nowhere}]\nworkspaces:\n  a: {layers: [my/board]}\n',
  });
  const before = listing(project);
  expectRefused(await coracle(project, ['build', 'a', '--offline']), words);
  expect(listing(project)).toEqual(before);
});

test('a coracle.yaml that is empty says what to write into it', async () => {
  const ran = await coracle(treeOf({ 'coracle.yaml': '' }), ['build']);
  expectRefused(ran, ['which workspace?', 'write one into coracle.yaml, for instance', 'workspaces:\n']);
  expect(ran.stderr).not.toContain('new project');
});

test.each<[string, readonly string[], readonly string[]]>([
  ['a workspace that is not there', ['build', 'b'], ['there is no workspace "b"', 'workspaces: a']],
  ['a verb that is not there', ['biuld'], ['build']],
  ['an option that is not there', ['build', 'a', '--of-line'], ['of-line', '--help']],
  ['a layer list with a layer that is not there', ['build', 'my/board,my/$(id)'], ['"my/$(id)" is not a layer name']],
  ['an empty list', ['build', ' , '], ['the list of layers is empty']],
])('%s is refused', async (_, args, words) => {
  const project = treeOf(PROJECT);
  const before = listing(project);
  expectRefused(await coracle(project, args), words);
  expect(listing(project)).toEqual(before);
});
