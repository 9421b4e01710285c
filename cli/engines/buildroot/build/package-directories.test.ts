import { join } from 'node:path';
import { expect, test } from 'vitest';
import { treeOf } from '../../../../test/support/files.ts';
import { withPackageDirectories } from './package-directories.ts';
import type { PackageInfo, PackageInfos } from './package-info.ts';

function infosOf(...names: readonly string[]): PackageInfos {
  const type = (name: string) => (name.startsWith('host-') ? 'host' : name.startsWith('rootfs-') ? 'rootfs' : 'target');
  return new Map(
    names.map((name): [string, PackageInfo] => [
      name,
      { type: type(name), name, dependencies: [], reverse_dependencies: [] },
    ]),
  );
}

const TREE = {
  'package/zlib/zlib.mk': '',
  'package/x11r7/libx11/libx11.mk': '',
  'package/gcc/gcc.mk': '',
  'package/gcc/gcc-final/gcc-final.mk': '',
  'linux/linux.mk': '',
};

test('a package is where its makefile has its name', () => {
  const [tree, external] = [treeOf(TREE), treeOf({ 'package/mine/mine.mk': '', 'package/mine/more.mk': '' })];
  const infos = withPackageDirectories(
    infosOf('zlib', 'host-zlib', 'libx11', 'gcc-final', 'linux', 'mine', 'nowhere', 'rootfs-tar'),
    tree,
    [external],
  );
  expect(Object.fromEntries([...infos].map(([name, info]) => [name, info.package_dir]))).toEqual({
    zlib: 'package/zlib',
    'host-zlib': 'package/zlib',
    libx11: 'package/x11r7/libx11',
    'gcc-final': 'package/gcc/gcc-final',
    linux: 'linux',
    mine: join(external, 'package/mine'),
    nowhere: undefined,
    'rootfs-tar': undefined,
  });
});

test('what Buildroot says itself stands', () => {
  const told = new Map([...infosOf('zlib')].map(([name, info]) => [name, { ...info, package_dir: 'package/other' }]));
  expect(withPackageDirectories(told, '/no/tree', [])).toBe(told);
});
