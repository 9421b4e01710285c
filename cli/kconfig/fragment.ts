/**
 * Reads a fragment, a file of Kconfig assignments, and writes it back byte for byte.
 *
 * What Kconfig's own reader takes is taken: `X=value`, `# X is not set`, comments, empty lines; besides that, CRLF, a
 * missing last newline, blanks at either end of a line, and a comment behind a value. Anything else is an error with its
 * place, because Kconfig would drop such a line in silence. The scan is one pass over the text.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { Failure, type Place } from '../failure.ts';
import type { Assignment, Namespace, Value } from './assignment.ts';
import { PREFIX, PREFIXES } from './namespace.ts';
import { formatAssignment, NOT_SET, parseBareValue } from './value.ts';

export interface FragmentLine {
  /** As written, without its end. */
  readonly text: string;
  readonly end: '\n' | '\r\n' | '';
  readonly assignment?: Assignment;
}

export interface Fragment {
  readonly layer: string;
  /** Absolute. */
  readonly file: string;
  readonly lines: readonly FragmentLine[];
}

export interface FragmentSource {
  readonly layer: string;
  readonly file: string;
  /** Without it, symbols of every namespace are taken. */
  readonly namespace?: Namespace;
}

/** Far above any real configuration (a whole kernel .config has 0.3 MB), far below what would hurt. */
const MAX_BYTES = 256 * 1024 * 1024;

/** @throws Failure `unreadable-file`, `fragment-not-text`, `bad-fragment-line`, `bad-value`, `wrong-namespace` */
export async function readFragment(file: string, layer: string, namespace?: Namespace): Promise<Fragment> {
  return parseFragment(readFragmentText(file, layer), {
    file,
    layer,
    ...(namespace === undefined ? {} : { namespace }),
  });
}

export function parseFragment(text: string, source: FragmentSource): Fragment {
  const lines: FragmentLine[] = [];
  scanFragment(text, source, (start, end, next, assignment) => {
    const ending = next === end ? '' : next - end === 2 ? '\r\n' : '\n';
    const line = text.slice(start, end);
    lines.push(assignment === undefined ? { text: line, end: ending } : { text: line, end: ending, assignment });
  });
  return { layer: source.layer, file: source.file, lines };
}

/** The exact text that was read, or that edits have made of it. */
export function formatFragment(fragment: Fragment): string {
  return fragment.lines.map((line) => line.text + line.end).join('');
}

export function assignmentsOf(fragment: Fragment): readonly Assignment[] {
  return fragment.lines.flatMap((line) => (line.assignment === undefined ? [] : [line.assignment]));
}

/** The fragment with `symbol` set: its last assignment is replaced in place, else a line is added at the end. */
export function withValue(fragment: Fragment, symbol: string, value: Value): Fragment {
  if (value.kind === 'string' && /[\n\r\0]/.test(value.value)) {
    throw new Failure({ code: 'bad-value', message: `${symbol} cannot hold a text of more than one line` });
  }
  const lines = [...fragment.lines];
  const at = lines.findLastIndex((line) => line.assignment?.symbol === symbol);
  const eol = lines.find((line) => line.end !== '')?.end ?? '\n';
  const last = lines.at(-1);
  if (at === -1 && last !== undefined && last.end === '') lines[lines.length - 1] = { ...last, end: eol };
  const index = at === -1 ? lines.length : at;
  lines[index] = {
    text: formatAssignment(symbol, value),
    end: lines[index]?.end ?? eol,
    assignment: { symbol, value, origin: { layer: fragment.layer, file: fragment.file, line: index + 1 } },
  };
  return { ...fragment, lines };
}

/** The text of a fragment, checked to be text. */
export function readFragmentText(file: string, layer: string): string {
  let bytes: Buffer;
  try {
    // Synchronous on purpose: a fragment has a few kilobytes, and a trip through the thread pool costs more than it.
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Failure({
      code: 'unreadable-file',
      message: `the fragment cannot be read (${code})`,
      place: { file },
      layer,
      hint:
        code === 'ENOENT'
          ? 'it is named by a link that leads nowhere, or was removed meanwhile'
          : 'check its permissions',
    });
  }
  const bad = bytes.length > MAX_BYTES ? 0 : bytes.indexOf(0);
  if (bad === -1 && isUtf8(bytes)) return bytes.toString('utf8');
  const offset = bad === -1 ? firstInvalid(bytes) : bad;
  throw notText(bytes.toString('latin1'), offset, { file, layer });
}

function notText(text: string, offset: number, source: FragmentSource): Failure {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return new Failure({
    code: 'fragment-not-text',
    message: 'this fragment is not a text file',
    place: { file: source.file, line, column: offset - start + 1 },
    cause: `byte 0x${(text.charCodeAt(offset) & 0xff).toString(16).padStart(2, '0')} at offset ${offset} is not UTF-8 text`,
    hint: 'a fragment holds lines like CONFIG_EXT4_FS=y; keep other files in resources/',
    layer: source.layer,
  });
}

/** Offset of the first byte that is not valid UTF-8; by halves, since isUtf8 only says whether. */
function firstInvalid(bytes: Buffer): number {
  let good = 0;
  let step = bytes.length;
  while (step > 0) {
    let end = Math.min(good + step, bytes.length);
    // Never cut inside of a character: step back to its first byte.
    while (end > good && end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    if (end > good && isUtf8(bytes.subarray(good, end))) good = end;
    else step >>= 1;
  }
  return good;
}

type OnLine = (start: number, end: number, next: number, assignment: Assignment | undefined) => void;

/** Calls back for each line: offsets of its text, of what follows its end, and what it assigns. */
export function scanFragment(text: string, source: FragmentSource, onLine: OnLine): void {
  const size = text.length;
  let line = 0;
  for (let start = 0, next = 0; start < size; start = next) {
    line++;
    const newline = text.indexOf('\n', start);
    next = newline === -1 ? size : newline + 1;
    let end = newline === -1 ? size : newline;
    if (newline > start && text.charCodeAt(newline - 1) === 13) end--;
    onLine(start, end, next, readLine(text, start, end, line, source));
  }
}

const SYMBOL = /[A-Za-z0-9_]+/y;
const IS_NOT_SET = /#[ \t]+([A-Za-z0-9_]+) is not set[ \t]*$/y;

function readLine(
  text: string,
  lineStart: number,
  end: number,
  line: number,
  source: FragmentSource,
): Assignment | undefined {
  let start = lineStart;
  if (line === 1 && text.charCodeAt(start) === 0xfeff) start++;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  if (start === end) return undefined;
  const place = (from: number, to: number): Place => ({
    file: source.file,
    line,
    column: from - lineStart + 1,
    length: Math.max(1, to - from),
  });
  if (text.charCodeAt(start) === 35 /* # */) {
    // Most comments are no assignment: a cheap test first.
    if (
      !text.startsWith(' is not set', end - 11) &&
      !/ is not set\s*$/.test(text.slice(Math.max(start, end - 24), end))
    ) {
      return undefined;
    }
    const content = text.slice(start, end);
    IS_NOT_SET.lastIndex = 0;
    const symbol = IS_NOT_SET.exec(content)?.[1];
    if (symbol === undefined || !PREFIXES.some((prefix) => symbol.startsWith(prefix))) return undefined;
    const at = start + content.indexOf(symbol);
    checkNamespace(symbol, source, () => place(at, at + symbol.length));
    return { symbol, value: NOT_SET, origin: { layer: source.layer, file: source.file, line } };
  }
  SYMBOL.lastIndex = start;
  const symbol = SYMBOL.exec(text)?.[0] ?? '';
  const equals = start + symbol.length;
  if (symbol === '' || equals >= end || text.charCodeAt(equals) !== 61 /* = */) {
    throw new Failure({
      code: 'bad-fragment-line',
      message: 'this line is neither an assignment nor a comment',
      place: place(start, end),
      cause: 'Kconfig would drop it in silence',
      hint: 'write SYMBOL=value (no blanks around =), `# SYMBOL is not set`, or start a comment with #',
      layer: source.layer,
    });
  }
  checkNamespace(symbol, source, () => place(start, equals));
  const value = readValue(text, equals + 1, end);
  if (typeof value === 'string') {
    throw new Failure({
      code: 'bad-value',
      message: `${symbol} is given ${value}`,
      place: place(equals + 1, end),
      hint: 'values are y, m, n, a number (12, 0x1F), or a text in double quotes',
      layer: source.layer,
    });
  }
  return { symbol, value, origin: { layer: source.layer, file: source.file, line } };
}

/** The value, or what is wrong with it. */
function readValue(text: string, start: number, lineEnd: number): Value | string {
  let end = lineEnd;
  if (text.charCodeAt(start) !== 34 /* " */) {
    const hash = text.indexOf('#', start);
    if (hash !== -1 && hash < end && isBlank(text.charCodeAt(hash - 1))) end = hash;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    const bare = text.slice(start, end);
    if (bare === '') return 'no value';
    return parseBareValue(bare) ?? 'a text without quotes';
  }
  let at = start + 1;
  while (at < end && text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 /* \ */ ? 2 : 1;
  if (at >= end) return 'a text whose closing quote is missing';
  for (let rest = at + 1; rest < end; rest++) {
    const code = text.charCodeAt(rest);
    if (code === 35 && isBlank(text.charCodeAt(rest - 1))) break;
    if (!isBlank(code)) return 'a text with more behind its closing quote';
  }
  const quoted = text.slice(start + 1, at);
  return { kind: 'string', value: quoted.includes('\\') ? quoted.replace(/\\(.)/gs, '$1') : quoted };
}

/** Blank, tab, and a stray carriage return. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13;
}

function checkNamespace(symbol: string, source: FragmentSource, place: () => Place): void {
  const { namespace } = source;
  if (namespace === undefined || symbol.startsWith(PREFIX[namespace])) return;
  const other = namespace === 'buildroot' ? 'kernel/, uboot/ or busybox/' : 'buildroot/';
  const known = PREFIXES.some((prefix) => symbol.startsWith(prefix));
  throw new Failure({
    code: 'wrong-namespace',
    message: `${symbol} is not a ${namespace} symbol`,
    place: place(),
    cause: `symbols of a fragment in ${namespace}/ start with ${PREFIX[namespace]}`,
    hint: known
      ? `move the line to a fragment in ${other} of the layer`
      : `did you mean ${PREFIX[namespace]}${symbol}?`,
    layer: source.layer,
  });
}
