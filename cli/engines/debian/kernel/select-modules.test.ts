import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FakeKernel, packFakeKernel, RELEASE } from '../../../../test/support/fake-kernel.ts';
import { type FakeLayer, fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import { Failure, Failures } from '../../../failure.ts';
import { ARCHITECTURES } from '../../../layers/layer.ts';
import { ContentReader } from '../../../rootfs/content.ts';
import { readTarEntries } from '../../../rootfs/tar-entries.ts';
import { loadProject } from '../../../workspace/project.ts';
import { resolveWorkspace } from '../../../workspace/resolve-workspace.ts';
import { ModinfoIndex, readKernelTree } from './kernel-tree.ts';
import { moduleRequests } from './module-requests.ts';
import { type SelectOptions, selectModules } from './select-modules.ts';

const KERNEL: FakeKernel = {
  config: ['CONFIG_A=y'],
  modules: {
    'fs/overlayfs/overlay': ['alias=fs-overlay', 'depends='],
    'fs/fat/fat': [],
    'fs/fat/vfat': ['depends=fat'],
    'fs/btrfs/btrfs': ['depends=raid6_pq', 'softdep=pre: crypto-crc32c sha256', 'softdep=post: btrfs-late'],
    'fs/btrfs/btrfs-late': [],
    'lib/raid6/raid6_pq': [],
    'crypto/crc32c_generic': ['alias=crypto-crc32c'],
    'arch/x86/crypto/crc32c-intel': ['alias=crypto-crc32c'],
    'drivers/md/dm-mod': [],
    'drivers/md/dm-verity': ['depends=dm-mod'],
    'drivers/md/loop-a': ['depends=loop-b'],
    'drivers/md/loop-b': ['depends=loop-a'],
  },
  builtIn: { 'fs/ext4/ext4': [], 'crypto/sha256_generic': ['alias=sha256'], 'fs/efivarfs/efivarfs': [] },
};

async function select(layers: readonly FakeLayer[], options: SelectOptions = {}) {
  const tar = await packFakeKernel(KERNEL);
  const tree = readKernelTree(await readTarEntries(tar, 'package fake'), 'fake');
  expect(tree.release).toBe(RELEASE);
  using reader = new ContentReader();
  const found = selectModules(tree, new ModinfoIndex(tree, reader), moduleRequests(fakeWorkspace(layers)), options);
  const names = (modules: typeof found.root): string[] => modules.map(({ name }) => name);
  return { ...found, root: names(found.root), initramfs: names(found.initramfs) };
}

const failuresOf = (layers: readonly FakeLayer[], options: SelectOptions = {}) =>
  select(layers, options).then(
    () => [],
    (error: unknown) => (error instanceof Failures ? error.all : error instanceof Failure ? [error] : []),
  );

test('names, paths and globs are kept with what they depend on; - and _ are the same', async () => {
  const found = await select([{ modules: ['dm-verity', 'fs/overlayfs/overlay'] }, { modules: ['fs/f*/v*', 'dm_mod'] }]);
  expect(found.root).toEqual(['dm_mod', 'dm_verity', 'fat', 'vfat', 'overlay']);
});

test('globs: a star stops at a slash, two do not, a class is a class', async () => {
  expect((await select([{ modules: ['fs/*'] }])).idle).toHaveLength(1);
  expect((await select([{ modules: ['fs/fat/**'] }])).root).toEqual(['fat', 'vfat']);
  expect((await select([{ modules: ['drivers/md/dm-[!m]*'] }])).root).toEqual(['dm_mod', 'dm_verity']);
  expect((await select([{ modules: ['dm?mod'] }])).root).toEqual(['dm_mod']);
});

test('what is built in needs no module, whether named, matched or an alias', async () => {
  const found = await select([{ modules: ['ext4', 'fs/efivarfs/*', 'sha256'], initramfsModules: ['ext4'] }]);
  expect(found).toMatchObject({ root: [], initramfs: [], idle: [] });
});

test('the initramfs loads in the order asked for, each module behind its needs, and only portable soft ones', async () => {
  const found = await select([{ initramfsModules: ['vfat', 'btrfs'] }, { initramfsModules: ['dm_verity', 'fat'] }]);
  expect(found.initramfs).toEqual([
    'fat',
    'vfat',
    'raid6_pq',
    'crc32c_generic',
    'btrfs',
    'btrfs_late',
    'dm_mod',
    'dm_verity',
  ]);
  expect(found.root).toContain('crc32c_intel');
});

test('modules that load early are kept and listed; symbols bring theirs', async () => {
  const found = await select([{ earlyModules: ['dm_verity', 'ext4'] }], { keep: ['overlay', 'gone'] });
  expect(found.early).toEqual(['dm_verity']);
  expect(found.root).toEqual(['dm_mod', 'dm_verity', 'overlay']);
});

test('a circle of dependencies ends', async () => {
  expect((await select([{ modules: ['loop_a'] }])).root).toEqual(['loop_a', 'loop_b']);
});

test('a module of another architecture is left out', async () => {
  expect((await select([{ modules: ['overlay [arm64]', 'fat [arm64, x86_64]'] }])).root).toEqual(['fat']);
});

test('unknown names fail together, with the layer, the place and the nearest', async () => {
  const found = await failuresOf([
    { name: 'a/b', modules: ['overlayfs', 'dm-veriti'], initramfsModules: ['fs/fat/vfatt'] },
  ]);
  expect(found.map(({ parts }) => [parts.code, parts.layer, parts.place?.line])).toEqual([
    ['unknown-module', 'a/b', 1],
    ['unknown-module', 'a/b', 1],
    ['unknown-module', 'a/b', 2],
  ]);
  expect(found.map(({ parts }) => parts.hint)).toEqual([
    expect.stringContaining('fs/fat/vfat'),
    expect.stringContaining('overlay'),
    expect.stringContaining('dm_verity'),
  ]);
});

test.each([['overlay; rm -rf /'], ['$(id)'], ['a b'], ['overlay [mips]'], ['fs/[z-a]*'], ['']])(
  '%j names no module',
  async (text) => {
    expect((await failuresOf([{ modules: [text] }])).map(({ parts }) => parts.code)).toEqual(['bad-module-request']);
  },
);

test('a glob cannot be loaded', async () => {
  expect((await failuresOf([{ initramfsModules: ['dm*'] }])).map(({ parts }) => parts.code)).toEqual([
    'bad-module-request',
  ]);
});

test('of a compiled kernel, what is only kept may be missing, and what is loaded is told with its symbol', async () => {
  const options = { possible: new Map([['nvme', ['CONFIG_BLK_DEV_NVME']]]) };
  const found = await select([{ modules: ['nvme', 'overlay'] }], options);
  expect([found.root, found.idle.map(({ pattern }) => pattern)]).toEqual([['overlay'], ['nvme']]);
  const [failure] = await failuresOf([{ initramfsModules: ['nvme'] }], options);
  expect(failure?.parts.hint).toContain('CONFIG_BLK_DEV_NVME makes it');
});

test.each(ARCHITECTURES)('for %s the shipped layers ask for modules of no other architecture', async (arch) => {
  const installation = join(import.meta.dirname, '../../../..');
  const project = await loadProject(installation, {}, installation);
  const requests = moduleRequests(await resolveWorkspace(project, 'virt/qemu,core/podman', { arch }));
  const own = { x86_64: 'arch/x86/', arm64: 'arch/arm64/' }[arch];
  const patterns = [requests.root, requests.initramfs, requests.early].flat().map(({ pattern }) => pattern);
  expect(patterns).toContain('zram');
  expect(patterns.filter((pattern) => pattern.startsWith('arch/') && !pattern.startsWith(own))).toEqual([]);
});
