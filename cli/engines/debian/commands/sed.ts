/**
 * sed, as far as maintainer scripts use it: `s`, `d`, `p`, `q`, `a`, `i` and `c` with addresses, ranges and blocks. Comes in: a
 * script and a text; goes out: the text as sed would print it, or nothing if the script uses more than that.
 */
import { posixRegex } from './posix-regex.ts';

export interface SedOptions {
  /** -n */
  readonly quiet: boolean;
  /** -E, -r */
  readonly extended: boolean;
}

type Address =
  | { readonly kind: 'line'; readonly line: number }
  | { readonly kind: 'last' }
  | { readonly kind: 'match'; readonly regex: RegExp };

interface SedCommand {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly negated: boolean;
  readonly action: Action;
  /** Whether a range is open. */
  inRange: boolean;
}

type Action =
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

/** Undefined if the script uses what is not modelled. */
export function runSed(script: string, text: string, options: SedOptions): string | undefined {
  let commands: SedCommand[];
  try {
    commands = new SedParser(script, options.extended).parse();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text === '' ? [] : text.split('\n');
  const output: string[] = [];
  for (const [index, line] of lines.entries()) {
    const state: LineState = { space: line, number: index + 1, isLast: index === lines.length - 1, after: [], output };
    const end = apply(commands, state);
    if (end !== 'deleted' && !options.quiet) output.push(state.space);
    output.push(...state.after);
    if (end === 'quit') break;
  }
  return output.map((line) => `${line}\n`).join('');
}

interface LineState {
  space: string;
  readonly number: number;
  readonly isLast: boolean;
  readonly after: string[];
  readonly output: string[];
}

function apply(commands: readonly SedCommand[], state: LineState): 'deleted' | 'quit' | undefined {
  for (const command of commands) {
    if (selects(command, state) === command.negated) continue;
    const { action } = command;
    switch (action.kind) {
      case 'block': {
        const end = apply(action.commands, state);
        if (end !== undefined) return end;
        break;
      }
      case 'substitute': {
        const changed = substitute(action, state.space);
        if (changed !== undefined) state.space = changed;
        if (changed !== undefined && action.prints) state.output.push(changed);
        break;
      }
      case 'delete':
        return 'deleted';
      case 'print':
        state.output.push(state.space);
        break;
      case 'quit':
        return 'quit';
      case 'append':
        state.after.push(action.text);
        break;
      case 'insert':
        state.output.push(action.text);
        break;
      default:
        state.output.push(action.text);
        return 'deleted';
    }
  }
  return undefined;
}

function selects(command: SedCommand, state: LineState): boolean {
  const { from, to } = command;
  if (from === undefined) return true;
  if (to === undefined) return addressMatches(from, state);
  if (command.inRange) {
    const ends = to.kind === 'line' ? state.number >= to.line : addressMatches(to, state);
    if (ends) command.inRange = false;
    return true;
  }
  if (!addressMatches(from, state)) return false;
  command.inRange = to.kind !== 'line' || to.line > state.number;
  return true;
}

function addressMatches(address: Address, state: LineState): boolean {
  if (address.kind === 'line') return address.line === state.number;
  return address.kind === 'last' ? state.isLast : address.regex.test(state.space);
}

function substitute(action: Extract<Action, { kind: 'substitute' }>, text: string): string | undefined {
  let count = 0;
  let changed = false;
  const result = text.replace(action.regex, (...found: unknown[]) => {
    const groups = found.slice(
      0,
      found.findIndex((one) => typeof one === 'number'),
    ) as (string | undefined)[];
    count += 1;
    if (action.which > 0 && count !== action.which) return groups[0] ?? '';
    changed = true;
    return action.replacement.replace(/\\([0-9])|\\n|\\t|\\(.)|&/gs, (token, digit?: string, other?: string) => {
      if (token === '&') return groups[0] ?? '';
      if (digit !== undefined) return groups[Number(digit)] ?? '';
      return token === '\\n' ? '\n' : token === '\\t' ? '\t' : (other ?? '');
    });
  });
  return changed ? result : undefined;
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
