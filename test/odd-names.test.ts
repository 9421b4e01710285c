/** Names that a shell, a URL, a template or apt would give a meaning of its own: whole builds in such places. */
import { cpSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { downloadPath } from '../cli/engines/debian/apt/download.ts';
import { coracle } from './support/coracle.ts';
import { type Tree, temporaryDirectory, writeTree } from './support/files.ts';
import { startMirror } from './support/mirror.ts';
import { privateCache, spoil } from './support/private-cache.ts';
import { listing } from './support/refused.ts';
import { builtProject, CACHE, FIRST_BUILD_MS, SMALL } from './support/small-project.ts';

/** One of everything; `%41` and `{{x}}` would be an A and a template, `@@` an offset to mtools, `;` `#` and `\` syntax. */
const ODD = `we ird 'q' "d" @@a $(touch pwned) \`id\` ünï中 %41 {{x}} ;#&|<>*?[!]~\\ -n`;

/** All of a project that takes names, with odd ones. */
const MORE: Tree = {
  [`layers/my/app/root_overlay/etc/${ODD}/${ODD}.conf`]: 'odd\n',
  [`layers/my/app/root_overlay/etc/${ODD}.link`]: { link: `${ODD}/${ODD}.conf` },
  [`layers/my/app/kernel/${ODD}`]: 'CONFIG_EXT4_FS=y\n',
  [`layers/my/app/debian/${ODD}`]: 'netbase\n',
  [`layers/my/app/users/${ODD}`]: 'lamp -1 lamp -1 * - /bin/sh - A lamp\n',
  'layers/my/app/hooks/pre.sh': {
    program: '#!/bin/sh\nset -e\ntest "$1" = "$CORACLE_WORKSPACE_DIR"\ntest "$PWD" = "$1"\n',
  },
  'layers/my/app/hooks/root.sh': {
    program: '#!/bin/sh\nset -e\ncd "$CORACLE_LAYER_DIR/resources"\ncp ./* "$CORACLE_ROOT/etc/"\n',
  },
  [`layers/my/app/resources/${ODD}.res`]: 'resource\n',
  'layers/my/app/hooks/image.sh': { program: '#!/bin/sh\nset -e\necho odd >"$CORACLE_BOOT/odd name.txt"\n' },
  'layers/my/app/hooks/post.sh': { program: '#!/bin/sh\nset -e\ncp "$1/slot/manifest.json" "$1/copy of manifest"\n' },
};
const copyOfBuilt = builtProject(MORE);

const image = (project: string) =>
  listing(join(project, 'workspaces/small/stages'), /^(?!slot\/|disk\/|post-hooks\/copy)|stage\.json$/);

test('a project and its cache may be called anything', { timeout: FIRST_BUILD_MS }, async (context) => {
  const built = copyOfBuilt(context);
  const project = join(temporaryDirectory(), ODD);
  writeTree(project, { ...SMALL, ...MORE });
  cpSync(join(built, 'coracle.lock'), join(project, 'coracle.lock'));
  const cache = await privateCache(built, join(temporaryDirectory(), ODD));
  const ran = await coracle(project, ['build', 'small', '--offline'], cache.variables);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  expect(image(project)).toEqual(image(built));
  expect(readFileSync(join(project, 'workspaces/small/stages/post-hooks/copy of manifest'), 'utf8')).toContain(
    '"version"',
  );
  for (const directory of [project, dirname(project), dirname(cache.directory)]) {
    expect(readdirSync(directory, { recursive: true })).not.toContain('pwned');
  }
  const paths = readdirSync(project)
    .filter((name) => !name.startsWith('.'))
    .sort();
  expect(paths).toEqual(['coracle.lock', 'coracle.yaml', 'layers', 'workspaces']);
});

test('packages are fetched into a cache that is called anything', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const cache = await privateCache(project, join(temporaryDirectory(), ODD));
  const mirror = await startMirror(project, CACHE.CORACLE_CACHE);
  const one = spoil(cache, 'busybox-static', () => Buffer.from('cut'));
  const ran = await coracle(project, ['build', 'small'], { ...cache.variables, ...mirror.variables });
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  expect(readFileSync(downloadPath(cache.directory, one.sha256)).length).toBe(one.size);
  expect(mirror.asked).toHaveLength(1);
});

test('a built project may be moved', { timeout: FIRST_BUILD_MS }, async (context) => {
  const built = copyOfBuilt(context);
  const stages = (project: string) => join(project, 'workspaces/small/stages');
  // All of it here, whatever the copy was made from.
  rmSync(stages(built), { recursive: true });
  expect(await coracle(built, ['build', 'small', '--offline'], CACHE)).toMatchObject({ exitCode: 0 });
  const before = image(built);
  const project = join(temporaryDirectory(), 'moved');
  renameSync(built, project);
  for (const stage of ['initramfs', 'squashfs', 'slot', 'disk'])
    rmSync(join(stages(project), stage), { recursive: true });
  const ran = await coracle(project, ['build', 'small', '--offline'], CACHE);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  expect(image(project)).toEqual(before);
});
