/**
 * Makes a model of entries in the order of the files. An entry is complete only when the next one starts, since its
 * `depends on` may come after what it applies to; then it gets the conditions of all that is around it.
 */
import { allOf, anyOf, type Condition, dependsOn, type Expression } from './expression.ts';
import type {
  Default,
  Influence,
  KconfigChoice,
  KconfigModel,
  KconfigSymbol,
  Place,
  Prompt,
  Range,
  SymbolType,
} from './model.ts';

type Growing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
type GrowingSymbol = Growing<KconfigSymbol>;
type GrowingChoice = Growing<Omit<KconfigChoice, 'type'>> & { type: KconfigChoice['type'] | undefined };

/** What an entry says, with conditions as they are written there. */
interface Entry {
  readonly kind: 'config' | 'choice' | 'menu' | 'if' | 'comment';
  readonly at: Place;
  readonly symbol: GrowingSymbol | undefined;
  readonly choice: number | undefined;
  depends: Condition;
  visible: Condition;
  help: string | undefined;
  readonly prompts: Prompt[];
  readonly defaults: Default[];
  readonly ranges: Range[];
  readonly influences: EntryInfluence[];
}

interface EntryInfluence extends Place {
  readonly kind: 'selectedBy' | 'impliedBy';
  readonly target: string;
  readonly condition: Condition;
}

/** What is around an entry. */
interface Block {
  /** What all inside depends on. */
  readonly depends: Condition;
  /** The `visible if` of all menus around. */
  readonly visible: Condition;
  /** The choice whose members are inside, and the member that came last. */
  readonly choice: { readonly index: number; last: string | undefined } | undefined;
}

export class ModelBuilder {
  readonly #symbols = new Map<string, GrowingSymbol>();
  readonly #choices: GrowingChoice[] = [];
  /** By the symbol that is turned on, which may be defined later, or never. */
  readonly #influences = new Map<string, { selectedBy: Influence[]; impliedBy: Influence[] }>();
  readonly #blocks: Block[] = [{ depends: undefined, visible: undefined, choice: undefined }];
  #modules: string | undefined;
  #entry: Entry | undefined;

  model(): Omit<KconfigModel, 'prefix' | 'unread'> {
    this.close();
    for (const [name, { selectedBy, impliedBy }] of this.#influences) {
      const symbol = this.#symbols.get(name);
      symbol?.selectedBy.push(...selectedBy);
      symbol?.impliedBy.push(...impliedBy);
    }
    const choices = this.#choices.map((choice) => this.#typed(choice));
    return { symbols: this.#symbols, choices, modules: this.#modules };
  }

  openConfig(name: string, at: Place): void {
    let symbol = this.#symbols.get(name);
    if (symbol === undefined) {
      symbol = emptySymbol(name);
      this.#symbols.set(name, symbol);
    }
    this.#open('config', at, symbol, undefined);
  }

  openChoice(at: Place): void {
    this.#open('choice', at, undefined, this.#choices.length);
    this.#choices.push({ ...at, type: undefined, optional: false, prompts: [], members: [], defaults: [] });
  }

  open(kind: 'menu' | 'if' | 'comment', at: Place): void {
    this.#open(kind, at, undefined, undefined);
  }

  /** Ends the entry that is open: a symbol is complete now; a menu, choice or `if` is around what follows. */
  close(): void {
    const entry = this.#entry;
    const around = this.#blocks.at(-1);
    if (entry === undefined || around === undefined) return;
    this.#entry = undefined;
    const depends = allOf(around.depends, entry.depends);
    const { visible } = around;
    switch (entry.kind) {
      case 'config':
        if (entry.symbol !== undefined) this.#define(entry.symbol, entry, depends, around);
        break;
      case 'choice': {
        const index = entry.choice ?? 0;
        const choice = this.#choices[index];
        choice?.prompts.push(...promptsOf(entry, depends, visible));
        choice?.defaults.push(...conditional(entry.defaults, depends));
        const member = { index, last: undefined };
        this.#blocks.push({ depends: { kind: 'choice', choice: index }, visible, choice: member });
        break;
      }
      case 'menu':
        this.#blocks.push({ depends, visible: allOf(visible, entry.visible), choice: undefined });
        break;
      case 'if':
        this.#blocks.push({ depends, visible, choice: around.choice });
        break;
      case 'comment':
        break;
    }
  }

  /** Ends the menu, choice or `if` that is around. */
  endBlock(): void {
    this.close();
    if (this.#blocks.length > 1) this.#blocks.pop();
  }

  type(type: SymbolType): void {
    if (this.#entry?.symbol !== undefined) this.#entry.symbol.type ??= type;
    const choice = this.#choices[this.#entry?.choice ?? -1];
    if (choice !== undefined && (type === 'bool' || type === 'tristate')) choice.type ??= type;
  }

  prompt(text: string, condition: Condition): void {
    this.#entry?.prompts.push({ text, condition });
  }

  default(value: Expression, condition: Condition): void {
    this.#entry?.defaults.push({ value, condition });
  }

  range(range: Range): void {
    this.#entry?.ranges.push(range);
  }

  influence(influence: EntryInfluence): void {
    this.#entry?.influences.push(influence);
  }

  depend(condition: Condition): void {
    if (this.#entry !== undefined) this.#entry.depends = allOf(this.#entry.depends, condition);
  }

  visibleIf(condition: Condition): void {
    if (this.#entry !== undefined) this.#entry.visible = allOf(this.#entry.visible, condition);
  }

  help(text: string): void {
    if (this.#entry !== undefined) this.#entry.help = text;
  }

  optional(): void {
    const choice = this.#choices[this.#entry?.choice ?? -1];
    if (choice !== undefined) choice.optional = true;
  }

  modules(): void {
    this.#modules ??= this.#entry?.symbol?.name;
  }

  /** @param value of the variable, if it has one */
  environment(value: string | undefined): void {
    const symbol = this.#entry?.symbol;
    if (symbol === undefined) return;
    symbol.environment = true;
    // Unlike other defaults, it does not depend on what is around.
    if (value !== undefined) symbol.defaults.push({ value: { kind: 'constant', text: value }, condition: undefined });
  }

  /** What conf takes for the symbol while it reads; empty if that is nothing yet. */
  textSoFar(name: string): string {
    this.close();
    const value = this.#symbols.get(name)?.defaults[0]?.value;
    return value?.kind === 'constant' ? value.text : '';
  }

  #open(kind: Entry['kind'], at: Place, symbol: GrowingSymbol | undefined, choice: number | undefined): void {
    this.close();
    const nothing = { depends: undefined, visible: undefined, help: undefined };
    this.#entry = { kind, at, symbol, choice, ...nothing, prompts: [], defaults: [], ranges: [], influences: [] };
  }

  #define(symbol: GrowingSymbol, entry: Entry, depends: Condition, around: Block): void {
    const prompts = promptsOf(entry, depends, around.visible);
    symbol.definitions.push({ ...entry.at, depends, help: entry.help });
    symbol.prompts.push(...prompts);
    symbol.defaults.push(...conditional(entry.defaults, depends));
    symbol.ranges.push(...conditional(entry.ranges, depends));
    for (const { kind, target, condition, file, line } of entry.influences) {
      let influences = this.#influences.get(target);
      if (influences === undefined) {
        influences = { selectedBy: [], impliedBy: [] };
        this.#influences.set(target, influences);
      }
      influences[kind].push({ by: symbol.name, condition: allOf(depends, condition), file, line });
    }
    if (around.choice !== undefined) {
      const shown = prompts.length === 0 ? depends : anyOf(prompts.map(({ condition }) => condition));
      this.#addMember(symbol, around.choice, shown);
    }
  }

  /** What depends on the member before it is in a menu below that one, and not a member itself. */
  #addMember(symbol: GrowingSymbol, choice: NonNullable<Block['choice']>, shown: Condition): void {
    if (choice.last !== undefined && dependsOn(shown, choice.last)) return;
    choice.last = symbol.name;
    if (symbol.choice !== undefined) return;
    symbol.choice = choice.index;
    this.#choices[choice.index]?.members.push(symbol.name);
  }

  /** A choice and its members have one type, wherever it is said. */
  #typed(choice: GrowingChoice): KconfigChoice {
    const members = choice.members.flatMap((name) => this.#symbols.get(name) ?? []);
    const first = members.find((member) => member.type !== undefined)?.type;
    const type = choice.type ?? (first === 'tristate' ? 'tristate' : 'bool');
    for (const member of members) member.type ??= type;
    return { ...choice, type };
  }
}

function emptySymbol(name: string): GrowingSymbol {
  const lists = { definitions: [], prompts: [], defaults: [], ranges: [], selectedBy: [], impliedBy: [] };
  return { name, type: undefined, environment: false, choice: undefined, ...lists };
}

function promptsOf({ prompts }: Entry, depends: Condition, visible: Condition): readonly Prompt[] {
  return prompts.map(({ text, condition }) => ({ text, condition: allOf(depends, condition, visible) }));
}

function conditional<T extends { readonly condition: Condition }>(
  values: readonly T[],
  depends: Condition,
): readonly T[] {
  return values.map((value) => ({ ...value, condition: allOf(depends, value.condition) }));
}
