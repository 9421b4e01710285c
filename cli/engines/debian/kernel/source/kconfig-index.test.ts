import { expect, test } from 'vitest';
import { treeOf } from '../../../../../test/support/files.ts';
import { explainSymbol, readKconfigIndex } from './kconfig-index.ts';

const SOURCE = {
  Kconfig: 'source "arch/$(SRCARCH)/Kconfig"\nif USB\nsource "fs/Kconfig"\nendif\nsource "$(UNKNOWN)/Kconfig"\n',
  'fs/Kconfig': [
    'if BLOCK',
    'config EXT4_FS',
    '\ttristate "ext4"',
    '\tdepends on !UML && \\',
    '\t  MMU',
    '\thelp',
    '\t  if this were not help,',
    '',
    '\t  depends on the weather',
    'menu "Others"',
    '\tdepends on SOMETIMES',
    'menuconfig BTRFS_FS',
    '\tbool',
    'endmenu',
    'endif # BLOCK',
    'config FREE',
    '\tbool',
    '\tdepends on USB',
  ].join('\n'),
  'arch/arm64/Kconfig': 'config ARM64\n\tdef_bool y\nconfig KEXEC\n\tdepends on PM\n',
  'arch/x86/Kconfig': 'config KEXEC\n\tbool\n',
};

test('definitions are found with their own conditions and those around them', () => {
  const index = readKconfigIndex(treeOf(SOURCE), 'arm64');
  const explain = (symbol: string) => explainSymbol(index, symbol, (other) => other === 'CONFIG_BLOCK');
  expect(explain('CONFIG_EXT4_FS')).toBe(
    'fs/Kconfig:2: CONFIG_EXT4_FS depends on USB and BLOCK and (!UML && MMU); BLOCK is off',
  );
  expect(explain('CONFIG_BTRFS_FS')).toBe(
    'fs/Kconfig:12: CONFIG_BTRFS_FS depends on USB and BLOCK and SOMETIMES; BLOCK is off',
  );
  expect(explain('CONFIG_FREE')).toBe('fs/Kconfig:16: CONFIG_FREE depends on USB');
  expect(explain('CONFIG_ARM64')).toBe('arch/arm64/Kconfig:1: CONFIG_ARM64 has no condition');
  expect(explain('CONFIG_KEXEC')).toBe('arch/arm64/Kconfig:3: CONFIG_KEXEC depends on PM');
  expect(explain('CONFIG_NOBODY')).toBeUndefined();
});
