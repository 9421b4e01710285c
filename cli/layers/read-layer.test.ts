import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresOf, type Tree, treeOf } from '../../test/support/files.ts';
import type { Layer, LayerRoot } from './layer.ts';
import { CONTENT_DIRECTORIES } from './layer-contents.ts';
import { readLayer } from './read-layer.ts';

const root = (directory: string): LayerRoot => ({ kind: 'path', directory, label: 'here' });

function read(tree: Tree): Layer {
  const directory = treeOf(tree);
  const layer = readLayer('my/app', root(directory), directory);
  if (layer === undefined) throw new Error('not a layer');
  return layer;
}

const FULL = `
description: An application
depends: [core/podman, apps/other]
conflicts: [core/docker]
provides: [shop]
unlisted: true
arch: [arm64]
commands: {install: Install it}
accept:
  - {namespace: kernel, symbol: CONFIG_ZRAM, reason: a module will do}
slots:
  port: {description: Where it listens, default: 8080}
  version: {description: Shown, default: 1.10}
  secret: {description: No default}
engines:
  debian:
    kernel: linux-image-amd64
    modules: [zram, fs/fat/*]
    bootFiles:
      - {package: a, from: {x86_64: /x, arm64: /y}, to: EFI/z}
`;

describe('a layer with layer.yaml', () => {
  test("may name Coracle's own programs, and no others", async () => {
    const layer = read({ 'layer.yaml': 'description: Pods\nprograms: [coracle-oci]\n' });
    expect(layer.programs).toMatchObject([{ value: 'coracle-oci', place: { line: 2 } }]);
    const found = await failuresOf(() => read({ 'layer.yaml': 'description: Pods\nprograms: [coracle-ocl]\n' }));
    expect(found).toMatchObject([{ code: 'bad-value', place: { line: 2 }, layer: 'my/app' }]);
    expect(found[0]?.hint).toContain('did you mean coracle-oci?');
  });

  test('is read with the place of every name', () => {
    const layer = read({ 'layer.yaml': FULL });
    expect(layer).toMatchObject({
      form: 'coracle',
      description: 'An application',
      unlisted: true,
      arch: ['arm64'],
      commands: [{ name: 'install', description: 'Install it' }],
      accept: [{ namespace: 'kernel', symbol: 'CONFIG_ZRAM', place: { line: 10, column: 33 } }],
    });
    expect(layer.depends.map(({ value, place }) => [value, place.line, place.column, place.length])).toEqual([
      ['core/podman', 3, 11, 11],
      ['apps/other', 3, 24, 10],
    ]);
    expect(layer.debian.kernel).toEqual({ x86_64: 'linux-image-amd64', arm64: 'linux-image-amd64' });
    expect(layer.debian.bootFiles[0]?.from).toEqual({ x86_64: '/x', arm64: '/y' });
    expect(layer.debian.modules.map(({ value, place }) => [value, place.line])).toEqual([
      ['zram', 18],
      ['fs/fat/*', 18],
    ]);
  });

  test('keeps the defaults of values as they are written', () => {
    const slots = read({ 'layer.yaml': FULL }).slots;
    expect(slots.map((slot) => [slot.name, slot.default])).toEqual([
      ['port', '8080'],
      ['version', '1.10'],
      ['secret', undefined],
    ]);
  });

  test('is also a SkiffOS layer if it has metadata/, and layer.yaml is what counts', () => {
    const layer = read({ 'layer.yaml': 'description: ours\n', 'metadata/description': 'theirs\n' });
    expect(layer).toMatchObject({ form: 'coracle', description: 'ours' });
  });

  test('tells all its mistakes at once, in the order of their lines', async () => {
    const text = 'descripton: x\ndepends: [no-group, core/podman]\narch: [x86]\nunlisted: "yes"\nfoo: 1\n';
    const found = await failuresOf(() => read({ 'layer.yaml': text, 'kernle/a': '' }));
    expect(found.map(({ code, place, layer }) => [code, place?.line, place?.column, layer])).toEqual([
      ['unknown-key', 1, 1, 'my/app'],
      ['bad-value', 2, 11, 'my/app'],
      ['bad-value', 3, 8, 'my/app'],
      ['wrong-type', 4, 11, 'my/app'],
      ['unknown-key', 5, 1, 'my/app'],
      ['unknown-directory', undefined, undefined, 'my/app'],
    ]);
    expect(found[0]?.hint).toContain('did you mean description?');
    expect(found[2]?.hint).toContain('did you mean x86_64?');
    expect(found[5]?.hint).toContain('did you mean kernel?');
  });

  test.each([
    ['an unclosed bracket', 'description: x\ndepends: [a/b\nunlisted: true\n', 3, 1],
    ['a tab', 'description: x\ncommands:\n\tinstall: x\n', 3, 1],
    ['a key written twice', 'description: x\ndescription: y\n', 2, 1],
    ['an unclosed quote', 'description: "x\n', 2, 1],
    ['an alias without an anchor', 'description: *x\n', 1, 14],
  ])('points at broken YAML: %s', async (_what, text, line, column) => {
    const [found] = await failuresOf(() => read({ 'layer.yaml': text }));
    expect(found).toMatchObject({ code: 'broken-yaml', place: { line, column } });
  });

  test.each(['layer.yml', 'Layer.yaml', 'layers.yaml'])('refuses the file name %s', async (name) => {
    const [found] = await failuresOf(() => read({ [name]: 'description: x\n', 'kernel/a': '' }).warnings);
    expect(found?.code).toBe('unknown-file');
  });
});

describe('a layer of SkiffOS', () => {
  test('is read as it is', () => {
    const layer = read({
      'metadata/description': 'ODROID XU4\n',
      'metadata/dependencies': 'odroid/common, skiff/core\napps/docker',
      'metadata/commands': 'install  Install it.\nbroken\n',
      'metadata/unlisted': '',
      'buildroot/config': 'BR2_arm=y\n',
      'hooks/pre.sh': { program: '#!/bin/sh\n' },
      'hooks/lib.sh': 'x',
      ALIAS: 'of another',
    });
    expect(layer).toMatchObject({
      form: 'skiffos',
      description: 'ODROID XU4',
      unlisted: true,
      commands: [{ name: 'install', description: 'Install it.' }],
    });
    expect(layer.depends.map(({ value, place }) => [value, place.line, place.column])).toEqual([
      ['odroid/common', 1, 1],
      ['skiff/core', 1, 16],
      ['apps/docker', 2, 1],
    ]);
    expect(Object.keys(layer.contents.hooks)).toEqual(['pre']);
    expect(layer.warnings).toBeUndefined();
  });

  test('may have directories of its own, which are pointed out', () => {
    const layer = read({ 'kernel/a': '', 'docs/x': '' });
    expect(layer.warnings?.map(({ code, hint }) => [code, hint?.includes('kernel')])).toEqual([
      ['unknown-directory', true],
    ]);
  });
});

describe('contents', () => {
  test.each(CONTENT_DIRECTORIES)('are told of a file where the directory %s is meant', async (name) => {
    const [failure] = await failuresOf(() => read({ 'layer.yaml': 'description: x\n', [name]: 'x' }));
    expect(failure).toMatchObject({ code: 'not-a-directory', hint: expect.stringContaining(`${name}/`) });
    expect(read({ 'metadata/description': 'x\n', [name]: 'x' }).warnings).toMatchObject([
      { code: 'not-a-directory', place: { file: expect.stringMatching(`/${name}$`) } },
    ]);
  });

  test('are sorted as C strings, without hidden files', () => {
    const names = ['b', 'a', 'B', '10', '9', 'é', '\u{1f600}', '\uff5e', '.gitkeep'];
    const layer = read(Object.fromEntries(names.map((name) => [`kernel/${name}`, ''])));
    const files = layer.contents.fragments.kernel.map((file) => file.split('/').at(-1));
    expect(files).toEqual(['10', '9', 'B', 'a', 'b', 'é', '\uff5e', '\u{1f600}']);
  });

  test('may have any name', () => {
    const names = ['with space', "quote'", 'quote"', '@at', '$(touch x)', '-dash', 'новый', 'new\nline'];
    const layer = read(Object.fromEntries(names.map((name) => [`uboot/${name}`, ''])));
    expect(layer.contents.fragments.uboot.map((file) => file.split('/').at(-1))).toEqual(names.toSorted());
  });

  test('of patches are found at any depth', () => {
    const layer = read({ 'buildroot_patches/linux/6.1/0001-x.patch': '', 'buildroot_patches/a.patch': '' });
    expect(layer.contents.patches.buildroot).toHaveLength(2);
  });

  test.each([
    ['a link that leads nowhere', { 'kernel/a': { link: 'gone' } }, 'dangling-link', 'kernel/a'],
    ['a dangling directory', { 'layer.yaml': 'description: x', kernel: { link: 'gone' } }, 'dangling-link', 'kernel'],
    ['a directory among fragments', { 'kernel/more/a': '' }, 'unexpected-directory', 'kernel/more'],
    ['a file in place of a directory', { 'layer.yaml': 'description: x', kernel: '' }, 'not-a-directory', 'kernel'],
    ['a file of hooks', { 'layer.yaml': 'description: x', hooks: '' }, 'not-a-directory', 'hooks'],
    ['a dangling hook', { 'hooks/pre.sh': { link: 'gone' } }, 'dangling-link', 'hooks/pre.sh'],
    ['an unknown hook', { 'layer.yaml': 'description: x', 'hooks/prr': '' }, 'unknown-hook', 'hooks/prr'],
    [
      'a hook twice',
      { 'layer.yaml': 'description: x', 'hooks/pre': '', 'hooks/pre.sh': '' },
      'unknown-hook',
      'hooks/pre.sh',
    ],
    ['a layer.yaml that is a directory', { 'layer.yaml/x': '' }, 'unreadable-file', 'layer.yaml'],
    ['a dangling layer.yaml', { 'layer.yaml': { link: 'gone' } }, 'unreadable-file', 'layer.yaml'],
  ] as [string, Tree, string, string][])('are refused: %s', async (_what, tree, code, file) => {
    const found = await failuresOf(() => read(tree));
    const first = found.find((parts) => parts.code === code);
    expect(first?.place?.file.endsWith(`/${file}`)).toBe(true);
    expect(first?.layer).toBe('my/app');
  });

  test('that may not be read are named', async () => {
    const directory = treeOf({ 'layer.yaml': 'description: x\n', 'kernel/a': 'CONFIG_A=y\n' });
    chmodSync(join(directory, 'kernel'), 0);
    chmodSync(directory, 0o755);
    // Root may read everything; nobody may not. This process, because another user may not get to a checkout in /root.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      const [failure] = await failuresOf(() => readLayer('my/app', root(directory), directory));
      expect(failure).toMatchObject({ code: 'unreadable-file', cause: 'EACCES', layer: 'my/app' });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  test('that make no layer are not taken for one', () => {
    const directory = treeOf({ 'README.md': '', 'docs/a': '' });
    expect(readLayer('my/app', root(directory), directory)).toBeUndefined();
  });
});
