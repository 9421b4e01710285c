import { expect, test } from 'vitest';
import { parseDotConfig } from '../../../../kconfig/dotconfig.ts';
import { assignmentsOf, parseFragment } from '../../../../kconfig/fragment.ts';
import { mergeAssignments } from '../../../../kconfig/merge.ts';
import { overlayConfig } from './configure.ts';
import { crossPrefix } from './make.ts';

test('what is asked for stands behind the base, once', () => {
  const source = { layer: 'a/b', file: '/f' };
  const base = parseDotConfig('CONFIG_KERNEL_XZ=y\nCONFIG_HZ=250\n# CONFIG_KERNEL_ZSTD is not set\n', source);
  const asked = mergeAssignments(
    assignmentsOf(parseFragment('CONFIG_KERNEL_ZSTD=y\nCONFIG_NEW="a"\nCONFIG_KERNEL_XZ=n\nCONFIG_NEW="b"\n', source)),
  );
  expect(overlayConfig(base, asked)).toBe(
    'CONFIG_HZ=250\nCONFIG_KERNEL_ZSTD=y\nCONFIG_NEW="b"\n# CONFIG_KERNEL_XZ is not set\n',
  );
});

test('the compiler has a prefix only for another architecture', () => {
  expect(crossPrefix('x86_64', 'x86_64')).toBe('');
  expect(crossPrefix('arm64', 'x86_64')).toBe('aarch64-linux-gnu-');
  expect(crossPrefix('x86_64', 'arm64')).toBe('x86_64-linux-gnu-');
});
