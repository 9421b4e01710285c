import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeTree } from '../../../../test/support/files.ts';
import { buildPlaces } from '../build-places.ts';
import { namedPathFailures } from './named-paths.ts';

const FILES = {
  'tree/board/own.config': '',
  'tree/board/overlay/etc/motd': '',
  'tree/board/post.sh': { program: '#!/bin/sh\n' },
  'ext/table': '',
} as const;

/** What is wrong with one assignment of a layer; `{base}` is the directory of {@link FILES}. */
function wrong(symbol: string, text: string): readonly string[] {
  // Buildroot's lists end at a blank, which other tests' directories have.
  const base = mkdtempSync(join(tmpdir(), 'coracle-named-'));
  onTestFinished(() => rmSync(base, { recursive: true }));
  writeTree(base, FILES);
  const value = { kind: 'string', value: text.replaceAll('{base}', base) } as const;
  const asked = { symbol, value, origin: { layer: 'my/app', file: '/layers/my/app/buildroot/a', line: 3 } };
  const failures = namedPathFailures([asked], {
    tree: join(base, 'tree'),
    externals: [{ layer: 'my/app', directory: join(base, 'ext'), name: 'MINE' }],
    places: buildPlaces(join(base, 'w')),
  });
  return failures.map(({ failure: { parts } }) => {
    expect(parts).toMatchObject({ layer: 'my/app', place: { file: '/layers/my/app/buildroot/a', line: 3 } });
    expect(parts.hint).toBeTruthy();
    return `${parts.message}${parts.cause === undefined ? '' : `: ${parts.cause}`}`.replaceAll(base, '{base}');
  });
}

test.each([
  ['BR2_ROOTFS_OVERLAY', '/nope', 'which is not there'],
  ['BR2_ROOTFS_OVERLAY', 'board/overlay /nope', 'which is not there'],
  ['BR2_ROOTFS_OVERLAY', '{base}/ext/table', 'which is no directory'],
  ['BR2_GLOBAL_PATCH_DIR', '/nope', 'which is not there'],
  ['BR2_PACKAGE_OVERRIDE_FILE', '/nope', 'which is not there'],
  ['BR2_ROOTFS_PRE_BUILD_SCRIPT', '/nope', 'which is not there'],
  ['BR2_ROOTFS_POST_BUILD_SCRIPT', '/nope', 'which is not there'],
  ['BR2_ROOTFS_POST_FAKEROOT_SCRIPT', '{base}/ext/table', 'which is not executable'],
  ['BR2_ROOTFS_POST_IMAGE_SCRIPT', '{base}/ext', 'which is no file'],
  ['BR2_ROOTFS_USERS_TABLES', '/nope', 'which is not there'],
  ['BR2_ROOTFS_DEVICE_TABLE', '/nope', 'which is not there'],
  ['BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE', '/nope', 'which is not there'],
  ['BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES', '/nope', 'which is not there'],
  ['BR2_PACKAGE_BUSYBOX_CONFIG', '/nope', 'which is not there'],
  ['BR2_LINUX_KERNEL_PATCH', '/nope', 'which is not there'],
])('%s=%j is refused', (symbol, text, message) => {
  expect(wrong(symbol, text)).toEqual([`${symbol} names ${text.split(' ').at(-1)}, ${message}`]);
});

test('a path that begins elsewhere is told whole', () => {
  expect(wrong('BR2_ROOTFS_OVERLAY', 'board/nope')).toEqual([
    'BR2_ROOTFS_OVERLAY names board/nope, which is not there: it stands for {base}/tree/board/nope',
  ]);
  for (const name of ['$(BR2_EXTERNAL_MINE_PATH)', `\${BR2_EXTERNAL_MINE_PATH}`]) {
    expect(wrong('BR2_ROOTFS_DEVICE_TABLE', `${name}/nope`)).toEqual([
      `BR2_ROOTFS_DEVICE_TABLE names ${name}/nope, which is not there: it stands for {base}/ext/nope`,
    ]);
  }
});

test.each([
  ['BR2_ROOTFS_OVERLAY', ''],
  ['BR2_ROOTFS_OVERLAY', 'board/overlay {base}/tree/board/overlay $(TOPDIR)/board/overlay'],
  ['BR2_ROOTFS_DEVICE_TABLE', '$(BR2_EXTERNAL_MINE_PATH)/table'],
  ['BR2_ROOTFS_POST_BUILD_SCRIPT', 'board/post.sh'],
  // In PATH.
  ['BR2_ROOTFS_POST_IMAGE_SCRIPT', 'true'],
  ['BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE', 'board/own.config'],
  ['BR2_LINUX_KERNEL_PATCH', 'https://example.org/a.patch board board/own.config'],
  // Only make knows, or the build makes it.
  ['BR2_PACKAGE_OVERRIDE_FILE', '$(CONFIG_DIR)/local.mk'],
  ['BR2_ROOTFS_OVERLAY', '$(BASE_DIR)/nope {base}/w/buildroot/output/nope'],
  ['BR2_LINUX_KERNEL_CUSTOM_DTS_PATH', 'board/*.dts'],
  // No path at all.
  ['BR2_TARGET_GENERIC_ISSUE', '/nope'],
])('%s=%j is fine', (symbol, text) => {
  expect(wrong(symbol, text)).toEqual([]);
});
