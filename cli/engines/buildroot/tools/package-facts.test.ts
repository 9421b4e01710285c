import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import { treeOf } from '../../../../test/support/files.ts';
import { assignmentsOf, parseFragment } from '../../../kconfig/fragment.ts';
import { mergeAssignments } from '../../../kconfig/merge.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { PackageInfo } from '../build/package-info.ts';
import { buildPlaces } from '../build-places.ts';
import { parseHashFile } from './hash-files.ts';
import { packageFacts } from './package-facts.ts';

const [ONE, OTHER] = ['1'.repeat(64), '2'.repeat(64)];

it('a hash file has SHA-256 of downloads and licences, among others', () => {
  const text = `# from upstream\nmd5  abc  a.tar\nsha256  ${ONE}  a.tar\nsha256 ${OTHER} COPYING\n\nsha256  short  b.tar\n`;
  expect([...parseHashFile(text)]).toEqual([
    ['a.tar', ONE],
    ['COPYING', OTHER],
  ]);
});

function info(name: string, more: Partial<PackageInfo> = {}): PackageInfo {
  return { type: 'target', name, virtual: false, version: '1', dependencies: [], reverse_dependencies: [], ...more };
}

function workspace(mirror?: string): ResolvedConfig {
  const config = fakeWorkspace([{ name: 'my/app' }]);
  const place = { layer: 'my/app', file: '/layers/my/app/buildroot/app', namespace: 'buildroot' } as const;
  const merged = mergeAssignments(assignmentsOf(parseFragment('BR2_PACKAGE_APP=y\n', place)));
  const { buildroot } = config.settings;
  return {
    ...config,
    symbols: { ...config.symbols, buildroot: merged },
    settings: { ...config.settings, buildroot: mirror === undefined ? buildroot : { ...buildroot, mirror } },
  };
}

it('facts are of the tree and the layers, not of this machine', () => {
  const tree = treeOf({ 'package/lib/lib.hash': `sha256  ${ONE}  lib-1.tar.gz\n` });
  const workspaceDirectory = treeOf({
    'buildroot/output/build/lib-1/.applied_patches_list': `${tree}/package/lib/0001-a.patch\n`,
  });
  const infos = new Map([
    [
      'app',
      info('app', { dependencies: ['virtual', 'host-tool'], licenses: 'MIT, GPL-2.0+ (b, c)', redistributable: false }),
    ],
    ['host-tool', info('tool', { type: 'host', reverse_dependencies: ['app'] })],
    [
      'lib',
      info('lib', {
        'cpe-id': 'cpe:2.3:a:lib:lib:1:*:*:*:*:*:*:*',
        licenses: 'unknown',
        package_dir: 'package/lib',
        build_dir: 'build/lib-1/',
        downloads: [{ source: 'lib-1.tar.gz', uris: ['file|urlencode+file:///srv/lib', 'https+https://lib.org/x'] }],
        reverse_dependencies: ['virtual'],
      }),
    ],
    ['virtual', info('virtual', { virtual: true, dependencies: ['lib'], reverse_dependencies: ['app'] })],
    ['rootfs-tar', info('tar', { type: 'rootfs' })],
  ]);
  const facts = packageFacts(infos, {
    config: workspace('file:///srv'),
    places: buildPlaces(workspaceDirectory),
    tree,
  });
  expect(facts.map(({ name }) => name)).toEqual(['app', 'host-tool', 'lib']);
  expect(facts[0]).toMatchObject({
    ...{ kind: 'target', layer: 'my/app', isAsked: true, licences: ['MIT', 'GPL-2.0+ (b, c)'] },
    ...{ restriction: 'Buildroot says REDISTRIBUTE = NO', dependencies: ['host-tool', 'lib'] },
  });
  expect(facts[1]).toMatchObject({ kind: 'tool', layer: 'my/app', isAsked: false });
  expect(facts[2]).toMatchObject({
    ...{ cpe: 'cpe:2.3:a:lib:lib:1:*:*:*:*:*:*:*', purl: 'pkg:generic/lib@1', licences: [], layer: 'my/app' },
    sources: [{ url: 'https://lib.org/x/lib-1.tar.gz', sha256: ONE }],
    patches: [{ path: join('package/lib', '0001-a.patch') }],
  });
});
