/** The syntax of sed's scripts, as far as sed.ts follows them. */
import { posixRegex } from './posix-regex.ts';

export type Address =
  | { readonly kind: 'line'; readonly line: number }
  | { readonly kind: 'last' }
  | { readonly kind: 'match'; readonly regex: RegExp };

export interface SedCommand {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly negated: boolean;
  readonly action: Action;
  /** Whether a range is open. */
  inRange: boolean;
}

export type Action =
  | {
      readonly kind: 'substitute';
      readonly regex: RegExp;
      readonly replacement: string;
      readonly which: number;
      readonly prints: boolean;
    }
  | { readonly kind: 'delete' | 'print' | 'quit' }
  | { readonly kind: 'append' | 'insert' | 'change'; readonly text: string }
  | { readonly kind: 'block'; readonly commands: readonly SedCommand[] };

/** @throws SyntaxError for what is not modelled, and for what is no script */
export function parseSed(script: string, extended: boolean): SedCommand[] {
  return new SedParser(script, extended).parse();
}

class SedParser {
  readonly #script: string;
  readonly #extended: boolean;
  #at = 0;

  constructor(script: string, extended: boolean) {
    this.#script = script;
    this.#extended = extended;
  }

  parse(isBlock = false): SedCommand[] {
    const commands: SedCommand[] = [];
    for (;;) {
      this.#skip(/[\s;]/);
      if (this.#peek() === '#') this.#skip(/[^\n]/);
      else if (this.#at >= this.#script.length) {
        if (isBlock) throw new SyntaxError('unended block');
        return commands;
      } else if (this.#peek() === '}') {
        this.#at += 1;
        return commands;
      } else commands.push(this.#command());
    }
  }

  #peek(): string {
    return this.#script[this.#at] ?? '';
  }

  #skip(what: RegExp): void {
    while (this.#at < this.#script.length && what.test(this.#peek())) this.#at += 1;
  }

  #command(): SedCommand {
    const from = this.#address();
    let to: Address | undefined;
    this.#skip(/ /);
    if (from !== undefined && this.#peek() === ',') {
      this.#at += 1;
      this.#skip(/ /);
      to = this.#address();
      if (to === undefined) throw new SyntaxError('half a range');
    }
    this.#skip(/ /);
    const negated = this.#peek() === '!';
    if (negated) this.#at += 1;
    this.#skip(/[\s!]/);
    return { from, to, negated, action: this.#action(), inRange: false };
  }

  #address(): Address | undefined {
    const number = /^\d+/.exec(this.#script.slice(this.#at))?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      // `0,/re/` lets the range end on the first line.
      if (number === '0') throw new SyntaxError('line 0');
      return { kind: 'line', line: Number(number) };
    }
    if (this.#peek() === '$') {
      this.#at += 1;
      return { kind: 'last' };
    }
    if (this.#peek() !== '/' && this.#peek() !== '\\') return undefined;
    if (this.#peek() === '\\') this.#at += 1;
    const regex = this.#until(this.#peek());
    const flags = this.#peek() === 'I' ? 'i' : '';
    if (flags !== '') this.#at += 1;
    return { kind: 'match', regex: posixRegex(regex, { extended: this.#extended, flags }) };
  }

  /** Text up to the delimiter that it begins with; the delimiter with a backslash is the delimiter itself. */
  #until(delimiter: string): string {
    let text = '';
    let inBracket = false;
    for (this.#at += 1; this.#at < this.#script.length; this.#at += 1) {
      const char = this.#peek();
      if (char === '\\') {
        this.#at += 1;
        const next = this.#peek();
        text += next === delimiter && !'()|{}+?.'.includes(delimiter) ? next : `\\${next}`;
        continue;
      }
      if (char === '[' && !inBracket) inBracket = true;
      else if (char === ']' && !/\[\^?$|:$/.test(text)) inBracket = false;
      if (char === delimiter && !inBracket) {
        this.#at += 1;
        return text;
      }
      text += char;
    }
    throw new SyntaxError('unended expression');
  }

  #action(): Action {
    const name = this.#peek();
    this.#at += 1;
    switch (name) {
      case '{':
        return { kind: 'block', commands: this.parse(true) };
      case 'd':
        return { kind: 'delete' };
      case 'p':
        return { kind: 'print' };
      case 'q':
        return { kind: 'quit' };
      case 'a':
      case 'i':
      case 'c':
        return { kind: ({ a: 'append', i: 'insert', c: 'change' } as const)[name], text: this.#textLines() };
      case 's':
        return this.#substitution();
      default:
        throw new SyntaxError(`the command ${name}`);
    }
  }

  #textLines(): string {
    this.#skip(/[ \t]/);
    if (this.#script.startsWith('\\\n', this.#at)) this.#at += 2;
    let text = '';
    while (this.#at < this.#script.length && this.#peek() !== '\n') {
      if (this.#peek() === '\\') this.#at += 1;
      text += this.#peek();
      this.#at += 1;
    }
    return text;
  }

  #substitution(): Action {
    const delimiter = this.#peek();
    const source = this.#until(delimiter);
    this.#at -= 1;
    const replacement = this.#replacement(delimiter);
    const flags = /^[gpIi0-9]*/.exec(this.#script.slice(this.#at))?.[0] ?? '';
    this.#at += flags.length;
    const which = Number(/\d+/.exec(flags)?.[0] ?? 0);
    const all = flags.includes('g') || which > 0;
    return {
      kind: 'substitute',
      regex: posixRegex(source, {
        extended: this.#extended,
        flags: `${all ? 'g' : ''}${/i/i.test(flags) ? 'i' : ''}`,
      }),
      replacement,
      which,
      prints: flags.includes('p'),
    };
  }

  /** Here brackets mean nothing. */
  #replacement(delimiter: string): string {
    let text = '';
    for (this.#at += 1; this.#at < this.#script.length; this.#at += 1) {
      const char = this.#peek();
      if (char === delimiter) {
        this.#at += 1;
        return text;
      }
      if (char !== '\\') {
        text += char;
        continue;
      }
      this.#at += 1;
      text += this.#peek() === delimiter && delimiter !== '&' ? delimiter : `\\${this.#peek()}`;
    }
    throw new SyntaxError('unended replacement');
  }
}
