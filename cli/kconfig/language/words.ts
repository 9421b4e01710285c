/** Splits what follows the keyword of a Kconfig statement into words, quoted texts and operators, as conf's own lexer does. */
import type { Comparison, Expression, Operand } from './expression.ts';
import { closingBracket } from './variables.ts';

export interface Word {
  readonly kind: 'word' | 'quoted' | 'operator' | 'unknown';
  /** Without quotes and escapes. */
  readonly text: string;
}

/** Gives undefined for a text whose macros have no known result. */
export type Expand = (text: string) => string | undefined;

const PLAIN = /[A-Za-z0-9_\-/.]+/y;
const OPERATOR = /&&|\|\||!=|<=|>=|[()!=<>]/y;

/** @param expand for the dialect that has macros; without, `$` means nothing */
export function splitWords(text: string, expand: Expand | undefined): readonly Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < text.length) {
    const letter = text[at];
    if (letter === '#') break;
    if (letter === '"' || letter === "'") {
      const end = closingQuote(text, at);
      const quoted = text.slice(at + 1, end);
      words.push(expanded('quoted', quoted.includes('\\') ? quoted.replace(/\\(.)/g, '$1') : quoted, expand));
      at = end + 1;
      continue;
    }
    const end = wordEnd(text, at, expand !== undefined);
    if (end > at) {
      words.push(expanded('word', text.slice(at, end), expand));
      at = end;
      continue;
    }
    OPERATOR.lastIndex = at;
    const operator = OPERATOR.exec(text)?.[0];
    if (operator !== undefined) words.push({ kind: 'operator', text: operator });
    // Blanks, and characters that conf warns of and ignores.
    at += operator?.length ?? 1;
  }
  return words;
}

function expanded(kind: 'word' | 'quoted', text: string, expand: Expand | undefined): Word {
  if (expand === undefined || !text.includes('$(')) return { kind, text };
  const value = expand(text);
  return value === undefined ? { kind: 'unknown', text } : { kind, text: value };
}

function closingQuote(text: string, open: number): number {
  let at = open + 1;
  while (at < text.length && text[at] !== text[open]) at += text[at] === '\\' ? 2 : 1;
  return at;
}

function wordEnd(text: string, start: number, macros: boolean): number {
  let at = start;
  for (;;) {
    PLAIN.lastIndex = at;
    at += PLAIN.exec(text)?.[0].length ?? 0;
    if (!macros || text[at] !== '$' || text[at + 1] !== '(') return at;
    at = Math.min(text.length, closingBracket(text, at + 1) + 1);
  }
}

const COMPARISONS: ReadonlySet<string> = new Set<Comparison>(['=', '!=', '<', '<=', '>', '>=']);

/** Reads words one after the other, as far as they make sense; conf itself has refused the tree if they do not. */
export class WordReader {
  readonly #words: readonly Word[];
  #at = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  /** A prompt or a file; undefined at the end, or if an `if` or an operator is next. */
  text(): Word | undefined {
    const word = this.#words[this.#at];
    if (word === undefined || word.kind === 'operator' || isKeyword(word, 'if')) return undefined;
    this.#at++;
    return word;
  }

  skip(keyword: string): boolean {
    if (!isKeyword(this.#words[this.#at], keyword)) return false;
    this.#at++;
    return true;
  }

  skipOperator(text: string): boolean {
    const word = this.#words[this.#at];
    if (word?.kind !== 'operator' || word.text !== text) return false;
    this.#at++;
    return true;
  }

  /** The condition behind an `if`; undefined if there is none. */
  condition(): Expression | undefined {
    return this.skip('if') ? this.expression(true) : undefined;
  }

  /** @param isCondition whether a bare `m` depends on modules being there, which it does not in the value of a `default` */
  expression(isCondition: boolean): Expression {
    return this.#joined('or', '||', () => this.#joined('and', '&&', () => this.#unary(isCondition)));
  }

  operand(): Operand {
    const word = this.#words[this.#at++];
    if (word === undefined) return { kind: 'constant', text: '' };
    if (word.kind === 'unknown') return { kind: 'unknown', text: word.text };
    const isConstant = word.kind === 'quoted' || word.text === 'y' || word.text === 'm' || word.text === 'n';
    return isConstant ? { kind: 'constant', text: word.text } : { kind: 'symbol', name: word.text };
  }

  #joined(kind: 'and' | 'or', operator: string, read: () => Expression): Expression {
    const operands = [read()];
    while (this.skipOperator(operator)) operands.push(read());
    return operands.length === 1 && operands[0] !== undefined ? operands[0] : { kind, operands };
  }

  #unary(isCondition: boolean): Expression {
    if (this.skipOperator('!')) return { kind: 'not', operand: this.#unary(isCondition) };
    if (this.skipOperator('(')) {
      const inner = this.expression(isCondition);
      this.skipOperator(')');
      return inner;
    }
    const left = this.operand();
    const next = this.#words[this.#at];
    if (next?.kind === 'operator' && COMPARISONS.has(next.text)) {
      this.#at++;
      return { kind: 'compare', operator: next.text as Comparison, left, right: this.operand() };
    }
    return isCondition && left.kind === 'constant' && left.text === 'm' ? { kind: 'module' } : left;
  }
}

function isKeyword(word: Word | undefined, keyword: string): boolean {
  return word?.kind === 'word' && word.text === keyword;
}
