/**
 * What a kernel's Kconfig files say about symbols: that they exist, and what they depend on. Read only to explain why a
 * symbol that was asked for is not in the final configuration.
 */
import { readdirSync, readFileSync } from 'node:fs';
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

/** @param architecture the kernel's name of it (`x86`, `arm64`); other architectures are left out */
export function readKconfigIndex(source: string, architecture: string): KconfigIndex {
  const index = new Map<string, KconfigEntry[]>();
  for (const file of kconfigFiles(source, '', architecture)) readFile(source, file, index);
  return index;
}

function readFile(source: string, file: string, index: Map<string, KconfigEntry[]>): void {
  const conditions: string[] = [];
  let current: { depends: string[] } | undefined;
  for (const { number, text } of logicalLines(readFileSync(join(source, file), 'utf8'))) {
    const [, word, rest = ''] =
      /^\s*(config|menuconfig|choice|menu|if|endif|depends on|help)\b\s*(.*)$/.exec(text) ?? [];
    if (word === 'config' || word === 'menuconfig') {
      const depends = [...conditions];
      current = { depends };
      const symbol = `CONFIG_${rest.trim()}`;
      index.set(symbol, [...(index.get(symbol) ?? []), { file, line: number, depends }]);
    } else if (word === 'depends on') {
      current?.depends.push(rest.trim());
    } else if (word === 'if') {
      conditions.push(rest.trim());
    } else if (word === 'endif') {
      conditions.pop();
    } else if (word === 'menu' || word === 'choice' || word === 'help') {
      // Texts of help may hold lines that look like statements; those of menus are not the symbol's own.
      current = undefined;
    }
  }
}

/** Lines with their continuations; numbers are those of the first line of each, from 1. */
function* logicalLines(text: string): Generator<{ readonly number: number; readonly text: string }> {
  let joined = '';
  let first = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (joined === '') first = index + 1;
    joined += joined === '' ? line : ` ${line.trim()}`;
    if (joined.endsWith('\\')) {
      joined = joined.slice(0, -1).trimEnd();
      continue;
    }
    yield { number: first, text: joined };
    joined = '';
  }
}

function* kconfigFiles(source: string, below: string, architecture: string): Generator<string> {
  for (const entry of readdirSync(join(source, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const foreign = below === 'arch' && entry.isDirectory() && entry.name !== architecture;
    if (entry.isDirectory() && !foreign && !path.startsWith('.')) yield* kconfigFiles(source, path, architecture);
    else if (entry.isFile() && entry.name.startsWith('Kconfig')) yield path;
  }
}

/** One sentence, or undefined if the source does not have the symbol. */
export function explainSymbol(index: KconfigIndex, symbol: string): string | undefined {
  const entries = index.get(symbol);
  if (entries === undefined) return undefined;
  const said = entries.map(({ file, line, depends }) => {
    const conditions = depends.length === 0 ? 'has no condition' : `depends on ${depends.map(bracket).join(' and ')}`;
    return `${file}:${line}: ${symbol} ${conditions}`;
  });
  return said.join('\n');
}

function bracket(condition: string): string {
  return /^[\w!]+$/.test(condition) ? condition : `(${condition})`;
}
