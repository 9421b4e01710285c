/**
 * Works out, under a final `.config`, what the model says about a symbol. The value of a symbol is what the `.config` says:
 * it is the tree's own `conf` that decided. A result is undefined where it hangs on something that is not known, such as the
 * output of a compiler; then no claim is made.
 */
import type { Value } from '../assignment.ts';
import type { DotConfig } from '../dotconfig.ts';
import { compareTexts, isTruth } from './comparison.ts';
import type { Condition, Expression, Operand } from './expression.ts';
import type { Influence, KconfigChoice, KconfigModel, KconfigSymbol, Range } from './model.ts';

/** n, m, y; `&&` is the least and `||` the greatest. */
export type Tristate = 0 | 1 | 2;
export type Known<T> = T | undefined;

export class Evaluation {
  readonly model: KconfigModel;
  readonly #config: DotConfig;
  readonly #choices: (Known<Tristate> | 'working')[] = [];

  constructor(model: KconfigModel, config: DotConfig) {
    this.model = model;
    this.#config = config;
  }

  /** As the `.config` has it. */
  value(name: string): Value | undefined {
    return this.#config.get(this.model.prefix + name);
  }

  condition(condition: Condition): Known<Tristate> {
    if (condition === undefined) return 2;
    switch (condition.kind) {
      case 'symbol':
        return this.tristate(condition.name);
      case 'constant':
        return tristateOf(condition.text);
      case 'unknown':
        return undefined;
      case 'module':
        return this.#modules();
      case 'choice':
        return this.choice(condition.choice);
      case 'not': {
        const value = this.condition(condition.operand);
        return value === undefined ? undefined : ((2 - value) as Tristate);
      }
      case 'and':
      case 'or':
        return this.#joined(condition.operands, condition.kind === 'and' ? 0 : 2);
      case 'compare': {
        const left = this.text(condition.left);
        const right = this.text(condition.right);
        if (left === undefined || right === undefined) return undefined;
        const order = compareTexts(left, this.#type(condition.left), right, this.#type(condition.right));
        return isTruth(order, condition.operator) ? 2 : 0;
      }
    }
  }

  tristate(name: string): Known<Tristate> {
    const symbol = this.model.symbols.get(name);
    if (symbol?.type !== 'bool' && symbol?.type !== 'tristate') return 0;
    if (symbol.environment) return tristateOf(this.#environment(symbol));
    const value = this.value(name);
    return value?.kind === 'tristate' ? tristateOf(value.value) : 0;
  }

  /** What a comparison sees of it. */
  text(operand: Operand): Known<string> {
    if (operand.kind === 'unknown') return undefined;
    if (operand.kind === 'constant') return operand.text;
    const symbol = this.model.symbols.get(operand.name);
    if (symbol?.type === undefined) return operand.name;
    const isSwitch = symbol.type === 'bool' || symbol.type === 'tristate';
    if (symbol.environment) return this.#environment(symbol) || (isSwitch ? 'n' : '');
    return this.value(operand.name)?.value ?? (isSwitch ? 'n' : '');
  }

  /** Whether its `depends on`, and those of the menus around it, hold in one of its definitions at least. */
  dependency(symbol: KconfigSymbol): Known<Tristate> {
    return this.#promoted(symbol, this.#any(symbol.definitions.map(({ depends }) => this.condition(depends))));
  }

  /** The most that a user can set it to: n if no prompt is shown. */
  visibility(symbol: KconfigSymbol): Known<Tristate> {
    const choice = symbol.choice === undefined ? undefined : this.choice(symbol.choice);
    const prompts = symbol.prompts.map(({ condition }) => {
      const value = this.condition(condition);
      const isHidden = symbol.choice !== undefined && symbol.type === 'tristate' && value === 1 && choice === 2;
      return isHidden ? 0 : value;
    });
    return this.#promoted(symbol, this.#any(prompts));
  }

  /** The least that the symbols which select it allow. */
  selected(symbol: KconfigSymbol): Known<Tristate> {
    return this.#influence(symbol, symbol.selectedBy);
  }

  /** What the symbols that imply it say; a default only. */
  implied(symbol: KconfigSymbol): Known<Tristate> {
    return this.#influence(symbol, symbol.impliedBy);
  }

  /** The statements that select it now. */
  selecting(symbol: KconfigSymbol): readonly Influence[] {
    return symbol.choice === undefined ? symbol.selectedBy.filter((one) => (this.#strength(one) ?? 0) > 0) : [];
  }

  /** Whether it cannot be m: there may be no modules. */
  isBool(symbol: KconfigSymbol): boolean {
    return symbol.type !== 'tristate' || this.#modules() === 0;
  }

  /** Off, m, or on; a member of it can be y only if it is on. */
  choice(index: number): Known<Tristate> {
    const done = this.#choices[index];
    // A condition of a choice on its own members; conf takes n meanwhile.
    if (done === 'working') return 0;
    if (index in this.#choices) return done;
    this.#choices[index] = 'working';
    const choice = this.model.choices[index];
    const value = choice === undefined ? 0 : this.#choiceValue(choice);
    this.#choices[index] = value;
    return value;
  }

  /** The member that is y. */
  winner(choice: KconfigChoice): string | undefined {
    return choice.members.find((name) => this.tristate(name) === 2);
  }

  range(symbol: KconfigSymbol): Range | undefined {
    for (const range of symbol.ranges) {
      const value = this.condition(range.condition);
      if (value === undefined) return undefined;
      if (value !== 0) return range;
    }
    return undefined;
  }

  #choiceValue(choice: KconfigChoice): Known<Tristate> {
    const isBool = choice.type === 'bool' || this.#modules() === 0;
    const shown = this.#any(choice.prompts.map(({ condition }) => this.condition(condition)));
    if (shown === undefined) return undefined;
    const visible = shown === 1 && isBool ? 2 : shown;
    const asked = Math.max(0, ...choice.members.map((name) => this.tristate(name) ?? 0));
    const least = choice.optional || visible === 0 ? 0 : isBool ? 2 : 1;
    return Math.min(visible, Math.max(asked, least)) as Tristate;
  }

  #influence(symbol: KconfigSymbol, influences: readonly Influence[]): Known<Tristate> {
    // conf looks at nothing but the choice to find out about its members.
    if (symbol.choice !== undefined) return 0;
    return this.#promoted(symbol, this.#any(influences.map((one) => this.#strength(one))));
  }

  #strength({ by, condition }: Influence): Known<Tristate> {
    const source = this.tristate(by);
    return source === 0 ? 0 : least(source, this.condition(condition));
  }

  #promoted(symbol: KconfigSymbol, value: Known<Tristate>): Known<Tristate> {
    return value === 1 && this.isBool(symbol) ? 2 : value;
  }

  #modules(): Tristate {
    const { modules } = this.model;
    return modules !== undefined && this.tristate(modules) !== 0 ? 1 : 0;
  }

  #joined(operands: readonly Expression[], decisive: Tristate): Known<Tristate> {
    let result: Known<Tristate> = decisive === 0 ? 2 : 0;
    for (const operand of operands) {
      const value = this.condition(operand);
      if (value === decisive) return decisive;
      if (value === undefined || result === undefined) result = undefined;
      else if (decisive === 0 ? value < result : value > result) result = value;
    }
    return result;
  }

  #any(values: readonly Known<Tristate>[]): Known<Tristate> {
    if (values.includes(2)) return 2;
    if (values.includes(undefined)) return undefined;
    return values.includes(1) ? 1 : 0;
  }

  #type(operand: Operand): KconfigSymbol['type'] {
    return operand.kind === 'symbol' ? this.model.symbols.get(operand.name)?.type : undefined;
  }

  #environment(symbol: KconfigSymbol): string {
    const value = symbol.defaults.find(({ condition }) => condition === undefined)?.value;
    return value?.kind === 'constant' ? value.text : '';
  }
}

function least(a: Known<Tristate>, b: Known<Tristate>): Known<Tristate> {
  if (a === 0 || b === 0) return 0;
  return a === undefined || b === undefined ? undefined : (Math.min(a, b) as Tristate);
}

export function tristateOf(text: string): Tristate {
  return text === 'y' ? 2 : text === 'm' ? 1 : 0;
}
