/** The part of a condition that does not hold, and what each symbol in it would have to be. */
import type { Value } from '../assignment.ts';
import type { Evaluation, Tristate } from './evaluation.ts';
import { allOf, anyOf, type Comparison, type Condition, type Expression, type Operand } from './expression.ts';
import type { KconfigSymbol } from './model.ts';

/** A symbol whose value keeps a condition from holding. */
export interface Leaf {
  /** With the prefix of a `.config`. */
  readonly symbol: string;
  /** What it would have to be: `= y`, `!= "musl"`, `>= 7`. */
  readonly needs: { readonly operator: Comparison; readonly text: string };
  /** What it is in the final `.config`; absent if it is not there. */
  readonly actual: Value | undefined;
  readonly origin: LeafOrigin;
}

/** Where the value of a symbol comes from, so what could change it. */
export type LeafOrigin =
  /** It has a prompt that is shown now: an assignment would be taken. */
  | { readonly kind: 'settable' }
  /** It has a prompt that is not shown now: something else has to be set first. Absent if it is not known what. */
  | { readonly kind: 'hidden'; readonly unmet: Expression | undefined }
  /** It would have to be n, but these symbols select it; with the prefix. */
  | { readonly kind: 'selected'; readonly by: readonly string[] }
  /** It has no prompt; see {@link sourcesOf}. */
  | { readonly kind: 'derived'; readonly from: readonly string[] }
  /** A variable of the environment that `conf` runs in. */
  | { readonly kind: 'environment' }
  /** No file defines it: nothing can set it. */
  | { readonly kind: 'undefined' };

/**
 * What does not hold; undefined if all does, or if it is not known whether it does. Holds, if all of it were true.
 *
 * @param level what the condition has to be at least: 1 for m or y, 2 for y
 */
export function unmetPart(expression: Expression, evaluation: Evaluation, level: Tristate = 1): Expression | undefined {
  return new UnmetReader(evaluation, level).part(expression, false);
}

class UnmetReader {
  readonly #evaluation: Evaluation;
  readonly #level: Tristate;
  /** Choices whose conditions are being looked at: one may hang on itself. */
  readonly #inside = new Set<number>();

  constructor(evaluation: Evaluation, level: Tristate) {
    this.#evaluation = evaluation;
    this.#level = level;
  }

  /** Negations are moved inwards, so that of `!(A || B)` only the one that is on is named. */
  part(expression: Expression, negated: boolean): Expression | undefined {
    const value = this.#evaluation.condition(expression);
    if (value === undefined || (negated ? 2 - value : value) >= this.#level) return undefined;
    switch (expression.kind) {
      case 'not':
        return this.part(expression.operand, !negated);
      case 'and':
      case 'or': {
        const kind = (expression.kind === 'and') === negated ? 'or' : 'and';
        const parts = distinct(
          kind,
          expression.operands.flatMap((operand) => this.part(operand, negated) ?? []),
        );
        return kind === 'or' ? anyOf(parts) : allOf(...parts);
      }
      case 'choice':
        return negated ? { kind: 'not', operand: expression } : this.#choicePart(expression.choice);
      case 'compare':
        return negated ? { ...expression, operator: OPPOSITE[expression.operator] } : expression;
      default:
        return negated ? { kind: 'not', operand: expression } : expression;
    }
  }

  /** A member cannot be had because its choice is not there: then what the choice depends on is not met. */
  #choicePart(index: number): Expression | undefined {
    const itself: Expression = { kind: 'choice', choice: index };
    const condition = anyOf(this.#evaluation.model.choices[index]?.prompts.map((prompt) => prompt.condition) ?? []);
    if (condition === undefined || this.#inside.has(index)) return itself;
    this.#inside.add(index);
    const part = this.part(condition, false);
    this.#inside.delete(index);
    return part ?? itself;
  }
}

const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
};
/** The same comparison seen from its right side. */
const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '>=': '<=',
  '>': '<',
  '<=': '>=',
};

/** Each once, also of those inside what is joined in the same way. */
function distinct(kind: 'and' | 'or', expressions: readonly Expression[]): readonly Expression[] {
  const flat = expressions.flatMap((one) => (one.kind === kind ? one.operands : [one]));
  return [...new Map(flat.map((one) => [JSON.stringify(one), one])).values()];
}

/** Each symbol of an unmet part once, in the order of their naming. */
export function leavesOf(unmet: Expression, evaluation: Evaluation): readonly Leaf[] {
  const leaves = new Map<string, Leaf>();
  const add = (name: string, operator: Comparison, text: string): void => {
    const symbol = evaluation.model.prefix + name;
    const key = `${symbol} ${operator} ${text}`;
    if (leaves.has(key)) return;
    const isOff = operator === '=' && text === 'n';
    const actual = evaluation.value(name);
    leaves.set(key, { symbol, needs: { operator, text }, actual, origin: originOf(name, isOff, evaluation) });
  };
  const visit = (expression: Expression): void => {
    switch (expression.kind) {
      case 'symbol':
        add(expression.name, '=', 'y');
        break;
      case 'not':
        if (expression.operand.kind === 'symbol') add(expression.operand.name, '=', 'n');
        else visit(expression.operand);
        break;
      case 'and':
      case 'or':
        for (const operand of expression.operands) visit(operand);
        break;
      case 'compare': {
        const [left, operator, right] = isVariable(expression.left, evaluation)
          ? [expression.left, expression.operator, expression.right]
          : [expression.right, MIRRORED[expression.operator], expression.left];
        if (left.kind === 'symbol') add(left.name, operator, evaluation.text(right) ?? '');
        break;
      }
      case 'module':
        if (evaluation.model.modules !== undefined) add(evaluation.model.modules, '=', 'y');
        break;
      case 'choice':
      case 'constant':
      case 'unknown':
        break;
    }
  };
  visit(unmet);
  return [...leaves.values()];
}

function isVariable(operand: Operand, { model }: Evaluation): boolean {
  return operand.kind === 'symbol' && (model.symbols.has(operand.name) || !/^(?:-?\d|0x)/.test(operand.name));
}

function originOf(name: string, isOff: boolean, evaluation: Evaluation): LeafOrigin {
  const { model } = evaluation;
  const symbol = model.symbols.get(name);
  if (symbol === undefined) return { kind: 'undefined' };
  if (symbol.environment) return { kind: 'environment' };
  const prefixed = (names: readonly string[]): readonly string[] =>
    [...new Set(names)].map((one) => model.prefix + one);
  const selecting = isOff ? evaluation.selecting(symbol) : [];
  if (selecting.length > 0) return { kind: 'selected', by: prefixed(selecting.map(({ by }) => by)) };
  if (symbol.prompts.length > 0) {
    if (evaluation.visibility(symbol) !== 0) return { kind: 'settable' };
    const shown = anyOf(symbol.prompts.map(({ condition }) => condition));
    return { kind: 'hidden', unmet: shown && unmetPart(shown, evaluation) };
  }
  return { kind: 'derived', from: sourcesOf(symbol, evaluation) };
}

/**
 * The symbols that turn on one without a prompt, by `select` or as the condition of a `default y`: those that could be set
 * now, or all if none can. With the prefix.
 */
export function sourcesOf(symbol: KconfigSymbol, evaluation: Evaluation): readonly string[] {
  const { prefix, symbols } = evaluation.model;
  const sources: { name: string; condition: Condition }[] = symbol.selectedBy.map(({ by, condition }) => ({
    name: by,
    condition,
  }));
  for (const { value, condition } of symbol.defaults) {
    const source = value.kind === 'constant' && value.text === 'y' ? condition : value;
    if (source?.kind === 'symbol') sources.push({ name: source.name, condition: undefined });
  }
  const open = sources.filter(({ name, condition }) => {
    const source = symbols.get(name);
    return source !== undefined && evaluation.visibility(source) !== 0 && evaluation.condition(condition) !== 0;
  });
  const names = new Set((open.length > 0 ? open : sources).map(({ name }) => prefix + name));
  return [...names];
}
