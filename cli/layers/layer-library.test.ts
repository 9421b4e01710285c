import { describe, expect, test } from 'vitest';
import { failuresOf, treeOf } from '../../test/support/files.ts';
import type { LayerRoot } from './layer.ts';
import { LayerLibrary } from './layer-library.ts';

const root = (directory: string, label: string): LayerRoot => ({ kind: 'path', directory, label });

function library() {
  const mine = treeOf({
    'my/app/layer.yaml': 'description: mine\n',
    'core/podman/kernel/a': '',
    'README.md': '',
    'docs/pages/x': '',
  });
  const shipped = treeOf({
    'my/app/layer.yaml': 'description: shipped\n',
    'core/docker/metadata/description': 'Docker\n',
  });
  return new LayerLibrary([root(mine, 'mine'), root(shipped, 'shipped')]);
}

describe('a library of layers', () => {
  test('gives the layer of the first root that has it', () => {
    expect(library().find({ name: 'my/app' })).toMatchObject({ description: 'mine', root: { label: 'mine' } });
    expect(library().find({ name: 'core/docker' })).toMatchObject({ form: 'skiffos', root: { label: 'shipped' } });
  });

  test('lists what the roots have, and what they hide', () => {
    const list = library().list();
    expect(list.map(({ name, root: from, hides }) => [name, from.label, hides.length])).toEqual([
      ['core/docker', 'shipped', 0],
      ['core/podman', 'mine', 0],
      ['my/app', 'mine', 1],
    ]);
  });

  test('says what was meant by a name it does not have', async () => {
    const place = { file: '/coracle.yaml', line: 3, column: 4 };
    const [found] = await failuresOf(() => library().find({ name: 'core/dokcer', place }));
    expect(found).toMatchObject({ code: 'unknown-layer', place });
    expect(found?.hint).toContain('did you mean core/docker?');
    expect(found?.hint).toContain('mine');
  });

  test('says that a root is a whole repository, and each path once', async () => {
    const checkout = treeOf({ 'configs/pi/4/metadata/description': 'A board\n', 'scripts/x/': '' });
    const label = `${checkout} (SKIFF_EXTRA_CONFIGS_PATH)`;
    const roots: readonly LayerRoot[] = [{ kind: 'environment', directory: checkout, label }, root('/none', 'none')];
    const [found] = await failuresOf(() => new LayerLibrary(roots).find({ name: 'pi/4' }));
    expect(found?.hint?.split('\n')).toEqual([
      `${label} has a directory configs/: name that`,
      `looked in ${label}, none (/none)`,
      'coracle layers --all lists what there is',
    ]);
  });

  test('says that a directory of that name is no layer', async () => {
    const [found] = await failuresOf(() => library().find({ name: 'docs/pages' }));
    expect(found?.cause).toContain('holds nothing of a layer');
  });

  test('says that a file is in the way', async () => {
    const [found] = await failuresOf(() => library().find({ name: 'README.md/x' }));
    expect(found?.code).toBe('unknown-layer');
  });

  describe('a layer whose directory is called what no layer can be', () => {
    const misnamed = () =>
      new LayerLibrary([
        root(
          treeOf({ 'q/b d/layer.yaml': 'description: x\n', 'é/a/kernel/x': '', 'q/ok/kernel/x': '', 'x y/z/a': '' }),
          '',
        ),
      ]);

    test('is pointed out, and not listed', () => {
      const found = misnamed().misnamed();
      expect(found.map(({ code, place }) => [code, place?.file.split('/').slice(-2).join('/')])).toEqual([
        ['bad-layer-name', 'q/b d'],
        ['bad-layer-name', 'é/a'],
      ]);
      expect(
        misnamed()
          .list()
          .map(({ name }) => name),
      ).toEqual(['q/ok']);
    });

    test('is not found, with the reason', async () => {
      const [whole] = await failuresOf(() => misnamed().find({ name: 'q/b d' }));
      expect(whole).toMatchObject({ code: 'bad-layer-name', cause: expect.stringContaining('q/b d is a layer') });
      const [cut] = await failuresOf(() => misnamed().find({ name: 'q/b' }));
      expect(cut).toMatchObject({ code: 'unknown-layer', hint: expect.stringContaining('q/b d has to be renamed') });
    });
  });

  test.each([
    'podman',
    'a/b/c',
    '../etc/passwd',
    'a/..',
    './a',
    'a/.hidden',
    'a b/c',
    'a/$(touch x)',
    'a/"b"',
    "a/'b'",
    'a@b/c',
    'é/a',
    '-a/b',
    '/a/b',
    'a/',
  ])('refuses the name %s', async (name) => {
    const [found] = await failuresOf(() => library().find({ name }));
    expect(found?.code).toBe('bad-layer-name');
    expect(found?.hint).toContain('<group>/<name>');
  });
});
