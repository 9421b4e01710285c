import { deserialize, serialize } from 'node:v8';
import { expect, test } from 'vitest';
import { modelOf } from '../../../test/support/kconfig.ts';
import { type Condition, formatExpression } from './expression.ts';
import type { KconfigModel, KconfigSymbol } from './model.ts';

const text = (condition: Condition): string =>
  condition === undefined ? 'always' : formatExpression(condition, '', () => true);

function symbolOf(model: KconfigModel, name: string): KconfigSymbol {
  const symbol = model.symbols.get(name);
  if (symbol === undefined) throw new Error(`no ${name}`);
  return symbol;
}

const BLOCKS = `
mainmenu "Test"
menu "Outer"
	depends on A
	visible if SHOWN
if B
config X
	tristate "x" if EXPERT
	default m if C
	default y
	select S if D
	imply I
	depends on E
endif
config N
	int "n"
	range 1 LIMIT if F
	default 3
endmenu
config S
	def_bool y if X
config I
	bool
menuconfig FREE
	boolean
	prompt "free"
`;

test('conditions of menus and ifs reach all inside, those of visible if only the prompts', () => {
  const model = modelOf(BLOCKS);
  const x = symbolOf(model, 'X');
  expect(x.type).toBe('tristate');
  expect(x.definitions.map(({ line, depends }) => [line, text(depends)])).toEqual([[7, '(A && B) && E']]);
  expect(x.prompts.map(({ condition }) => text(condition))).toEqual(['((A && B) && E) && EXPERT && SHOWN']);
  expect(x.defaults.map(({ value, condition }) => [text(value), text(condition)])).toEqual([
    ['m', '((A && B) && E) && C'],
    ['y', '(A && B) && E'],
  ]);
  expect(symbolOf(model, 'S').selectedBy).toMatchObject([{ by: 'X', file: 'Kconfig', line: 11 }]);
  expect(symbolOf(model, 'I').impliedBy.map(({ condition }) => text(condition))).toEqual(['(A && B) && E']);
  expect(symbolOf(model, 'N').ranges.map(({ high, condition }) => [text(high), text(condition)])).toEqual([
    ['LIMIT', 'A && F'],
  ]);
  expect(symbolOf(model, 'S').defaults).toHaveLength(1);
  expect(symbolOf(model, 'FREE')).toMatchObject({ type: 'bool', prompts: [{ text: 'free', condition: undefined }] });
});

test('a choice has its members, their type, and not what is in a menu below one of them', () => {
  const model = modelOf(`
choice
	prompt "which"
	default TWO if C
	depends on D
config ONE
	bool "one"
config BELOW
	bool "below"
	depends on ONE
if E
config TWO
	bool "two"
endif
endchoice
config AFTER
	bool
`);
  expect(model.choices).toMatchObject([
    { type: 'bool', optional: false, members: ['ONE', 'TWO'], file: 'Kconfig', line: 2 },
  ]);
  expect(model.choices[0]?.prompts.map((prompt) => [prompt.text, text(prompt.condition)])).toEqual([['which', 'D']]);
  expect(['ONE', 'BELOW', 'TWO', 'AFTER'].map((name) => symbolOf(model, name).choice)).toEqual([
    0,
    undefined,
    0,
    undefined,
  ]);
  expect(text(symbolOf(model, 'TWO').definitions[0]?.depends)).toBe('its choice && E');
});

test('macros: variables name files, and what a program would say is unknown', () => {
  const model = modelOf(
    {
      Kconfig: [
        'cc = $(shell,cc --version)',
        'dir := arch/$(SRCARCH)',
        '$(warning,hear)',
        'source "$(dir)/Kconfig"',
        'source "$(cc)/Kconfig"',
        'osource "nowhere"',
        'source "lib/*/Kconfig"',
        'config CC',
        '\tstring',
        '\tdefault "$(cc)"',
        'config MODULES',
        '\tbool "modules"',
        '\tmodules',
      ].join('\n'),
      'arch/x86/Kconfig': 'rsource "sub/Kconfig"',
      'arch/x86/sub/Kconfig': 'config SUB\n\tbool\nsource "missing"\n',
      'lib/a/Kconfig': 'config A\n\tbool',
      'lib/b/Kconfig': 'config B\n\tbool',
    },
    { variables: { SRCARCH: 'x86' } },
  );
  expect([...model.symbols.keys()]).toEqual(['SUB', 'A', 'B', 'CC', 'MODULES']);
  expect(model.unread).toEqual([
    { file: 'arch/x86/sub/Kconfig', line: 3, source: 'missing' },
    { file: 'Kconfig', line: 5, source: '"$(cc)/Kconfig"' },
  ]);
  expect(symbolOf(model, 'CC').defaults[0]?.value).toEqual({ kind: 'unknown', text: '$(cc)' });
  expect(model.modules).toBe('MODULES');
});

test('symbols: the environment is read by symbols, which name files; other dollars are left alone', () => {
  const model = modelOf(
    {
      Kconfig: [
        'config BASE',
        '\tstring',
        '\toption env="BASE_DIR"',
        'config OTHER',
        '\tstring',
        '\tdefault "sub"',
        'source "$BASE/in"',
        'source "$OTHER/in"',
        'config DL',
        '\tstring "downloads"',
        '\tdefault "$(TOPDIR)/dl"',
      ].join('\n'),
      'there/in': 'config THERE\n\tbool\n',
      'sub/in': 'config SUB\n\tbool\n',
    },
    { dialect: 'symbols', variables: { BASE_DIR: 'there' } },
  );
  expect(model.unread).toEqual([]);
  expect(symbolOf(model, 'BASE').environment).toBe(true);
  expect([...model.symbols.keys()]).toEqual(['BASE', 'OTHER', 'THERE', 'SUB', 'DL']);
  expect(symbolOf(model, 'DL').defaults[0]?.value).toEqual({ kind: 'constant', text: '$(TOPDIR)/dl' });
});

test('what no Kconfig would take does no harm', () => {
  const junk =
    'endmenu\nendif\nconfig\n\tbool\ndepends on\nrange\nif\n\tselect\nchoice\nendchoice\nconfig A\n\tdepends on (B &&\n\tbool "';
  expect(modelOf(junk).symbols.has('A')).toBe(true);
  expect(modelOf({ Kconfig: 'source "Kconfig"\nconfig A\n\tbool\n' }).symbols.size).toBe(1);
});

test('a model can be kept', () => {
  const model = modelOf(BLOCKS);
  expect(deserialize(serialize(model))).toEqual(model);
});
