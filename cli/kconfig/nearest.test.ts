import { expect, test } from 'vitest';
import { didYouMean, nearestNames } from './nearest.ts';

const names = [
  'CONFIG_OVERLAY_FS',
  'CONFIG_EXT4_FS',
  'CONFIG_EXT2_FS',
  'BR2_PACKAGE_DOCKER_ENGINE',
  'BR2_INIT_SYSTEMD',
];

test.each([
  ['CONFIG_OVERLAYFS', ['CONFIG_OVERLAY_FS']],
  ['CONFIG_OVELRAY_FS', ['CONFIG_OVERLAY_FS']],
  ['ext4_fs', ['CONFIG_EXT4_FS', 'CONFIG_EXT2_FS']],
  ['BR2_PACKAGE_DOCKER', ['BR2_PACKAGE_DOCKER_ENGINE']],
  ['BR2_SYSTEMD_INIT', ['BR2_INIT_SYSTEMD']],
  ['CONFIG_QQQQQQ', []],
])('%s is nearest to %j', (wanted, expected) => {
  expect(nearestNames(wanted, names)).toEqual(expected);
});

test('a hint is a sentence, or nothing', () => {
  expect(didYouMean('CONFIG_OVERLAYFS', names)).toBe('did you mean CONFIG_OVERLAY_FS?');
  expect(didYouMean('CONFIG_QQQQQQ', names)).toBeUndefined();
});
