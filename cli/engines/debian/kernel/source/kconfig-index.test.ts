import { expect, test } from 'vitest';
import { treeOf } from '../../../../../test/support/files.ts';
import { explainSymbol, readKconfigIndex } from './kconfig-index.ts';

const SOURCE = {
  'fs/Kconfig': [
    'if BLOCK',
    'config EXT4_FS',
    '\ttristate "ext4"',
    '\tdepends on !UML && \\',
    '\t  MMU',
    '\thelp',
    '\t  depends on the weather',
    '',
    'menu "Others"',
    '\tdepends on NEVER',
    'menuconfig BTRFS_FS',
    '\tbool',
    'endmenu',
    'endif # BLOCK',
    'config FREE',
    '\tbool',
  ].join('\n'),
  'arch/arm64/Kconfig': 'config KEXEC\n\tdepends on PM\n',
  'arch/x86/Kconfig.debug': 'config KEXEC\n\tbool\n',
};

test('definitions are found with their conditions', () => {
  const index = readKconfigIndex(treeOf(SOURCE), 'arm64');
  expect(explainSymbol(index, 'CONFIG_EXT4_FS')).toBe(
    'fs/Kconfig:2: CONFIG_EXT4_FS depends on BLOCK and (!UML && MMU)',
  );
  expect(explainSymbol(index, 'CONFIG_BTRFS_FS')).toContain('depends on BLOCK');
  expect(explainSymbol(index, 'CONFIG_FREE')).toBe('fs/Kconfig:15: CONFIG_FREE has no condition');
  expect(explainSymbol(index, 'CONFIG_KEXEC')).toBe('arch/arm64/Kconfig:1: CONFIG_KEXEC depends on PM');
  expect(explainSymbol(index, 'CONFIG_NOBODY')).toBeUndefined();
});
