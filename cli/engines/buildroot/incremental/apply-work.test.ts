import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { treeOf } from '../../../../test/support/files.ts';
import type { PackageInfo } from '../build/package-info.ts';
import { buildPlaces } from '../build-places.ts';
import { applyWork } from './apply-work.ts';
import type { BuildFacts } from './plan-work.ts';

test('a package whose patches went in halfway is taken back, and no other', async () => {
  const build = 'buildroot/output/build';
  const workspace = treeOf({
    [`${build}/half-1/.applied_patches_list`]: '/p/0001-a.patch\n/p/0002-b.patch\n',
    [`${build}/whole-1/.applied_patches_list`]: '/p/0001-a.patch\n',
    [`${build}/whole-1/.stamp_patched`]: '',
    [`${build}/extracted-1/.stamp_extracted`]: '',
  });
  const names = ['half', 'whole', 'extracted'];
  const packages = new Map(
    names.map((name): [string, PackageInfo] => [
      name,
      { type: 'target', name, build_dir: `build/${name}-1`, dependencies: [], reverse_dependencies: [] },
    ]),
  );
  const [dotConfig, none] = [new Map(), new Map()];
  const facts: BuildFacts = { dotConfig, parts: none, layerFiles: none, overlay: none, named: none, packages };
  await applyWork([], facts, facts, { places: buildPlaces(workspace), tree: '/no/tree' });
  expect(names.filter((name) => existsSync(join(workspace, build, `${name}-1`)))).toEqual(['whole', 'extracted']);
});
