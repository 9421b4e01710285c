/**
 * Reads a tree of Kconfig files (Documentation/kbuild/kconfig-language.rst) into a model. It is lenient: the tree's own
 * `conf` judges the files, and what cannot be read here is only explained less well.
 *
 * Of the two dialects, `symbols` is that of Buildroot, BusyBox and kernels before 4.18: `$NAME` in the name of a sourced
 * file stands for the value of a symbol. `macros` is that of later kernels and of U-Boot: `$(NAME)` stands for a variable,
 * anywhere.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { allOf, anyOf, type Condition, dependsOn } from './expression.ts';
import type {
  Default,
  Definition,
  Influence,
  KconfigChoice,
  KconfigModel,
  KconfigSymbol,
  Place,
  Prompt,
  Range,
  SymbolType,
} from './model.ts';
import { eachStatement, type Statement } from './statements.ts';
import { Variables } from './variables.ts';
import { splitWords, type Word, WordReader } from './words.ts';

export interface KconfigSource {
  /** Absolute; where relative names of sourced files start. */
  readonly tree: string;
  /** The first file, below the tree: `Config.in`, `Kconfig`. */
  readonly file: string;
  readonly dialect: 'symbols' | 'macros';
  /** What a `.config` has before each name: `CONFIG_`, or nothing. */
  readonly prefix: string;
  /** The environment that `conf` is given, as far as the files look at it. */
  readonly variables: Readonly<Record<string, string>>;
}

export function readKconfig(source: KconfigSource): KconfigModel {
  const reader = new TreeReader(source);
  reader.readFile(source.file);
  return reader.model();
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
type GrowingSymbol = Mutable<KconfigSymbol>;
type GrowingChoice = Mutable<Omit<KconfigChoice, 'type'>> & { type: KconfigChoice['type'] | undefined };

/** What an entry says, kept until its end: its `depends on` may come after what it applies to. */
interface Entry {
  readonly kind: 'config' | 'choice' | 'menu' | 'if' | 'comment';
  readonly at: Place;
  readonly symbol: GrowingSymbol | undefined;
  readonly choice: number | undefined;
  depends: Condition;
  visible: Condition;
  help: string | undefined;
  readonly prompts: Mutable<Prompt>[];
  readonly defaults: Mutable<Default>[];
  readonly ranges: Mutable<Range>[];
  readonly influences: (Place & { kind: 'selectedBy' | 'impliedBy'; target: string; condition: Condition })[];
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

const TYPES: Readonly<Record<string, SymbolType>> = {
  bool: 'bool',
  boolean: 'bool',
  tristate: 'tristate',
  string: 'string',
  int: 'int',
  hex: 'hex',
};
const ASSIGNMENT = /^\s*(:=|\+=|=)\s*(.*)$/s;

class TreeReader {
  readonly #source: KconfigSource;
  readonly #variables: Variables;
  readonly #expand: ((text: string) => string | undefined) | undefined;
  readonly #symbols = new Map<string, GrowingSymbol>();
  readonly #choices: GrowingChoice[] = [];
  readonly #influences = new Map<string, { selectedBy: Influence[]; impliedBy: Influence[] }>();
  readonly #unread: KconfigModel['unread'][number][] = [];
  readonly #reading = new Set<string>();
  #modules: string | undefined;
  #blocks: Block[] = [{ depends: undefined, visible: undefined, choice: undefined }];
  #entry: Entry | undefined;

  constructor(source: KconfigSource) {
    this.#source = source;
    this.#variables = new Variables(source.variables);
    this.#expand = source.dialect === 'macros' ? (text) => this.#variables.expand(text) : undefined;
  }

  readFile(file: string, from?: Place): void {
    const path = resolve(this.#source.tree, file);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      this.#unread.push({ file: from?.file ?? file, line: from?.line ?? 1, source: file });
      return;
    }
    if (this.#reading.has(path)) return;
    this.#reading.add(path);
    const depth = this.#blocks.length;
    eachStatement(text, (statement) => this.#take(statement, file));
    this.#close();
    this.#blocks.length = Math.min(depth, this.#blocks.length);
    this.#reading.delete(path);
  }

  model(): KconfigModel {
    for (const [name, { selectedBy, impliedBy }] of this.#influences) {
      const symbol = this.#symbols.get(name);
      symbol?.selectedBy.push(...selectedBy);
      symbol?.impliedBy.push(...impliedBy);
    }
    return {
      prefix: this.#source.prefix,
      symbols: this.#symbols,
      choices: this.#choices.map((choice) => this.#typed(choice)),
      modules: this.#modules,
      unread: this.#unread,
    };
  }

  /** A choice and its members have one type, wherever it is said. */
  #typed(choice: GrowingChoice): KconfigChoice {
    const members = choice.members.flatMap((name) => this.#symbols.get(name) ?? []);
    const first = members.find(({ type }) => type !== undefined)?.type;
    const type = choice.type ?? (first === 'tristate' ? 'tristate' : 'bool');
    for (const member of members) member.type ??= type;
    return { ...choice, type };
  }

  #take({ keyword, rest, line, help }: Statement, file: string): void {
    switch (keyword) {
      case 'config':
      case 'menuconfig':
        this.#openConfig(rest, { file, line });
        break;
      case 'choice':
        this.#openChoice({ file, line });
        break;
      case 'menu':
      case 'comment':
        this.#open({ kind: keyword, at: { file, line } });
        break;
      case 'if':
        this.#open({ kind: 'if', at: { file, line } });
        this.#depend(this.#words(rest).expression(true));
        break;
      case 'endmenu':
      case 'endchoice':
      case 'endif':
        this.#close();
        if (this.#blocks.length > 1) this.#blocks.pop();
        break;
      case 'source':
      case 'osource':
      case 'rsource':
      case 'orsource':
        this.#close();
        this.#sourceFiles(keyword, rest, { file, line });
        break;
      case 'mainmenu':
        break;
      case 'help':
        if (this.#entry !== undefined) this.#entry.help = help;
        break;
      default:
        if (!this.#option(keyword, rest, { file, line })) this.#assignment(keyword, rest);
    }
  }

  #openConfig(rest: string, at: Place): void {
    const name = this.#words(rest).text()?.text;
    if (name === undefined) {
      this.#close();
      return;
    }
    let symbol = this.#symbols.get(name);
    if (symbol === undefined) {
      symbol = {
        name,
        type: undefined,
        definitions: [],
        prompts: [],
        defaults: [],
        ranges: [],
        selectedBy: [],
        impliedBy: [],
        environment: false,
        choice: undefined,
      };
      this.#symbols.set(name, symbol);
    }
    this.#open({ kind: 'config', at, symbol });
  }

  #openChoice(at: Place): void {
    const index = this.#choices.length;
    this.#close();
    this.#choices.push({ ...at, type: undefined, optional: false, prompts: [], members: [], defaults: [] });
    this.#open({ kind: 'choice', at, choice: index });
  }

  #open(entry: Pick<Entry, 'kind' | 'at'> & Partial<Pick<Entry, 'symbol' | 'choice'>>): void {
    this.#close();
    this.#entry = {
      symbol: undefined,
      choice: undefined,
      depends: undefined,
      visible: undefined,
      help: undefined,
      prompts: [],
      defaults: [],
      ranges: [],
      influences: [],
      ...entry,
    };
  }

  /** Ends what was open: a symbol is complete now, and a menu, choice or `if` is around what follows. */
  #close(): void {
    const entry = this.#entry;
    const around = this.#blocks.at(-1);
    if (entry === undefined || around === undefined) return;
    this.#entry = undefined;
    const depends = allOf(around.depends, entry.depends);
    for (const prompt of entry.prompts) prompt.condition = allOf(depends, prompt.condition, around.visible);
    for (const value of entry.defaults) value.condition = allOf(depends, value.condition);
    switch (entry.kind) {
      case 'config':
        if (entry.symbol !== undefined) this.#addDefinition(entry, entry.symbol, depends, around);
        break;
      case 'choice': {
        const index = entry.choice ?? 0;
        const choice = this.#choices[index];
        choice?.prompts.push(...entry.prompts);
        choice?.defaults.push(...entry.defaults);
        this.#blocks.push({
          depends: { kind: 'choice', choice: index },
          visible: around.visible,
          choice: { index, last: undefined },
        });
        break;
      }
      case 'menu':
        this.#blocks.push({ depends, visible: allOf(around.visible, entry.visible), choice: undefined });
        break;
      case 'if':
        this.#blocks.push({ depends, visible: around.visible, choice: around.choice });
        break;
      case 'comment':
        break;
    }
  }

  #addDefinition(entry: Entry, symbol: GrowingSymbol, depends: Condition, around: Block): void {
    const definition: Definition = { ...entry.at, depends, help: entry.help };
    symbol.definitions.push(definition);
    symbol.prompts.push(...entry.prompts);
    symbol.defaults.push(...entry.defaults);
    for (const range of entry.ranges) symbol.ranges.push({ ...range, condition: allOf(depends, range.condition) });
    for (const { kind, target, condition, file, line } of entry.influences) {
      let influences = this.#influences.get(target);
      if (influences === undefined) {
        influences = { selectedBy: [], impliedBy: [] };
        this.#influences.set(target, influences);
      }
      influences[kind].push({ by: symbol.name, condition: allOf(depends, condition), file, line });
    }
    if (around.choice !== undefined) this.#addMember(symbol, around.choice, placed(entry, depends));
  }

  /** What depends on the member before it is in a menu below that, and not a member itself. */
  #addMember(symbol: GrowingSymbol, choice: NonNullable<Block['choice']>, condition: Condition): void {
    if (choice.last !== undefined && dependsOn(condition, choice.last)) return;
    choice.last = symbol.name;
    if (symbol.choice !== undefined) return;
    symbol.choice = choice.index;
    this.#choices[choice.index]?.members.push(symbol.name);
  }

  /** @returns whether it is an option that entries can have */
  #option(keyword: string, rest: string, at: Place): boolean {
    const entry = this.#entry;
    const type = TYPES[keyword];
    if (type !== undefined) {
      this.#type(type);
      this.#prompt(rest);
      return true;
    }
    switch (keyword) {
      case 'def_bool':
      case 'def_tristate':
        this.#type(keyword === 'def_bool' ? 'bool' : 'tristate');
        this.#default(rest);
        return true;
      case 'prompt':
        this.#prompt(rest);
        return true;
      case 'default':
        if (ASSIGNMENT.test(rest)) return false;
        this.#default(rest);
        return true;
      case 'depends':
      case 'requires': {
        const words = this.#words(rest);
        words.skip('on');
        this.#depend(words.expression(true));
        return true;
      }
      case 'visible':
        if (entry !== undefined) entry.visible = allOf(entry.visible, this.#words(rest).condition());
        return true;
      case 'select':
      case 'enable':
      case 'imply': {
        const words = this.#words(rest);
        const target = words.text();
        const kind = keyword === 'imply' ? 'impliedBy' : 'selectedBy';
        if (target?.kind === 'word') {
          entry?.influences.push({ ...at, kind, target: target.text, condition: words.condition() });
        }
        return true;
      }
      case 'range': {
        const words = this.#words(rest);
        entry?.ranges.push({ low: words.operand(), high: words.operand(), condition: words.condition() });
        return true;
      }
      case 'optional': {
        const choice = this.#choices[entry?.choice ?? -1];
        if (choice !== undefined) choice.optional = true;
        return true;
      }
      case 'modules':
        this.#modules ??= entry?.symbol?.name;
        return true;
      case 'option':
        this.#symbolOption(rest);
        return true;
      default:
        return false;
    }
  }

  #type(type: SymbolType): void {
    if (this.#entry?.symbol !== undefined) this.#entry.symbol.type ??= type;
    const choice = this.#choices[this.#entry?.choice ?? -1];
    if (choice !== undefined && (type === 'bool' || type === 'tristate')) choice.type ??= type;
  }

  #prompt(rest: string): void {
    const words = this.#words(rest);
    const text = words.text();
    if (text !== undefined) this.#entry?.prompts.push({ text: text.text.trim(), condition: words.condition() });
  }

  #default(rest: string): void {
    const words = this.#words(rest);
    this.#entry?.defaults.push({ value: words.expression(false), condition: words.condition() });
  }

  #depend(condition: Condition): void {
    if (this.#entry !== undefined) this.#entry.depends = allOf(this.#entry.depends, condition);
  }

  #symbolOption(rest: string): void {
    const words = this.#words(rest);
    const name = words.text()?.text;
    const symbol = this.#entry?.symbol;
    if (symbol === undefined) return;
    if (name === 'modules') this.#modules ??= symbol.name;
    if (name !== 'env') return;
    const variable = words.skipOperator('=') ? words.text()?.text : undefined;
    const value = this.#source.variables[variable ?? ''];
    symbol.environment = true;
    // Unlike other defaults, it does not depend on what is around.
    if (value !== undefined) symbol.defaults.push({ value: { kind: 'constant', text: value }, condition: undefined });
  }

  #assignment(name: string, rest: string): void {
    if (this.#expand === undefined || name === '') return;
    const [, operator, text = ''] = ASSIGNMENT.exec(rest) ?? [];
    if (operator === ':=' || operator === '=' || operator === '+=') this.#variables.assign(name, operator, text.trim());
  }

  #sourceFiles(keyword: string, rest: string, at: Place): void {
    const [word] = splitWords(rest, this.#expand);
    const name = word === undefined ? undefined : this.#sourceName(word);
    if (name === undefined) {
      this.#unread.push({ ...at, source: rest.trim() });
      return;
    }
    const isRelative = keyword === 'rsource' || keyword === 'orsource';
    const file = isRelative ? join(dirname(at.file), name) : name;
    if (!/[*?[]/.test(file)) {
      const optional = keyword.startsWith('o');
      const before = this.#unread.length;
      this.readFile(file, at);
      if (optional) this.#unread.length = before;
      return;
    }
    for (const found of globSync(file, { cwd: this.#source.tree }).sort()) {
      this.readFile(file.startsWith('/') ? found : relative('', found), at);
    }
  }

  #sourceName({ kind, text }: Word): string | undefined {
    if (kind === 'unknown' || this.#expand !== undefined) return kind === 'unknown' ? undefined : text;
    return text.replace(/\$([A-Za-z0-9_]*)/g, (_, name: string) => this.#symbolText(name));
  }

  /** As conf expands it while it reads: from what is known of the symbol so far. */
  #symbolText(name: string): string {
    const value = this.#symbols.get(name)?.defaults[0]?.value;
    return value?.kind === 'constant' ? value.text : '';
  }

  #words(rest: string): WordReader {
    return new WordReader(splitWords(rest, this.#expand));
  }
}

/** The condition that says below which entry another is shown. */
function placed(entry: Entry, depends: Condition): Condition {
  return entry.prompts.length === 0 ? depends : anyOf(entry.prompts.map(({ condition }) => condition));
}
