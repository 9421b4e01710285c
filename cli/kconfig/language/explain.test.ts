import { expect, test } from 'vitest';
import { configOf, modelOf } from '../../../test/support/kconfig.ts';
import type { Namespace } from '../assignment.ts';
import { parseBareValue } from '../value.ts';
import { explainSymbol, type Question, type Reason } from './explain.ts';
import type { KconfigModel } from './model.ts';
import { renderReason } from './render-reason.ts';

const FILES = {
  Kconfig: `
config MODULES
	bool "modules"
	modules
config NET
	bool "network"
config WIFI
	tristate "wifi"
	depends on NET && (PCI || USB) && !TINY
config PCI
	bool "pci"
	depends on BUS
config USB
	bool
config BUS
	bool "bus"
	select USB
config TINY
	bool "tiny"
config HARD
	bool "hard" if EXPERT
	default y
config EXPERT
	bool "expert"
config SIZE
	int "size"
	range 4 16
config DRIVER
	tristate "driver"
	depends on WIFI
choice
	prompt "C library"
config MUSL
	bool "musl"
config GLIBC
	bool "glibc"
	depends on NET
endchoice
config NAMED
	bool "named"
	depends on LIBC = "musl" && LEVEL >= 3
config LIBC
	string
	default "glibc" if GLIBC
	default "musl"
config LEVEL
	int "level"
config MACHINE
	bool "machine"
	depends on $(cc-option,-m64)
config GHOST
	bool "ghost"
	depends on NOWHERE
source "Kconfig.legacy"
`,
  'Kconfig.legacy': `
config OLD
	bool "old was removed"
	select LEGACY
	help
	  It was replaced
	  by NEW.
config LEGACY
	bool
`,
};

interface Asked {
  readonly model: KconfigModel;
  readonly reason: Reason;
  readonly words: string;
}

function ask(symbol: string, wanted: string, lines: readonly string[], more: Partial<Question> = {}): Asked {
  const model = modelOf(FILES);
  const value = parseBareValue(wanted) ?? { kind: 'string' as const, value: wanted };
  const actual = configOf(...lines);
  const question = { symbol: `CONFIG_${symbol}`, wanted: value, actual, legacyFile: 'Kconfig.legacy', ...more };
  const reason = explainSymbol(model, question);
  return { model, reason, words: renderReason(reason, model) };
}

test.each([
  ['WIRELESS_WIFI', 'y', [], 'there is no symbol CONFIG_WIRELESS_WIFI'],
  ['WIFY', 'y', [], 'there is no symbol CONFIG_WIFY; did you mean CONFIG_WIFI?'],
  ['OLD', 'y', ['OLD=y'], 'CONFIG_OLD was removed in this release (old was removed): It was replaced by NEW.'],
  ['NET', 'm', [], 'CONFIG_NET is either y or n (Kconfig)'],
  ['SIZE', 'large', [], 'CONFIG_SIZE is a whole number (Kconfig)'],
  [
    'WIFI',
    'y',
    ['NET=y', 'BUS=y', 'USB=y', 'TINY=y'],
    'CONFIG_WIFI depends on !CONFIG_TINY (Kconfig); CONFIG_TINY is y',
  ],
  [
    'WIFI',
    'y',
    ['NET=y'],
    'CONFIG_WIFI depends on CONFIG_PCI || CONFIG_USB (Kconfig); ' +
      'CONFIG_PCI is not set and depends on CONFIG_BUS itself; CONFIG_USB is not set and comes with CONFIG_BUS',
  ],
  [
    'DRIVER',
    'y',
    ['MODULES=y', 'NET=y', 'BUS=y', 'USB=y', 'WIFI=m'],
    'CONFIG_DRIVER can be no more than m, for it depends on CONFIG_WIFI (Kconfig); CONFIG_WIFI is m',
  ],
  ['WIFI', 'm', ['NET=y', 'BUS=y', 'USB=y'], 'CONFIG_WIFI cannot be m, since CONFIG_MODULES is not set'],
  ['USB', 'y', [], 'CONFIG_USB has no prompt, so nobody can set it (Kconfig); it comes with CONFIG_BUS'],
  ['HARD', 'n', ['HARD=y'], 'CONFIG_HARD can only be set with CONFIG_EXPERT (Kconfig); CONFIG_EXPERT is not set'],
  ['USB', 'n', ['BUS=y', 'USB=y'], 'CONFIG_USB is selected by CONFIG_BUS (Kconfig)'],
  [
    'MUSL',
    'y',
    ['NET=y', 'GLIBC=y'],
    'CONFIG_MUSL is one of the choice "C library" (Kconfig), in which CONFIG_GLIBC is set',
  ],
  [
    'MUSL',
    'n',
    ['MUSL=y'],
    'CONFIG_MUSL is the one set of the choice "C library" (Kconfig), which is never empty; set another instead: CONFIG_GLIBC',
  ],
  ['GLIBC', 'y', ['MUSL=y'], 'CONFIG_GLIBC depends on CONFIG_NET (Kconfig); CONFIG_NET is not set'],
  ['SIZE', '99', ['SIZE=16'], 'CONFIG_SIZE must be from 4 to 16 (Kconfig)'],
  [
    'NAMED',
    'y',
    ['LIBC="glibc"', 'LEVEL=2', 'GLIBC=y', 'NET=y'],
    'CONFIG_NAMED depends on CONFIG_LIBC = "musl" && CONFIG_LEVEL >= 3 (Kconfig); CONFIG_LIBC is "glibc"; CONFIG_LEVEL is 2',
  ],
  ['GHOST', 'y', [], 'CONFIG_GHOST depends on CONFIG_NOWHERE (Kconfig); CONFIG_NOWHERE is defined nowhere'],
  ['MACHINE', 'y', [], 'CONFIG_MACHINE is defined in Kconfig; the reason could not be found out'],
  ['NET', 'y', [], 'CONFIG_NET can be set (Kconfig), so something else was asked for later'],
] as const)('%s=%s with %j', (symbol, wanted, lines, expected) => {
  expect(ask(symbol, wanted, lines).words.replace(/:\d+/g, '')).toBe(expected);
});

test('a leaf says what it is, what it would have to be, and where its value comes from', () => {
  const { reason } = ask('NAMED', 'y', ['LIBC="musl"', 'LEVEL=2']);
  expect(reason).toMatchObject({
    kind: 'unmet-dependency',
    unmet: {
      leaves: [
        {
          symbol: 'CONFIG_LEVEL',
          needs: { operator: '>=', text: '3' },
          actual: { kind: 'int', value: '2' },
          origin: { kind: 'settable' },
        },
      ],
    },
  });
});

test('a symbol that must be off says who selects it', () => {
  const model = modelOf('config A\n\tbool "a"\n\tdepends on !B\nconfig B\n\tbool\nconfig C\n\tbool "c"\n\tselect B\n');
  const wanted = { kind: 'tristate', value: 'y' } as const;
  const reason = explainSymbol(model, { symbol: 'CONFIG_A', wanted, actual: configOf('B=y', 'C=y') });
  expect(renderReason(reason, model)).toBe(
    'CONFIG_A depends on !CONFIG_B (Kconfig:1); CONFIG_B is selected by CONFIG_C',
  );
});

test('a symbol of another configuration is told', () => {
  const others = new Map<Namespace, KconfigModel>([['busybox', modelOf('config ASH\n\tbool "ash"\n')]]);
  const { reason, words } = ask('ASH', 'y', [], { others });
  expect(reason.kind).toBe('other-namespace');
  expect(words).toBe('CONFIG_ASH is a symbol of busybox');
});
