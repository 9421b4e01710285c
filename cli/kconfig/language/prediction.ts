/**
 * What `conf` writes for a symbol, given what it wrote for all others (sym_calc_value of the kernel's symbol.c). With a
 * `.config` that `conf` made, it must be just what is there: that is how the model is held against real trees.
 */
import { numberOf } from './comparison.ts';
import { type Evaluation, type Known, type Tristate, tristateOf } from './evaluation.ts';
import type { KconfigChoice, KconfigSymbol } from './model.ts';

export type Prediction =
  /** There is no line for it: it is n, or an empty text. */
  { readonly kind: 'absent' } | { readonly kind: 'written'; readonly text: string } | { readonly kind: 'unknown' };

const ABSENT: Prediction = { kind: 'absent' };
const UNKNOWN: Prediction = { kind: 'unknown' };

/** A user's own value is taken from the `.config`. @param isAsked whether there may be one; otherwise the default counts */
export function predict(evaluation: Evaluation, symbol: KconfigSymbol, isAsked = true): Prediction {
  if (symbol.type === undefined || symbol.environment) return ABSENT;
  const visibility = evaluation.visibility(symbol);
  if (visibility === undefined) return UNKNOWN;
  const own = isAsked && visibility > 0 ? evaluation.value(symbol.name) : undefined;
  if (!isSwitch(symbol)) {
    if (own !== undefined) return limited(evaluation, symbol, own.value);
    const value = predictDefault(evaluation, symbol);
    return value.kind === 'absent' && visibility > 0 ? limited(evaluation, symbol, '') : value;
  }
  if (symbol.choice !== undefined && visibility === 2) return predictMember(evaluation, symbol, symbol.choice);
  const selected = evaluation.selected(symbol);
  if (selected === undefined) return UNKNOWN;
  if (own?.kind === 'tristate') {
    const value = Math.max(Math.min(tristateOf(own.value), visibility), selected) as Tristate;
    return written(evaluation.isBool(symbol) && value === 1 ? 2 : value);
  }
  const value = defaultSwitch(evaluation, symbol, selected);
  if (value === undefined) return UNKNOWN;
  if (value !== 0 || visibility !== 0) return written(value);
  // Implied without what it depends on: kernels write a line for it since 5.5, which says the same as none.
  return evaluation.implied(symbol) === 0 ? ABSENT : UNKNOWN;
}

/** What a symbol has if no user says anything. */
export function predictDefault(evaluation: Evaluation, symbol: KconfigSymbol): Prediction {
  if (isSwitch(symbol)) {
    const value = defaultSwitch(evaluation, symbol, 0);
    return value === undefined ? UNKNOWN : written(value);
  }
  for (const { value, condition } of symbol.defaults) {
    const holds = evaluation.condition(condition);
    if (holds === 0) continue;
    if (holds === undefined || (value.kind !== 'symbol' && value.kind !== 'constant')) return UNKNOWN;
    const text = evaluation.text(value);
    return text === undefined ? UNKNOWN : limited(evaluation, symbol, text);
  }
  return ABSENT;
}

function isSwitch({ type }: KconfigSymbol): boolean {
  return type === 'bool' || type === 'tristate';
}

function defaultSwitch(evaluation: Evaluation, symbol: KconfigSymbol, selected: Tristate): Known<Tristate> {
  const first = symbol.defaults.find(({ condition }) => evaluation.condition(condition) !== 0);
  const value = first === undefined ? 0 : evaluation.condition({ kind: 'and', operands: conditionAndValue(first) });
  const implied = evaluation.implied(symbol);
  const dependency = implied === 0 ? 2 : evaluation.dependency(symbol);
  if (value === undefined || implied === undefined || dependency === undefined) return undefined;
  const most = Math.max(Math.min(Math.max(value, implied), dependency), selected) as Tristate;
  return most === 1 && (evaluation.isBool(symbol) || implied === 2) ? 2 : most;
}

function conditionAndValue({ condition, value }: KconfigSymbol['defaults'][number]) {
  return condition === undefined ? [value] : [condition, value];
}

/** Of a choice that is on, one member is y: who was asked for, else the first default, else the first that can be seen. */
function predictMember(evaluation: Evaluation, symbol: KconfigSymbol, index: number): Prediction {
  const choice = evaluation.model.choices[index];
  const value = evaluation.choice(index);
  if (choice === undefined || value === undefined) return UNKNOWN;
  if (value !== 2) return written(0);
  const asked = evaluation.winner(choice);
  const winner = asked ?? defaultMember(evaluation, choice);
  return winner === undefined ? UNKNOWN : written(winner === symbol.name ? 2 : 0);
}

/** Undefined if that is not known. */
function defaultMember(evaluation: Evaluation, choice: KconfigChoice): string | undefined {
  const visible: string[] = [];
  for (const name of choice.members) {
    const member = evaluation.model.symbols.get(name);
    const visibility = member === undefined ? 0 : evaluation.visibility(member);
    if (visibility === undefined) return undefined;
    if (visibility !== 0) visible.push(name);
  }
  for (const { value, condition } of choice.defaults) {
    const holds = evaluation.condition(condition);
    if (holds === undefined) return undefined;
    if (holds !== 0 && value.kind === 'symbol' && visible.includes(value.name)) return value.name;
  }
  return visible[0];
}

/** A number outside its range becomes the nearest one inside. */
function limited(evaluation: Evaluation, symbol: KconfigSymbol, text: string): Prediction {
  const range = evaluation.range(symbol);
  if (range === undefined) return { kind: 'written', text };
  const low = evaluation.text(range.low);
  const high = evaluation.text(range.high);
  if (low === undefined || high === undefined) return UNKNOWN;
  const [value, least, most] = [text, low, high].map((one) => numberOf(one, symbol.type)) as [bigint, bigint, bigint];
  if (value >= least && value <= most) return { kind: 'written', text };
  const nearest = value < least ? least : most;
  return { kind: 'written', text: symbol.type === 'hex' ? `0x${nearest.toString(16)}` : `${nearest}` };
}

function written(value: Tristate): Prediction {
  return { kind: 'written', text: 'nmy'[value] ?? 'n' };
}
