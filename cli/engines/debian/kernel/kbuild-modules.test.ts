import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { treeOf } from '../../../../test/support/files.ts';
import {
  formatSymbolModules,
  parseSymbolModules,
  readKbuildModules,
  symbolsByModule,
  withoutGuessable,
} from './kbuild-modules.ts';

const SOURCE = {
  'fs/Makefile': 'obj-$(CONFIG_OVERLAY_FS)\t+= overlayfs/\nobj-y += open.o\n',
  'fs/overlayfs/Makefile': 'obj-$(CONFIG_OVERLAY_FS) += overlay.o # why\noverlay-objs := super.o\n',
  'drivers/net/Kbuild': 'obj-$(CONFIG_VIRTIO_NET) := virtio_net.o\nobj-$(CONFIG_TWO) += a-b.o \\\n  sub/c.o\n',
  'net/l2tp/Makefile': 'obj-$(subst y,$(CONFIG_L2TP),$(CONFIG_L2TP_IP)) += l2tp_ip.o\n',
  'tools/Makefile': 'obj-$(CONFIG_TOOL) += tool.o\n',
};

test('symbols and their modules are read from build files', () => {
  const found = readKbuildModules(treeOf(SOURCE));
  expect([...found]).toEqual([
    ['CONFIG_L2TP_IP', ['l2tp_ip']],
    ['CONFIG_OVERLAY_FS', ['overlay']],
    ['CONFIG_TWO', ['a_b', 'c']],
    ['CONFIG_VIRTIO_NET', ['virtio_net']],
  ]);
});

test('a table is written and read, with or without what a reader can guess', () => {
  const found = readKbuildModules(treeOf(SOURCE));
  expect(formatSymbolModules(withoutGuessable(found))).toBe('OVERLAY_FS overlay\nTWO a_b c\n');
  expect(parseSymbolModules(`# head\n${formatSymbolModules(found)}`)).toEqual(found);
  expect(symbolsByModule(found).get('a_b')).toEqual(['CONFIG_TWO']);
});

test('the table that ships is whole and knows what containers need', () => {
  const table = parseSymbolModules(readFileSync(join(import.meta.dirname, 'symbol-modules.txt'), 'utf8'));
  expect(table.get('CONFIG_OVERLAY_FS')).toEqual(['overlay']);
  expect(table.get('CONFIG_VIRTIO_FS')).toEqual(['virtiofs']);
  expect(table.get('CONFIG_NETFILTER_XT_MATCH_ADDRTYPE')).toEqual(['xt_addrtype']);
  for (const [symbol, modules] of table) {
    expect(symbol).toMatch(/^CONFIG_\w+$/);
    expect(modules.length).toBeGreaterThan(0);
    for (const name of modules) expect(name).toMatch(/^\w+$/);
  }
});
