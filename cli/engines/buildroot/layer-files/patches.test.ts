import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import { ignoredPatches } from './patches.ts';

test('what looks like a patch and is none to Buildroot is told', () => {
  const layers = fakeWorkspace([{ name: 'my/app' }]).layers.map(({ layer }) => {
    const files = (kind: string, ...names: readonly string[]) =>
      names.map((name) => join(layer.directory, `${kind}_patches`, name));
    const patches = {
      kernel: files('kernel', '0001-a.patch', '0002-b.patch.gz', 'notes.txt', 'more/c.diff'),
      uboot: [],
      buildroot: [
        ...files('buildroot', 'hello/0001-a.patch', 'hello/fix.diff', 'hello/hello.hash', 'hello/1.0/b.patch.xz'),
        // Named by a list, any name will do.
        ...files('buildroot', 'blob/series', 'blob/fix.diff'),
      ],
    };
    return { ...layer, contents: { ...layer.contents, patches } };
  });
  const found = ignoredPatches(layers).map(({ parts }) => relative('/layers/my/app', parts.place?.file ?? ''));
  expect(found).toEqual([
    ...['kernel_patches/0002-b.patch.gz', 'kernel_patches/more/c.diff'],
    ...['buildroot_patches/hello/fix.diff', 'buildroot_patches/hello/1.0/b.patch.xz'],
  ]);
  // SkiffOS's layers keep below a directory what is not to be applied.
  const skiffos = ignoredPatches(layers.map((layer) => ({ ...layer, form: 'skiffos' })));
  expect(skiffos.map(({ parts }) => parts.place?.file)).not.toContain('/layers/my/app/kernel_patches/more/c.diff');
});
