import { expect, test } from 'vitest';
import { configOf, modelOf } from '../../../test/support/kconfig.ts';
import { Evaluation } from './evaluation.ts';
import { type Prediction, predict, predictDefault } from './prediction.ts';

function predictions(
  kconfig: string,
  lines: readonly string[],
  names: readonly string[],
): readonly (string | undefined)[] {
  const evaluation = new Evaluation(modelOf(kconfig), configOf(...lines));
  const text = (prediction: Prediction): string | undefined =>
    prediction.kind === 'written' ? prediction.text : prediction.kind === 'absent' ? undefined : '?';
  return names.map((name) => {
    const symbol = evaluation.model.symbols.get(name);
    return symbol && text(predict(evaluation, symbol));
  });
}

const TRISTATE = `
config MODULES
	bool "modules"
	modules
config A
	tristate "a"
config B
	tristate "b"
	depends on A
config C
	bool "c"
	depends on A
config SELECTED
	tristate
config SELECTING
	bool "s"
	select SELECTED if A
config IMPLIED
	bool "i"
config NOT
	def_bool !A
config ONLY_M
	tristate "only as a module"
	depends on m
`;

test('y is limited to m by what is m; a bool is not', () => {
  const names = ['B', 'C', 'NOT', 'ONLY_M', 'SELECTED'];
  const lines = ['A=m', 'B=y', 'C=y', 'SELECTING=y', 'ONLY_M=y'];
  expect(predictions(TRISTATE, ['MODULES=y', ...lines], names)).toEqual(['m', 'y', 'y', 'm', 'm']);
  expect(predictions(TRISTATE, ['A=y', 'B=y', 'C=y', 'SELECTING=y'], names)).toEqual([
    'y',
    'y',
    undefined,
    undefined,
    'y',
  ]);
});

test('what is not visible and has nothing is not written; what is visible is, even if off', () => {
  expect(predictions(TRISTATE, [], ['A', 'B', 'SELECTED', 'NOT'])).toEqual(['n', undefined, undefined, 'y']);
});

test('numbers are held in their range, texts have their defaults', () => {
  const kconfig = `
config LIMIT
	int
	default 8
config N
	int "n"
	range 2 LIMIT
config H
	hex "h"
	range 0x10 0x20
	default 0x5
config T
	string
	default "far" if LIMIT > 9
	default "near"
`;
  expect(predictions(kconfig, ['LIMIT=8', 'N=11'], ['LIMIT', 'N', 'H', 'T'])).toEqual(['8', '8', '0x10', 'near']);
});

const CHOICE = `
choice
	prompt "which"
	default THREE if C
config ONE
	bool "one"
	depends on !D
config TWO
	bool "two"
config THREE
	bool "three"
endchoice
config C
	bool "c"
config D
	bool "d"
`;

test('of a choice wins who was asked for, else the first default, else the first that can be seen', () => {
  const names = ['ONE', 'TWO', 'THREE'];
  expect(predictions(CHOICE, ['TWO=y'], names)).toEqual(['n', 'y', 'n']);
  expect(predictions(CHOICE, ['C=y'], names)).toEqual(['n', 'n', 'y']);
  expect(predictions(CHOICE, [], names)).toEqual(['y', 'n', 'n']);
  expect(predictions(CHOICE, ['D=y'], names)).toEqual([undefined, 'y', 'n']);
});

const TRISTATE_CHOICE = `
config MODULES
	bool "modules"
	modules
choice
	prompt "several, as modules"
	optional
config ONE
	tristate "one"
config TWO
	tristate "two"
endchoice
`;

test('a choice of tristates has one y, or several m; an optional one may be empty', () => {
  const names = ['ONE', 'TWO'];
  expect(predictions(TRISTATE_CHOICE, ['MODULES=y', 'ONE=m', 'TWO=m'], names)).toEqual(['m', 'm']);
  expect(predictions(TRISTATE_CHOICE, ['MODULES=y', 'TWO=y'], names)).toEqual(['n', 'y']);
  expect(predictions(TRISTATE_CHOICE, ['MODULES=y'], names)).toEqual([undefined, undefined]);
});

test('imply is a default that what the symbol depends on limits, and that a user can turn off', () => {
  const kconfig = `
config A
	bool "a"
	imply B
	imply C
config B
	bool "b"
config C
	bool
	depends on D
config D
	bool "d"
`;
  const evaluation = new Evaluation(modelOf(kconfig), configOf('A=y', 'D=y'));
  const defaults = ['A', 'B', 'C'].map((name) => {
    const symbol = evaluation.model.symbols.get(name);
    return symbol && predictDefault(evaluation, symbol);
  });
  expect(defaults).toEqual(['n', 'y', 'y'].map((text) => ({ kind: 'written', text })));
  expect(predictions(kconfig, ['A=y', 'B=n', 'D=y'], ['B', 'C'])).toEqual(['n', 'y']);
  expect(predictions(kconfig, ['A=y', 'B=y'], ['B', 'C'])).toEqual(['y', '?']);
});

test('what hangs on a program that was not run is not claimed, unless the rest decides', () => {
  const kconfig = `
config CAN
	def_bool $(cc-option,-m32)
config A
	bool "a"
	depends on $(cc-option,-m64)
config B
	bool "b"
	depends on $(cc-option,-m64) && OFF
config C
	bool "c"
	depends on $(cc-option,-m64) || CAN
config OFF
	bool
`;
  expect(predictions(kconfig, ['CAN=y', 'A=y'], ['CAN', 'A', 'B', 'C'])).toEqual(['?', '?', undefined, 'n']);
});
