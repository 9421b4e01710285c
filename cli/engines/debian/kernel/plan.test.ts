import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type FakeKernel, packFakeKernel, RELEASE } from '../../../../test/support/fake-kernel.ts';
import { type FakeLayer, fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import type { Failure } from '../../../failure.ts';
import { JobBudget } from '../../../host/job-budget.ts';
import { readTreeIndex } from '../../../rootfs/tree-index.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import { runStages } from '../../../stages/run-stages.ts';
import type { Stage } from '../../../stages/stage.ts';
import { readRecord } from '../../../stages/stage-record.ts';
import type { Event } from '../../../ui/events.ts';
import type { InitramfsModule } from '../../engine.ts';
import { planKernel } from './plan.ts';

const KERNEL: FakeKernel = {
  config: ['CONFIG_OVERLAY_FS=m', 'CONFIG_EXT4_FS=y', 'CONFIG_DM_VERITY=m'],
  modules: {
    'fs/overlayfs/overlay': ['alias=fs-overlay'],
    'fs/fuse/fuse': [],
    'drivers/md/dm-mod': [],
    'drivers/md/dm-verity': ['depends=dm-mod'],
  },
  builtIn: { 'fs/ext4/ext4': [] },
};

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

async function build(layers: readonly FakeLayer[], kernel: FakeKernel = KERNEL) {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-kernel-plan-'));
  directories.push(directory);
  const tar = await packFakeKernel(kernel);
  const from: Stage = { name: 'packages', title: 'fetch', needs: [], inputs: async () => [], run: async () => ({}) };
  const plan = planKernel({
    config: fakeWorkspace(layers),
    environment: {
      installation: join(import.meta.dirname, '../../../..'),
      project: directory,
      cache: join(directory, 'cache'),
      offline: true,
      hashes: new FileHashes(join(directory, 'hashes.json')),
    },
    packages: from,
    unpacked: async () => ({ name: 'linux-image-fake', version: '6.1', tar, key: 'a-key' }),
  });
  const events: Event[] = [];
  const stages = await runStages([from, ...plan.stages], {
    workspace: join(directory, 'workspace'),
    name: 'test',
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    jobs: new JobBudget(4),
  });
  const at = (file: { stage: Stage; path: string }): string => join(stages.get(file.stage.name) ?? '', file.path);
  const root = await readTreeIndex(at(plan.modules));
  const list = at(plan.initramfsModules);
  const initramfs = (JSON.parse(readFileSync(list, 'utf8')) as InitramfsModule[]).map((module) => ({
    ...module,
    file: resolve(dirname(list), module.file),
  }));
  const digest = (await readRecord(stages.get('kernel') ?? ''))?.digest;
  return { plan, at, root, initramfs, events, digest };
}

test.each([undefined, 'xz', 'gzip'] as const)(
  'kernel, modules and lists are taken (modules packed with %s)',
  async (compress) => {
    const layers = [
      { modules: ['fuse'], initramfsModules: ['dm_verity'] },
      { kernel: 'CONFIG_DM_VERITY=y\nCONFIG_OVERLAY_FS=m\n', earlyModules: ['overlay'] },
    ];
    const { plan, at, root, initramfs } = await build(
      layers,
      compress === undefined ? KERNEL : { ...KERNEL, compress },
    );
    expect(readFileSync(at(plan.image), 'utf8')).toBe('a kernel');
    expect(JSON.parse(readFileSync(at(plan.facts), 'utf8'))).toEqual({ release: RELEASE, version: '6.1' });
    expect(initramfs.map(({ name }) => name)).toEqual(['dm_mod', 'dm_verity']);
    for (const { file } of initramfs) expect(readFileSync(file).subarray(1, 4).toString()).toBe('ELF');
    const base = `/usr/lib/modules/${RELEASE}`;
    const kept = root
      .entries()
      .flatMap(({ path }) => (path.startsWith(`${base}/kernel/`) && /\.ko/.test(path) ? path : []));
    expect(kept.map((path) => path.slice(base.length))).toEqual([
      '/kernel/drivers/md/dm-mod.ko',
      '/kernel/drivers/md/dm-verity.ko',
      '/kernel/fs/fuse/fuse.ko',
      '/kernel/fs/overlayfs/overlay.ko',
    ]);
    expect((await root.read(`${base}/modules.alias`)).toString()).toContain('alias fs-overlay overlay');
    expect((await root.read(`${base}/modules.order`)).toString().trim().split('\n')).toHaveLength(4);
    expect((await root.read('/usr/lib/modules-load.d/coracle.conf')).toString()).toBe('overlay\n');
  },
);

test('modules of symbols that are asked for are kept without being listed', async () => {
  const { root, initramfs } = await build([{ kernel: 'CONFIG_OVERLAY_FS=m' }]);
  expect(root.has(`/usr/lib/modules/${RELEASE}/kernel/fs/overlayfs/overlay.ko`)).toBe(true);
  expect(root.has('/usr/lib/modules-load.d')).toBe(false);
  expect(initramfs).toEqual([]);
});

test('the same kernel and wishes give the same digest in another place', async () => {
  const layers = [{ modules: ['fs/**'], initramfsModules: ['dm_verity'] }];
  const [one, two] = [await build(layers), await build(layers)];
  expect(one.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(one.digest).toBe(two.digest);
  expect(one.at(one.plan.modules)).not.toBe(two.at(two.plan.modules));
});

test('a symbol that is not honoured stops the build, with the place', async () => {
  const failure = (await build([{ name: 'a/b', kernel: 'CONFIG_DM_VERITY=y' }]).catch(
    (error: unknown) => error,
  )) as Failure;
  expect(failure.parts).toMatchObject({
    code: 'kernel-symbol',
    layer: 'a/b',
    place: { file: '/layers/a/b/kernel/base', line: 1 },
    retry: 'coracle build test',
  });
});

test('what is odd but allowed is told', async () => {
  const { events } = await build([{ modules: ['drivers/gpu/*'], kernel: 'CONFIG_EXT4_FS=y', accept: ['EXT4_FS'] }]);
  const texts = events.flatMap((event) => (event.kind === 'warning' || event.kind === 'note' ? event.text : []));
  expect(texts).toEqual([
    'accepted differences that linux-image-fake does not have: EXT4_FS',
    'linux-image-fake has none of these modules, which layers would keep: drivers/gpu/* (test/layer0)',
  ]);
});

test('a package without a kernel is named', async () => {
  const failure = (await build([], { ...KERNEL, image: false }).catch((error: unknown) => error)) as Failure;
  expect(failure.parts).toMatchObject({ code: 'no-kernel', message: expect.stringContaining('linux-image-fake') });
});
