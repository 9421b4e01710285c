/**
 * Why a symbol does not have the value that was asked for in the final `.config`. Only an explanation: that it does not
 * have it is known from the `.config` itself. Nothing is said that is not certain under the model; then the reason is
 * `unexplained`.
 */
import type { Namespace, Value } from '../assignment.ts';
import type { DotConfig } from '../dotconfig.ts';
import { nearestNames } from '../nearest.ts';
import { numberOf } from './comparison.ts';
import { Evaluation, type Tristate } from './evaluation.ts';
import { anyOf, type Condition, type Expression } from './expression.ts';
import type { Definition, Influence, KconfigModel, KconfigSymbol, Place, SymbolType } from './model.ts';
import { type Leaf, leavesOf, sourcesOf, unmetPart } from './unmet.ts';

export interface Unmet {
  /** The part that does not hold, of all that the symbol depends on. */
  readonly part: Expression;
  readonly leaves: readonly Leaf[];
}

/** All symbols have the prefix of a `.config`. */
export type Reason = { readonly symbol: string } & (
  | { readonly kind: 'unknown-symbol'; readonly nearest: readonly string[] }
  | { readonly kind: 'other-namespace'; readonly namespace: Namespace }
  /** Defined for the sake of old configurations only. */
  | { readonly kind: 'removed'; readonly at: Place; readonly title: string; readonly help: string }
  | { readonly kind: 'wrong-type'; readonly at: Place; readonly type: SymbolType | undefined }
  | { readonly kind: 'unmet-dependency'; readonly at: Place; readonly unmet: Unmet }
  /** There is no prompt, so an assignment is not looked at. `from` are the symbols that turn it on, see sourcesOf. */
  | { readonly kind: 'not-settable'; readonly at: Place; readonly from: readonly string[] }
  /** What it depends on is met, but not what its prompt needs to be shown. */
  | { readonly kind: 'hidden-prompt'; readonly at: Place; readonly unmet: Unmet }
  | { readonly kind: 'selected'; readonly at: Place; readonly by: readonly (Place & { readonly symbol: string })[] }
  | {
      readonly kind: 'other-member';
      readonly at: Place;
      /** What the choice is called. */
      readonly choice: string;
      readonly winner: string | undefined;
      readonly members: readonly string[];
    }
  /** Of a choice exactly one member is on: to turn one off, another has to be turned on. */
  | { readonly kind: 'only-member'; readonly at: Place; readonly choice: string; readonly members: readonly string[] }
  | { readonly kind: 'out-of-range'; readonly at: Place; readonly low: string; readonly high: string }
  /** Can only be a module, or not one. */
  | { readonly kind: 'module-only'; readonly at: Place; readonly unmet: Unmet }
  | { readonly kind: 'no-modules'; readonly at: Place; readonly modules: string | undefined }
  /** Nothing keeps it from what was asked for: something else was asked for later. */
  | { readonly kind: 'free'; readonly at: Place }
  | { readonly kind: 'unexplained'; readonly at: Place }
);

export interface Question {
  /** With the prefix of a `.config`. */
  readonly symbol: string;
  readonly wanted: Value;
  /** The final `.config`. */
  readonly actual: DotConfig;
  /** The file whose symbols are kept for old configurations only: `Config.in.legacy`. */
  readonly legacyFile?: string | undefined;
  /** The models of other configurations, to tell a symbol that was given to the wrong one. */
  readonly others?: ReadonlyMap<Namespace, KconfigModel> | undefined;
}

export function explainSymbol(model: KconfigModel, question: Question): Reason {
  return new Explanation(model, question).reason();
}

/** Undefined unless the symbol is defined only for the sake of old configurations. */
export function removedSymbol(model: KconfigModel, symbol: string, legacyFile: string): Reason | undefined {
  const found = model.symbols.get(bareName(model, symbol));
  const definition = found?.definitions.find(({ file }) => file === legacyFile);
  if (definition === undefined || found?.definitions.some(({ file }) => file !== legacyFile)) return undefined;
  const title = found?.prompts[0]?.text ?? '';
  return { kind: 'removed', symbol, at: placeOf(definition), title, help: definition.help ?? '' };
}

class Explanation {
  readonly #model: KconfigModel;
  readonly #question: Question;
  readonly #evaluation: Evaluation;

  constructor(model: KconfigModel, question: Question) {
    this.#model = model;
    this.#question = question;
    this.#evaluation = new Evaluation(model, question.actual);
  }

  reason(): Reason {
    const { symbol: asked, legacyFile, wanted } = this.#question;
    const symbol = this.#model.symbols.get(bareName(this.#model, asked));
    const definition = symbol?.definitions[0];
    if (symbol === undefined || definition === undefined) return this.#undefinedSymbol();
    const removed = legacyFile === undefined ? undefined : removedSymbol(this.#model, asked, legacyFile);
    if (removed !== undefined) return removed;
    const here = { symbol: asked, at: placeOf(definition) };
    if (!suits(wanted, symbol.type)) return { ...here, kind: 'wrong-type', type: symbol.type };
    const visibility = this.#evaluation.visibility(symbol);
    const isSwitch = symbol.type === 'bool' || symbol.type === 'tristate';
    if (isSwitch) {
      const forced = this.#forced(symbol, here, tristateOf(wanted));
      if (forced !== undefined) return forced;
    }
    if (visibility === 0) return this.#invisible(symbol, here);
    const more = isSwitch ? this.#switch(symbol, here, visibility, tristateOf(wanted)) : this.#range(symbol, here);
    return more ?? { ...here, kind: visibility === undefined ? 'unexplained' : 'free' };
  }

  #undefinedSymbol(): Reason {
    const { symbol, others = new Map<Namespace, KconfigModel>() } = this.#question;
    for (const [namespace, model] of others) {
      if (model.symbols.has(bareName(model, symbol))) return { kind: 'other-namespace', symbol, namespace };
    }
    const { prefix, symbols } = this.#model;
    const nearest = nearestNames(bareName(this.#model, symbol), symbols.keys()).map((name) => prefix + name);
    return { kind: 'unknown-symbol', symbol, nearest };
  }

  #forced(symbol: KconfigSymbol, here: Here, wanted: Tristate): Reason | undefined {
    const selected = this.#evaluation.selected(symbol);
    if (selected === undefined || selected <= wanted) return undefined;
    const by = this.#evaluation.selecting(symbol).map((one) => this.#influence(one));
    return { ...here, kind: 'selected', by };
  }

  #invisible(symbol: KconfigSymbol, here: Here): Reason {
    if (symbol.prompts.length === 0) {
      return { ...here, kind: 'not-settable', from: sourcesOf(symbol, this.#evaluation) };
    }
    const dependency = this.#unmet(anyOf(symbol.definitions.map(({ depends }) => depends)), 1);
    // Holds what the symbol depends on, too: all that has to be set is said at once.
    const prompt = this.#unmet(anyOf(symbol.prompts.map(({ condition }) => condition)), 1);
    const unmet = prompt ?? dependency;
    if (unmet === undefined) return { ...here, kind: 'unexplained' };
    return { ...here, kind: dependency === undefined ? 'hidden-prompt' : 'unmet-dependency', unmet };
  }

  #switch(symbol: KconfigSymbol, here: Here, visibility: Tristate | undefined, wanted: Tristate): Reason | undefined {
    const choice = this.#model.choices[symbol.choice ?? -1];
    if (choice !== undefined) {
      const title = choice.prompts[0]?.text ?? '';
      const members = choice.members.map((name) => this.#model.prefix + name);
      const winner = this.#evaluation.winner(choice);
      if (wanted === 0 && winner === symbol.name) return { ...here, kind: 'only-member', choice: title, members };
      if (wanted !== 0 && winner !== undefined && winner !== symbol.name) {
        return { ...here, kind: 'other-member', choice: title, winner: this.#model.prefix + winner, members };
      }
    }
    if (wanted === 1 && symbol.type === 'tristate') {
      const { modules } = this.#model;
      if (modules === undefined || this.#evaluation.tristate(modules) === 0) {
        return { ...here, kind: 'no-modules', modules: modules && this.#model.prefix + modules };
      }
    }
    if (wanted === 2 && visibility === 1) {
      const unmet = this.#unmet(anyOf(symbol.prompts.map(({ condition }) => condition)), 2);
      if (unmet !== undefined) return { ...here, kind: 'module-only', unmet };
    }
    return undefined;
  }

  #range(symbol: KconfigSymbol, here: Here): Reason | undefined {
    const range = this.#evaluation.range(symbol);
    if (range === undefined) return undefined;
    const low = this.#evaluation.text(range.low);
    const high = this.#evaluation.text(range.high);
    if (low === undefined || high === undefined) return undefined;
    const value = numberOf(this.#question.wanted.value, symbol.type);
    const isInside = value >= numberOf(low, symbol.type) && value <= numberOf(high, symbol.type);
    return isInside ? undefined : { ...here, kind: 'out-of-range', low, high };
  }

  #unmet(condition: Condition, level: Tristate): Unmet | undefined {
    const part = condition && unmetPart(condition, this.#evaluation, level);
    return part && { part, leaves: leavesOf(part, this.#evaluation) };
  }

  #influence({ by, file, line }: Influence): Place & { readonly symbol: string } {
    return { symbol: this.#model.prefix + by, file, line };
  }
}

interface Here {
  readonly symbol: string;
  readonly at: Place;
}

function bareName({ prefix }: KconfigModel, symbol: string): string {
  return symbol.startsWith(prefix) ? symbol.slice(prefix.length) : symbol;
}

function placeOf({ file, line }: Definition): Place {
  return { file, line };
}

/** Whether conf takes such a value for the type at all. */
function suits(wanted: Value, type: SymbolType | undefined): boolean {
  switch (type) {
    case undefined:
      return false;
    case 'bool':
      return wanted.kind === 'tristate' && wanted.value !== 'm';
    case 'tristate':
      return wanted.kind === 'tristate';
    case 'string':
      return wanted.kind === 'string';
    case 'int':
      return wanted.kind === 'int' || (wanted.kind === 'string' && /^-?\d+$/.test(wanted.value));
    case 'hex':
      return wanted.kind !== 'tristate' && /^(?:0[xX])?[0-9a-fA-F]+$/.test(wanted.value);
  }
}

function tristateOf(value: Value): Tristate {
  return value.value === 'y' ? 2 : value.value === 'm' ? 1 : 0;
}
