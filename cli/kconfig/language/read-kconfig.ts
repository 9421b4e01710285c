/**
 * Reads a tree of Kconfig files (Documentation/kbuild/kconfig-language.rst) into a model. It is lenient: the tree's own
 * `conf` judges the files, and what cannot be read here is only explained less well.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { KconfigModel, Place, SymbolType } from './model.ts';
import { ModelBuilder } from './model-builder.ts';
import { eachStatement, type Statement } from './statements.ts';
import { Variables } from './variables.ts';
import { type Expand, splitWords, type Word, WordReader } from './words.ts';

export interface KconfigSource {
  /** Absolute; where relative names of sourced files start. */
  readonly tree: string;
  /** The first file, below the tree: `Config.in`, `Kconfig`. */
  readonly file: string;
  /**
   * `symbols`, that of Buildroot, BusyBox and kernels before 4.18: `$NAME` in the name of a sourced file stands for the
   * value of a symbol. `macros`, that of later kernels and of U-Boot: `$(NAME)` stands for a variable, anywhere.
   */
  readonly dialect: 'symbols' | 'macros';
  /** What a `.config` has before each name: `CONFIG_`, or nothing. */
  readonly prefix: string;
  /** The environment that `conf` is given, as far as the files look at it. */
  readonly variables: Readonly<Record<string, string>>;
}

export function readKconfig(source: KconfigSource): KconfigModel {
  const reader = new TreeReader(source);
  reader.readFile(source.file, { file: source.file, line: 1 });
  return reader.model();
}

const TYPES: ReadonlyMap<string, SymbolType> = new Map([
  ['bool', 'bool'],
  ['boolean', 'bool'],
  ['tristate', 'tristate'],
  ['string', 'string'],
  ['int', 'int'],
  ['hex', 'hex'],
]);
const ASSIGNMENT = /^\s*(:=|\+=|=)\s*(.*)$/s;

class TreeReader {
  readonly #source: KconfigSource;
  readonly #variables: Variables;
  readonly #expand: Expand | undefined;
  readonly #builder = new ModelBuilder();
  readonly #unread: KconfigModel['unread'][number][] = [];
  /** Files that are open now, so that one which sources itself is not read for ever. */
  readonly #reading = new Set<string>();

  constructor(source: KconfigSource) {
    this.#source = source;
    this.#variables = new Variables(source.variables);
    this.#expand = source.dialect === 'macros' ? (text) => this.#variables.expand(text) : undefined;
  }

  model(): KconfigModel {
    return { ...this.#builder.model(), prefix: this.#source.prefix, unread: this.#unread };
  }

  /** @param from the statement that names it */
  readFile(file: string, from: Place, isOptional = false): void {
    const path = resolve(this.#source.tree, file);
    if (this.#reading.has(path)) return;
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      if (!isOptional) this.#unread.push({ ...from, source: file });
      return;
    }
    this.#reading.add(path);
    eachStatement(text, (statement) => this.#take(statement, { file, line: statement.line }));
    this.#builder.close();
    this.#reading.delete(path);
  }

  #take({ keyword, rest, help }: Statement, at: Place): void {
    switch (keyword) {
      case 'config':
      case 'menuconfig':
        this.#builder.openConfig(this.#words(rest).text()?.text ?? '', at);
        break;
      case 'choice':
        this.#builder.openChoice(at);
        break;
      case 'menu':
      case 'comment':
        this.#builder.open(keyword, at);
        break;
      case 'if':
        this.#builder.open('if', at);
        this.#builder.depend(this.#words(rest).expression(true));
        break;
      case 'endmenu':
      case 'endchoice':
      case 'endif':
        this.#builder.endBlock();
        break;
      case 'source':
      case 'osource':
      case 'rsource':
      case 'orsource':
        this.#builder.close();
        this.#sourceFiles(keyword, rest, at);
        break;
      case 'mainmenu':
        break;
      case 'help':
        this.#builder.help(help ?? '');
        break;
      default:
        if (this.#expand === undefined || !ASSIGNMENT.test(rest)) this.#option(keyword, this.#words(rest), at);
        else this.#assign(keyword, rest);
    }
  }

  #option(keyword: string, words: WordReader, at: Place): void {
    const builder = this.#builder;
    const type = TYPES.get(keyword);
    if (type !== undefined) {
      builder.type(type);
      this.#prompt(words);
      return;
    }
    switch (keyword) {
      case 'def_bool':
      case 'def_tristate':
        builder.type(keyword === 'def_bool' ? 'bool' : 'tristate');
        builder.default(words.expression(false), words.condition());
        break;
      case 'prompt':
        this.#prompt(words);
        break;
      case 'default':
        builder.default(words.expression(false), words.condition());
        break;
      case 'depends':
      case 'requires':
        words.skip('on');
        builder.depend(words.expression(true));
        break;
      case 'visible':
        builder.visibleIf(words.condition());
        break;
      case 'select':
      case 'enable':
      case 'imply': {
        const target = words.text();
        const kind = keyword === 'imply' ? 'impliedBy' : 'selectedBy';
        if (target?.kind === 'word') {
          builder.influence({ ...at, kind, target: target.text, condition: words.condition() });
        }
        break;
      }
      case 'range':
        builder.range({ low: words.operand(), high: words.operand(), condition: words.condition() });
        break;
      case 'optional':
        builder.optional();
        break;
      case 'modules':
        builder.modules();
        break;
      case 'option':
        this.#symbolOption(words);
        break;
    }
  }

  #prompt(words: WordReader): void {
    const text = words.text();
    if (text !== undefined) this.#builder.prompt(text.text.trim(), words.condition());
  }

  /** `option modules`, and `option env="NAME"`. */
  #symbolOption(words: WordReader): void {
    const name = words.text()?.text;
    if (name === 'modules') this.#builder.modules();
    if (name !== 'env' || !words.skipOperator('=')) return;
    this.#builder.environment(this.#source.variables[words.text()?.text ?? '']);
  }

  #assign(name: string, rest: string): void {
    const [, operator, text = ''] = ASSIGNMENT.exec(rest) ?? [];
    if (operator === ':=' || operator === '=' || operator === '+=') this.#variables.assign(name, operator, text.trim());
  }

  /** With `o`, a file need not be there; with `r`, its name starts at the file that sources it. */
  #sourceFiles(keyword: string, rest: string, at: Place): void {
    const [word] = splitWords(rest, this.#expand);
    const name = word && this.#sourceName(word);
    if (name === undefined) {
      this.#unread.push({ ...at, source: rest.trim() });
      return;
    }
    const file = keyword.includes('rs') ? join(dirname(at.file), name) : name;
    const isPattern = /[*?[]/.test(file);
    const files = isPattern ? globSync(file, { cwd: this.#source.tree }).sort() : [file];
    for (const one of files) this.readFile(one, at, keyword.startsWith('o'));
  }

  #sourceName({ kind, text }: Word): string | undefined {
    if (kind === 'unknown') return undefined;
    if (this.#expand !== undefined) return text;
    return text.replace(/\$([A-Za-z0-9_]*)/g, (_, name: string) => this.#builder.textSoFar(name));
  }

  #words(rest: string): WordReader {
    return new WordReader(splitWords(rest, this.#expand));
  }
}
