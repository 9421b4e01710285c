import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Tree, treeOf } from '../../test/support/files.ts';
import { loadProject } from '../workspace/project.ts';
import { lintProject, type ProjectLint } from './lint-project.ts';

async function lint(tree: Tree, names: readonly string[] = []): Promise<ProjectLint> {
  const project = treeOf({ 'coracle.yaml': 'layers: [{path: .}]\n', ...tree });
  return lintProject(await loadProject(project, {}, treeOf({ 'layers/': '' })), names, {});
}

const layer = (more = ''): string => `description: A layer\n${more}`;
const codes = ({ failures }: ProjectLint): string[] => failures.map(({ code }) => code);

describe('check', () => {
  test('tells what Buildroot could not work with', async () => {
    const found = await lint({
      'layers/my/app/layer.yaml': layer('provides: [base]\n'),
      'layers/my/app/buildroot_ext/external.desc': 'name: not a name\n',
      'layers/my/app/buildroot_ext/external.mk': '',
      'layers/my/app/buildroot_ext/Config.in': '',
      'layers/my/app/buildroot_patches/a/0001 odd.patch': '',
      'layers/my/app/cflags/a': '-O2\n-DNAME="x"\n',
      'coracle.yaml': 'layers: [{path: .}]\nworkspaces:\n  a: {layers: [my/app], engine: buildroot}\n',
    });
    expect(codes(found)).toEqual(['bad-external-tree', 'bad-patch-name', 'bad-cflags']);
    expect(found.failures.at(-1)).toMatchObject({ layer: 'my/app', place: { line: 2, column: 8 } });
  });

  test('tells each file that a BR2_EXTERNAL tree lacks once', async () => {
    const found = await lint({
      'layers/my/app/layer.yaml': layer('provides: [base]\n'),
      'layers/my/app/buildroot_ext/Config.in': '',
      'coracle.yaml': 'layers: [{path: .}]\nworkspaces:\n  a: {layers: [my/app], engine: buildroot}\n',
    });
    expect(found.failures.map(({ message }) => message)).toEqual([
      'the BR2_EXTERNAL tree of my/app has no external.desc',
      'the BR2_EXTERNAL tree of my/app has no external.mk',
    ]);
  });

  test('has nothing to say of good layers', async () => {
    const found = await lint({
      'layers/my/app/layer.yaml': layer('depends: [my/base]\n'),
      'layers/my/app/kernel/a': 'CONFIG_A=y\n# CONFIG_B is not set\n',
      'layers/my/app/debian/a': '# comment\npodman\nlibc6=2.36-9 [x86_64]\n',
      'layers/my/app/hooks/pre.sh': { program: '#!/bin/sh\n' },
      'layers/my/app/users/a': 'app -1 app -1 * - - - An application\n',
      'layers/my/app/root_overlay/etc/a.hbs': '{{greeting}} {{workspace}} {{#if arch}}x{{/if}}\n',
      'layers/my/app/root_overlay/etc/link': { link: '../usr/lib' },
      'layers/my/app/root_overlay/etc/absolute': { link: '/usr/lib/x' },
      'layers/my/base/layer.yaml': layer('provides: [base]\nslots: {greeting: {description: x}}\n'),
      'coracle.yaml': 'layers: [{path: .}]\nworkspaces: {a: {layers: [my/app], values: {greeting: hi}}}\n',
    });
    expect(found).toEqual({ layers: 2, workspaces: 1, failures: [], warnings: [] });
  });

  test.each([
    ['broken YAML', { 'layer.yaml': 'description: [' }, 'broken-yaml', 'layer.yaml'],
    ['a fragment that is none', { 'kernel/a': 'not a fragment\n' }, 'bad-fragment-line', 'kernel/a'],
    ['a symbol of another configuration', { 'kernel/a': 'BR2_x=y\n' }, 'wrong-namespace', 'kernel/a'],
    ['a hook that is not executable', { 'hooks/pre.sh': '#!/bin/sh\n' }, 'hook-not-executable', 'hooks/pre.sh'],
    ['a hook without its program', { 'hooks/pre.sh': { program: 'echo\n' } }, 'hook-bad-interpreter', 'hooks/pre.sh'],
    ['a hook of no known name', { 'hooks/prre': { program: '#!/bin/sh\n' } }, 'unknown-hook', 'hooks/prre'],
    [
      'a link out of the root',
      { 'root_overlay/etc/a': { link: '../../../etc/passwd' } },
      'overlay-escape',
      'root_overlay/etc/a',
    ],
    ['a template that does not compile', { 'root_overlay/a.hbs': '{{#if x}}' }, 'bad-template', 'root_overlay/a.hbs'],
    [
      'a template with an undeclared name',
      { 'root_overlay/a.hbs': '{{typo}}' },
      'unknown-variable',
      'root_overlay/a.hbs',
    ],
    ['a broken users table', { 'users/a': 'only three fields\n' }, 'bad-users-table', 'users/a'],
    ['a broken package list', { 'debian/a': 'Not A Package\n' }, 'bad-package-line', 'debian/a'],
    ['a dependency that is not there', { 'layer.yaml': layer('depends: [my/ap]\n') }, 'unknown-layer', 'layer.yaml'],
    ['a circle', { 'layer.yaml': layer('depends: [my/app]\n') }, 'layer-cycle', 'layer.yaml'],
    [
      'half a BR2_EXTERNAL tree',
      { 'buildroot_ext/Config.in': '', 'buildroot_ext/external.mk': '' },
      'bad-external-tree',
      'buildroot_ext/external.desc',
    ],
    [
      'a slot that is taken',
      { 'layer.yaml': layer('slots: {arch: {description: x}}\n') },
      'reserved-value',
      'layer.yaml',
    ],
  ] as [string, Tree, string, string][])('finds %s', async (_what, tree, code, file) => {
    const files = Object.entries({ 'layer.yaml': layer(), ...tree }).map(([name, text]) => [
      `layers/my/app/${name}`,
      text,
    ]);
    const found = await lint(Object.fromEntries(files));
    expect(codes(found)).toEqual([code]);
    expect(found.failures[0]?.place?.file.endsWith(`/layers/my/app/${file}`)).toBe(true);
  });

  test('finds the mistakes of all layers and workspaces at once, each once', async () => {
    const found = await lint({
      'layers/my/a/layer.yaml': layer('depends: [my/b]\n'),
      'layers/my/b/layer.yaml': layer('depends: [my/c]\n'),
      'layers/my/c/layer.yaml': layer('depends: [my/b]\n'),
      'layers/my/d/layer.yaml': 'nothing: here\n',
      'coracle.yaml':
        'layers: [{path: .}]\nworkspaces: {a: {layers: [my/a], engine: buildroot}, b: {layers: [no/such]}}\n',
    });
    expect(codes(found).toSorted()).toEqual([
      'layer-cycle',
      'layer-cycle',
      'missing-key',
      'unknown-key',
      'unknown-layer',
    ]);
  });

  test('warns of what is allowed but odd', async () => {
    const found = await lint({
      'layers/my/app/layer.yaml': layer('conflicts: [no/such]\ncommands: {install: x}\n'),
      'layers/my/app/kernel/a': 'CONFIG_A=y\nCONFIG_A=n\n',
      'layers/old/app/metadata/description': 'x\n',
      'layers/old/app/pictures/a': '',
      'layers/old/app/users': '',
      'layers/old/a b/metadata/description': 'x\n',
      'layers/old/app/kernel/a': 'nonsense\n',
    });
    expect(codes(found)).toEqual([]);
    expect(found.warnings.map(({ code }) => code).toSorted()).toEqual([
      'bad-fragment-line',
      'bad-layer-name',
      'command-without-program',
      'contradicted-symbol',
      'not-a-directory',
      'unknown-directory',
      'unknown-layer',
    ]);
  });

  test('warns of what an overlay has that the image or the device will not', async () => {
    const project = treeOf({
      'coracle.yaml': 'layers: [{path: .}]\n',
      'layers/my/app/layer.yaml': layer(),
      'layers/my/app/root_overlay/etc/key': 'secret\n',
      'layers/my/app/root_overlay/run/x': '',
      'layers/my/app/root_overlay/tmp/.gitkeep': '',
      'layers/my/app/root_overlay/dev/x/y': '',
      'layers/my/hooked/layer.yaml': layer(),
      'layers/my/hooked/root_overlay/etc/key': 'secret\n',
      'layers/my/hooked/hooks/root': { program: '#!/bin/sh\nchmod 600 "$CORACLE_ROOT/etc/key"\n' },
      'layers/old/app/metadata/description': 'x\n',
      'layers/old/app/root_overlay/etc/key': 'secret\n',
    });
    for (const name of ['my/app', 'my/hooked', 'old/app']) {
      chmodSync(join(project, 'layers', name), 0o755);
      chmodSync(join(project, 'layers', name, 'root_overlay/etc/key'), 0o600);
    }
    for (const name of ['my/app', 'my/hooked']) chmodSync(join(project, 'layers', name, 'layer.yaml'), 0o644);
    const found = await lintProject(await loadProject(project, {}, treeOf({ 'layers/': '' })), [], {});
    expect(found.failures).toEqual([]);
    expect(
      found.warnings.map(({ code, layer: of, place }) => [code, of, place?.file.split('root_overlay')[1]]),
    ).toEqual([
      ['mode-not-kept', 'my/app', '/etc/key'],
      ['covered-path', 'my/app', '/dev'],
      ['covered-path', 'my/app', '/run'],
      ['mode-not-kept', 'old/app', '/etc/key'],
    ]);
  });

  test('looks at overrides as at any layer, and for those that nobody reads', async () => {
    const found = await lint({
      'layers/my/base/layer.yaml': layer('provides: [base]\n'),
      'overrides/hooks/pre.sh': '#!/bin/sh\n',
      'overrides/workspaces/lmap/kernel/a': '',
      'coracle.yaml': 'layers: [{path: .}]\nworkspaces: {lamp: {layers: [my/base]}}\n',
    });
    expect(codes(found)).toEqual(['hook-not-executable']);
    expect(found.warnings).toMatchObject([{ code: 'stray-overrides', hint: 'did you mean lamp?' }]);
  });

  test('warns of a layer that hides another, with both places', async () => {
    const shipped = treeOf({ 'layers/my/app/layer.yaml': layer(), 'layers/my/base/layer.yaml': layer() });
    const directory = treeOf({ 'coracle.yaml': 'layers: [{path: .}]\n', 'layers/my/app/layer.yaml': layer() });
    const project = await loadProject(directory, { CORACLE_LAYERS_PATH: `${directory}/layers` }, shipped);
    const hidden = {
      code: 'hidden-layer',
      message: `my/app hides the layer of that name of shipped layers (${shipped}/layers/my/app)`,
      place: { file: `${directory}/layers/my/app` },
    };
    expect(await lintProject(project, [], {})).toMatchObject({ failures: [], warnings: [hidden] });
    expect((await lintProject(project, ['my/base'], {})).warnings).toEqual([]);
  });

  test('looks only at the layers named', async () => {
    const tree = { 'layers/my/a/layer.yaml': layer(), 'layers/my/b/layer.yaml': '[' };
    expect(await lint(tree, ['my/a'])).toMatchObject({ layers: 1, workspaces: 0, failures: [] });
    expect(codes(await lint(tree, ['my/x']))).toEqual(['unknown-layer']);
  });
});
