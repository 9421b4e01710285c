/** Kconfig symbols through the command line: who sets them, what differs, and fragments that are wrong. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coracle } from './support/coracle.ts';
import { type Tree, treeOf, writeTree } from './support/files.ts';

const LAYERS: Tree = {
  'coracle.yaml': 'layers: [{path: layers}]\nworkspaces:\n  one: {layers: [my/base, my/other]}\n',
  'layers/my/base/layer.yaml': 'description: a base\nprovides: [base]\n',
  'layers/my/base/kernel/00-first': 'CONFIG_EXT4_FS=y\nCONFIG_HZ=250\n# CONFIG_KEXEC is not set\n',
  'layers/my/base/kernel/10-second': 'CONFIG_EXT4_FS=m\n',
  'layers/my/base/buildroot/base': 'BR2_INIT_SYSTEMD=y\nBR2_TARGET_GENERIC_HOSTNAME="a \\"b\\""\n',
  'layers/my/other/layer.yaml': 'description: another\n',
  'layers/my/other/kernel/with $(blank)': 'CONFIG_EXT4_FS=y\r\nCONFIG_PHYS=0x1F',
  'layers/my/other/busybox/base': 'CONFIG_EXT4_FS=n\n',
  'overrides/kernel/mine': 'CONFIG_HZ=1000\n',
};

test('explain shows the whole chain, first to last, and who won', async () => {
  const project = treeOf(LAYERS);
  const { exitCode, stdout } = await coracle(project, ['explain', 'ext4_fs', 'one']);
  expect(exitCode).toBe(0);
  expect(stdout).toBe(
    [
      'CONFIG_EXT4_FS  (kernel, workspace one)',
      '   y  my/base   layers/my/base/kernel/00-first:1',
      '   m  my/base   layers/my/base/kernel/10-second:1',
      '→  y  my/other  layers/my/other/kernel/with $(blank):1',
    ]
      .join('\n')
      .concat('\n\nCONFIG_EXT4_FS  (busybox, workspace one)\n→  n  my/other  layers/my/other/busybox/base:1\n'),
  );
  const json = await coracle(project, ['explain', 'CONFIG_HZ', 'one', '--json']);
  expect(JSON.parse(json.stdout)).toEqual([
    {
      namespace: 'kernel',
      symbol: 'CONFIG_HZ',
      value: '1000',
      chain: [
        { layer: 'my/base', file: join(project, 'layers/my/base/kernel/00-first'), line: 2, value: '250', wins: false },
        { layer: 'overrides', file: join(project, 'overrides/kernel/mine'), line: 1, value: '1000', wins: true },
      ],
    },
  ]);
});

test('a symbol that nobody sets is told with the nearest', async () => {
  const { exitCode, stderr } = await coracle(treeOf(LAYERS), ['explain', 'CONFIG_EXT4FS']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('did you mean CONFIG_EXT4_FS?');
});

test('what Coracle sets itself is told as its own, whatever layers say', async () => {
  const project = writeTree(treeOf(LAYERS), {
    'coracle.yaml': `layers: [{path: layers}]
buildroot: no/tree
workspaces:
  one: {layers: [my/base, my/other], engine: buildroot, arch: x86_64}
`,
    'layers/my/other/buildroot/other': '# BR2_TARGET_ROOTFS_TAR is not set\n',
    'layers/my/other/root_overlay/etc/motd': '',
  });
  const { stdout } = await coracle(project, ['explain', 'BR2_TARGET_ROOTFS_TAR', 'one']);
  expect(stdout.split('\n')).toEqual([
    'BR2_TARGET_ROOTFS_TAR  (buildroot, workspace one)',
    '   n  my/other  layers/my/other/buildroot/other:1',
    '→  y  Coracle   the root is taken from an archive that keeps owners and devices',
    '',
  ]);
  const json = await coracle(project, ['explain', 'ROOTFS_OVERLAY', 'one', '--json']);
  expect(JSON.parse(json.stdout)).toEqual([
    {
      ...{ namespace: 'buildroot', symbol: 'BR2_ROOTFS_OVERLAY', chain: [] },
      value: `"${join(project, 'workspaces/one/buildroot/layers/overlay')}"`,
      coracle: {
        ...{ why: 'root overlays of layers', wins: true },
        value: `"${join(project, 'workspaces/one/buildroot/layers/overlay')}"`,
      },
    },
  ]);
});

test('diff compares by meaning, with the origins of both sides', async () => {
  const project = writeTree(treeOf(LAYERS), {
    'layers/my/third/layer.yaml': 'description: a third\n',
    'layers/my/third/kernel/base': 'CONFIG_KEXEC=n\nCONFIG_PHYS=0x001f\nCONFIG_EXT4_FS=m\nCONFIG_NEW=n\n',
  });
  const lists = ['my/base,my/other', 'my/base,my/other,my/third'];
  const { exitCode, stdout } = await coracle(project, ['diff', ...lists]);
  expect(exitCode).toBe(0);
  expect(stdout).toBe(
    `${[
      'layers',
      '+ my/third',
      '',
      'kernel',
      '- CONFIG_EXT4_FS=y  my/other  layers/my/other/kernel/with $(blank):1',
      '+ CONFIG_EXT4_FS=m  my/third  layers/my/third/kernel/base:3',
      '+ CONFIG_NEW=n      my/third  layers/my/third/kernel/base:4',
    ].join('\n')}\n`,
  );
  const json = JSON.parse((await coracle(project, ['diff', ...lists, '--json'])).stdout) as { symbols: object[] };
  expect(json.symbols).toMatchObject([
    { kind: 'changed', symbol: 'CONFIG_EXT4_FS', before: { value: 'y', line: 1 }, after: { value: 'm', line: 3 } },
    { kind: 'added', symbol: 'CONFIG_NEW', before: null, after: { layer: 'my/third' } },
  ]);
  expect((await coracle(project, ['diff', ...lists, '--exit-code'])).exitCode).toBe(1);
  expect((await coracle(project, ['diff', 'one', 'one', '--exit-code'])).exitCode).toBe(0);
});

test.each([
  ['CONFIG_A=y\nCONFIG_B=maybe\n', 'broken:2:10', 'CONFIG_B is given a text without quotes'],
  ['BR2_INIT_NONE=y\n', 'broken:1:1', 'BR2_INIT_NONE is not a kernel symbol'],
  ['CONFIG_A', 'broken:1:1', 'neither an assignment nor a comment'],
  ['CONFIG_\0A=y', 'broken:1', 'not a text file'],
])('the fragment %j fails with its place', async (text, place, message) => {
  const project = writeTree(treeOf(LAYERS), { 'layers/my/base/kernel/broken': text });
  const { exitCode, stderr } = await coracle(project, ['explain', 'HZ', 'one']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`kernel/${place}`);
  expect(stderr).toContain(message);
  expect(stderr).toContain('hint:');
  expect(stderr).not.toContain('    at ');
});

test('duplicate and contradictory lines are told by check, and do not stop anything', async () => {
  const project = writeTree(treeOf(LAYERS), { 'layers/my/base/kernel/twice': 'CONFIG_HZ=100\nCONFIG_HZ=300\n' });
  const { exitCode, stderr, stdout } = await coracle(project, ['check', 'my/base']);
  expect(exitCode).toBe(0);
  expect(stdout + stderr).toMatch(/CONFIG_HZ .*line 1/);
});
