/**
 * The lines of a fragment, in one pass over its text.
 *
 * What Kconfig's own reader takes is taken: `X=value`, `# X is not set`, comments, empty lines; besides that, CRLF, a
 * missing last newline, a byte order mark, blanks at either end of a line, and a comment behind a value. Anything else is
 * a failure with its place, because Kconfig would drop such a line in silence.
 */
import { Failure, type FailureParts } from '../failure.ts';
import type { Assignment, Namespace, Value } from './assignment.ts';
import { PREFIX, PREFIXES } from './namespace.ts';
import { NOT_SET, parseBareValue } from './value.ts';

export interface FragmentSource {
  readonly layer: string;
  /** Absolute. */
  readonly file: string;
  /** Without it, symbols of every namespace are taken. */
  readonly namespace?: Namespace | undefined;
}

export interface LineVisitor {
  /** Each line: offsets of its text and of the next line's, and what it assigns. */
  readonly line: (start: number, end: number, next: number, assignment: Assignment | undefined) => void;
  /** A line that Kconfig would not take; without this, it is thrown. The line is visited nevertheless. */
  readonly bad?: (failure: Failure) => void;
}

export function scanFragment(text: string, source: FragmentSource, visitor: LineVisitor): void {
  const scanner = new LineScanner(text, source);
  let number = 0;
  for (let start = 0, next = 0; start < text.length; start = next) {
    number++;
    const newline = text.indexOf('\n', start);
    next = newline === -1 ? text.length : newline + 1;
    let end = newline === -1 ? text.length : newline;
    if (newline > start && text.charCodeAt(newline - 1) === CR) end--;
    let assignment: Assignment | undefined;
    try {
      assignment = scanner.read(start, end, number);
    } catch (error) {
      if (!(error instanceof Failure) || visitor.bad === undefined) throw error;
      visitor.bad(error);
    }
    visitor.line(start, end, next, assignment);
  }
}

const TAB = 9;
const CR = 13;
const BLANK = 32;
const QUOTE = 34;
const HASH = 35;
const EQUALS = 61;
const BACKSLASH = 92;
const BYTE_ORDER_MARK = 0xfeff;
const SYMBOL = /[A-Za-z0-9_]+/y;
const NOT_SET_COMMENT = /^#[ \t]+([A-Za-z0-9_]+) is not set\s*$/;
/** The shortest text that ends a `# X is not set` line; a cheap test before the pattern. */
const NOT_SET_END = 'not set';

class LineScanner {
  readonly #text: string;
  readonly #source: FragmentSource;
  #line = 0;
  #lineStart = 0;

  constructor(text: string, source: FragmentSource) {
    this.#text = text;
    this.#source = source;
  }

  read(lineStart: number, end: number, line: number): Assignment | undefined {
    const text = this.#text;
    this.#line = line;
    this.#lineStart = lineStart;
    let start = lineStart;
    if (line === 1 && text.charCodeAt(start) === BYTE_ORDER_MARK) start++;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    if (start === end) return undefined;
    return text.charCodeAt(start) === HASH ? this.#readComment(start, end) : this.#readAssignment(start, end);
  }

  #readComment(start: number, end: number): Assignment | undefined {
    const comment = this.#text.slice(start, end);
    if (!comment.includes(NOT_SET_END)) return undefined;
    const symbol = NOT_SET_COMMENT.exec(comment)?.[1];
    // `# nothing is not set` is prose.
    if (symbol === undefined || !PREFIXES.some((prefix) => symbol.startsWith(prefix))) return undefined;
    return this.#assign(symbol, start + comment.indexOf(symbol), NOT_SET);
  }

  #readAssignment(start: number, end: number): Assignment {
    SYMBOL.lastIndex = start;
    const symbol = SYMBOL.exec(this.#text)?.[0] ?? '';
    const equals = start + symbol.length;
    if (symbol === '' || equals >= end || this.#text.charCodeAt(equals) !== EQUALS) {
      throw this.#failure(start, end, {
        code: 'bad-fragment-line',
        message: 'this line is neither an assignment nor a comment',
        cause: 'Kconfig would drop it in silence',
        hint: 'write SYMBOL=value (no blanks around =), `# SYMBOL is not set`, or start a comment with #',
      });
    }
    const value = readValue(this.#text, equals + 1, end);
    if (typeof value === 'string') {
      throw this.#failure(equals + 1, end, {
        code: 'bad-value',
        message: `${symbol} is given ${value}`,
        hint: 'values are y, m, n, a number (12, 0x1F), or a text in double quotes',
      });
    }
    return this.#assign(symbol, start, value);
  }

  #assign(symbol: string, at: number, value: Value): Assignment {
    const { namespace, layer, file } = this.#source;
    if (namespace !== undefined && !symbol.startsWith(PREFIX[namespace])) {
      const known = PREFIXES.some((prefix) => symbol.startsWith(prefix));
      const others = namespace === 'buildroot' ? 'kernel/, uboot/ or busybox/' : 'buildroot/';
      throw this.#failure(at, at + symbol.length, {
        code: 'wrong-namespace',
        message: `${symbol} is not a ${namespace} symbol`,
        cause: `symbols of a fragment in ${namespace}/ start with ${PREFIX[namespace]}`,
        hint: known
          ? `move the line to a fragment in ${others} of the layer`
          : `did you mean ${PREFIX[namespace]}${symbol}?`,
      });
    }
    return { symbol, value, origin: { layer, file, line: this.#line } };
  }

  #failure(from: number, to: number, parts: FailureParts): Failure {
    const { file, layer } = this.#source;
    const column = from - this.#lineStart + 1;
    return new Failure({ ...parts, place: { file, line: this.#line, column, length: Math.max(1, to - from) }, layer });
  }
}

/** The value, or what is wrong with it. */
function readValue(text: string, start: number, lineEnd: number): Value | string {
  let end = lineEnd;
  if (text.charCodeAt(start) !== QUOTE) {
    // Not indexOf(), which would look through all the rest of the text for each line.
    let hash = start;
    while (hash < end && text.charCodeAt(hash) !== HASH) hash++;
    if (hash < end && isBlank(text.charCodeAt(hash - 1))) end = hash;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    const bare = text.slice(start, end);
    return bare === '' ? 'no value' : (parseBareValue(bare) ?? 'a text without quotes');
  }
  let at = start + 1;
  while (at < end && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  if (at >= end) return 'a text whose closing quote is missing';
  for (let rest = at + 1; rest < end; rest++) {
    const code = text.charCodeAt(rest);
    if (code === HASH && rest > at + 1) break;
    if (!isBlank(code)) return 'a text with more behind its closing quote';
  }
  const quoted = text.slice(start + 1, at);
  return { kind: 'string', value: quoted.includes('\\') ? quoted.replace(/\\(.)/gs, '$1') : quoted };
}

function isBlank(code: number): boolean {
  return code === BLANK || code === TAB || code === CR;
}
