/**
 * What a kernel's Kconfig files say about symbols: that they exist, and what they depend on, with the conditions of the
 * menus and files around them. Read only to explain why a symbol that was asked for is not in the final configuration.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KconfigEntry {
  /** `fs/ext4/Kconfig`, below the source. */
  readonly file: string;
  readonly line: number;
  /** Conditions as written; each must hold. */
  readonly depends: readonly string[];
}

/** Symbols with their prefix; a symbol may be defined in several places. */
export type KconfigIndex = ReadonlyMap<string, readonly KconfigEntry[]>;

/** @param architecture the kernel's name of it: `x86`, `arm64` */
export function readKconfigIndex(source: string, architecture: string): KconfigIndex {
  const index = new Map<string, KconfigEntry[]>();
  new Reader(source, architecture, index).read('Kconfig', []);
  return index;
}

/** A menu, choice or `if`, whose conditions hold for all inside. */
interface Block {
  readonly conditions: string[];
}

const STATEMENT =
  /^(\s*)(config|menuconfig|comment|choice|endchoice|menu|endmenu|if|endif|source|depends on|help|---help---)(?:\s+(.*))?$/;

class Reader {
  readonly #source: string;
  readonly #architecture: string;
  readonly #index: Map<string, KconfigEntry[]>;

  constructor(source: string, architecture: string, index: Map<string, KconfigEntry[]>) {
    this.#source = source;
    this.#architecture = architecture;
    this.#index = index;
  }

  read(file: string, around: readonly Block[]): void {
    const blocks = [...around];
    /** What a `depends on` belongs to. */
    let current: Block | undefined;
    const open = (conditions: string[]): void => {
      current = { conditions };
      blocks.push(current);
    };
    for (const { number, text } of statements(this.#text(file))) {
      const [, , word, rest = ''] = STATEMENT.exec(text) ?? [];
      switch (word) {
        case 'config':
        case 'menuconfig':
          current = { conditions: [] };
          this.#add(rest.trim(), file, number, [...blocks, current]);
          break;
        case 'comment':
          current = { conditions: [] };
          break;
        case 'menu':
        case 'choice':
          open([]);
          break;
        case 'if':
          open([rest.trim()]);
          break;
        case 'endmenu':
        case 'endchoice':
        case 'endif':
          blocks.pop();
          current = undefined;
          break;
        case 'source':
          this.read(this.#sourced(rest), blocks);
          current = undefined;
          break;
        case 'depends on':
          current?.conditions.push(rest.trim());
          break;
      }
    }
  }

  #add(name: string, file: string, line: number, blocks: readonly Block[]): void {
    const symbol = `CONFIG_${name}`;
    const entry: KconfigEntry = {
      file,
      line,
      // Looked up late: the conditions of this symbol are on the lines that follow.
      get depends() {
        return [...new Set(blocks.flatMap(({ conditions }) => conditions))];
      },
    };
    this.#index.set(symbol, [...(this.#index.get(symbol) ?? []), entry]);
  }

  #sourced(rest: string): string {
    return rest.trim().replaceAll('"', '').replaceAll('$(SRCARCH)', this.#architecture);
  }

  #text(file: string): string {
    try {
      return readFileSync(join(this.#source, file), 'utf8');
    } catch {
      // Named by a variable that we do not know: its symbols are then explained less well.
      return '';
    }
  }
}

/** Lines with their continuations, without texts of help; numbers are those of the first line of each, from 1. */
function* statements(text: string): Generator<{ readonly number: number; readonly text: string }> {
  let joined = '';
  let first = 0;
  /** Where help texts are indented: undefined outside, -1 before the first line of one. */
  let help: number | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (help !== undefined) {
      if (line.trim() === '') continue;
      const indent = indentation(line);
      if (help === -1 && indent > 0) help = indent;
      if (help > 0 && indent >= help) continue;
      help = undefined;
    }
    if (joined === '') first = index + 1;
    joined += joined === '' ? line : ` ${line.trim()}`;
    if (joined.endsWith('\\')) {
      joined = joined.slice(0, -1).trimEnd();
      continue;
    }
    if (/^\s*(?:---)?help(?:---)?\s*$/.test(joined)) help = -1;
    else yield { number: first, text: joined };
    joined = '';
  }
}

/** As Kconfig counts it: a tab goes to the next multiple of eight. */
function indentation(line: string): number {
  let column = 0;
  for (const letter of line) {
    if (letter === '\t') column += 8 - (column % 8);
    else if (letter === ' ') column++;
    else break;
  }
  return column;
}

/**
 * One sentence for each definition, or undefined if the source does not have the symbol.
 *
 * @param isOff whether a symbol is off in the final configuration
 */
export function explainSymbol(
  index: KconfigIndex,
  symbol: string,
  isOff: (symbol: string) => boolean,
): string | undefined {
  const said = index.get(symbol)?.map(({ file, line, depends }) => {
    const conditions = depends.length === 0 ? 'has no condition' : `depends on ${depends.map(bracket).join(' and ')}`;
    const off = depends.filter((condition) => /^\w+$/.test(condition) && isOff(`CONFIG_${condition}`));
    const unmet = off.length === 0 ? '' : `; ${off.join(' and ')} ${off.length === 1 ? 'is' : 'are'} off`;
    return `${file}:${line}: ${symbol} ${conditions}${unmet}`;
  });
  return said?.join('\n');
}

function bracket(condition: string): string {
  return /^[\w!]+$/.test(condition) ? condition : `(${condition})`;
}
