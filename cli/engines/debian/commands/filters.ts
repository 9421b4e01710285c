/** Programs that read text and write text. What they are given has to be known, or their output is not. */
import type { Call, Outcome } from '../shell/host.ts';
import { isKnown, UNKNOWN } from '../shell/unknown.ts';
import {
  type Arguments,
  act,
  type CommandContext,
  has,
  type Model,
  type Models,
  optionValue,
  problem,
  readArguments,
  UNSURE,
} from './model.ts';
import { posixRegex } from './posix-regex.ts';
import { runSed } from './sed.ts';

const LOST: Outcome = { ...UNSURE, output: UNKNOWN };

/** The text of the files that are named, or of standard input. */
function input(files: readonly string[], call: Call, { root }: CommandContext): string {
  if (files.length === 0) return call.stdin ?? UNKNOWN;
  return files
    .map((file) => (file === '-' ? (call.stdin ?? UNKNOWN) : isKnown(file) ? (root.readFile(file) ?? '') : UNKNOWN))
    .join('');
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function join(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** A filter over lines; undefined from `change` means that an option is not modelled. */
function lineFilter(
  valued: readonly string[],
  change: (lines: string[], args: Arguments) => readonly string[] | undefined,
): Model {
  return (call, context) => {
    // `-3` is an old way to write `-n 3`.
    const words = call.argv.slice(1).map((word) => word.replace(/^-(?=\d+$)/, '-n'));
    const args = readArguments(words, valued);
    const text = input(args.operands, call, context);
    if (!isKnown(text)) return LOST;
    const lines = change(linesOf(text), args);
    return lines === undefined ? LOST : { status: 0, output: join(lines) };
  };
}

const cut = lineFilter(['d', 'f', 'c', 'b', 'delimiter', 'fields', 'characters'], (lines, args) => {
  const delimiter = optionValue(args, 'd', 'delimiter') ?? '\t';
  const fields = optionValue(args, 'f', 'fields');
  const list = fields ?? optionValue(args, 'c', 'characters');
  if (list === undefined || !/^[\d,-]+$/.test(list)) return undefined;
  const wanted = (position: number): boolean =>
    list.split(',').some((range) => {
      const [from = '', to = from] = range.split('-');
      return position >= Number(from || 1) && position <= (range.endsWith('-') ? Number.POSITIVE_INFINITY : Number(to));
    });
  const pick = (parts: readonly string[]): string[] => parts.filter((_, index) => wanted(index + 1));
  if (fields === undefined) return lines.map((line) => pick([...line]).join(''));
  return lines.map((line) => (line.includes(delimiter) ? pick(line.split(delimiter)).join(delimiter) : line));
});

const head = lineFilter(['n', 'lines', 'c'], (lines, args) => {
  const count = optionValue(args, 'n', 'lines') ?? '10';
  return has(args, 'c') || !/^\d+$/.test(count) ? undefined : lines.slice(0, Number(count));
});

const tail = lineFilter(['n', 'lines', 'c'], (lines, args) => {
  const count = optionValue(args, 'n', 'lines') ?? '10';
  if (has(args, 'c', 'f')) return undefined;
  if (/^\+\d+$/.test(count)) return lines.slice(Number(count) - 1);
  return /^\d+$/.test(count) ? lines.slice(Math.max(0, lines.length - Number(count))) : undefined;
});

const sort = lineFilter(['k', 't', 'o', 'T', 'S'], (lines, args) => {
  if ([...args.options.keys()].some((key) => !'ruf'.includes(key))) return undefined;
  const unique = has(args, 'u') ? [...new Set(lines)] : lines;
  const sorted = unique.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return has(args, 'r') ? sorted.reverse() : sorted;
});

const uniq = lineFilter(['f', 's', 'w'], (lines, args) =>
  args.options.size > 0 ? undefined : lines.filter((line, index) => line !== lines[index - 1]),
);

const wc = lineFilter([], (lines, args) =>
  has(args, 'l') && args.options.size === 1 && args.operands.length === 0 ? [String(lines.length)] : undefined,
);

const tr: Model = (call) => {
  const args = readArguments(call.argv.slice(1));
  const [from = '', to = ''] = args.operands;
  const text = call.stdin ?? UNKNOWN;
  if (![text, from, to].every(isKnown)) return LOST;
  const source = characters(from);
  if ([...args.options.keys()].some((key) => !'ds'.includes(key))) return LOST;
  if (has(args, 'd')) return { status: 0, output: [...text].filter((char) => !source.includes(char)).join('') };
  const target = characters(to);
  const mapped = [...text].map((char) => {
    const at = source.indexOf(char);
    return at < 0 || target.length === 0 ? char : (target[Math.min(at, target.length - 1)] ?? char);
  });
  const squeezed = has(args, 's') ? (target.length > 0 ? target : source) : [];
  return {
    status: 0,
    output: mapped.filter((char, i) => !(squeezed.includes(char) && mapped[i - 1] === char)).join(''),
  };
};

/** A set of tr: ranges, classes, backslashes. */
function characters(set: string): string[] {
  const named = set
    .replaceAll('[:upper:]', 'A-Z')
    .replaceAll('[:lower:]', 'a-z')
    .replaceAll('[:digit:]', '0-9')
    .replaceAll('[:space:]', ' \\t\\n\\r\\f\\v')
    .replace(
      /\\([nrtfv])/g,
      (_, letter: string) => ({ n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' })[letter] ?? letter,
    );
  return named
    .replace(/(.)-(.)/gs, (_, first: string, last: string) => {
      const [a, z] = [first.charCodeAt(0), last.charCodeAt(0)];
      return Array.from({ length: Math.max(0, z - a + 1) }, (__, index) => String.fromCharCode(a + index)).join('');
    })
    .split('');
}

const grep: Model = (call, context) => {
  const args = readArguments(call.argv.slice(1), ['e', 'm', 'A', 'B', 'C', 'f', 'regexp']);
  const given = optionValue(args, 'e', 'regexp');
  const [first, ...rest] = args.operands;
  const pattern = given ?? first;
  const text = input(given === undefined ? rest : args.operands, call, context);
  if (text === '') return { status: has(args, 'c') ? 1 : 1, output: has(args, 'c') ? '0\n' : '' };
  if (
    pattern === undefined ||
    !isKnown(pattern) ||
    !isKnown(text) ||
    has(args, 'r', 'R', 'o', 'f', 'l', 'L', 'P', 'A', 'B', 'C')
  )
    return LOST;
  const isFixed = has(args, 'F', 'fixed-strings') || call.argv[0] === 'fgrep';
  const source = isFixed ? pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&') : pattern;
  let regex: RegExp;
  try {
    const extended = isFixed || has(args, 'E', 'extended-regexp') || call.argv[0] === 'egrep';
    regex = posixRegex(source, { extended, flags: has(args, 'i', 'ignore-case') ? 'i' : '' });
  } catch {
    return LOST;
  }
  const matches = (line: string): boolean => {
    const found = regex.exec(line);
    if (found === null) return false;
    if (has(args, 'x', 'line-regexp')) return new RegExp(`^(?:${regex.source})$`, regex.flags).test(line);
    return !has(args, 'w', 'word-regexp') || new RegExp(`(?<!\\w)(?:${regex.source})(?!\\w)`, regex.flags).test(line);
  };
  const hits = linesOf(text).filter((line) => matches(line) !== has(args, 'v', 'invert-match'));
  const output = has(args, 'q', 'quiet', 'silent') ? '' : has(args, 'c', 'count') ? `${hits.length}\n` : join(hits);
  return { status: hits.length > 0 ? 0 : 1, output };
};

const sed: Model = (call, context) => {
  const { root, origin } = context;
  const words = call.argv.slice(1);
  // -i takes its suffix without a space.
  const inPlace = words.some((word) => /^-[nErsu]*i|^--in-place/.test(word));
  const rest = words
    .map((word) => word.replace(/^(-[nErsu]*)i.*$/, '$1').replace(/^--in-place.*$/, ''))
    .filter((word) => word !== '' && word !== '-');
  const scripts: string[] = [];
  const others: string[] = [];
  for (let i = 0; i < rest.length; i += 1) {
    const word = rest[i] ?? '';
    const joined = /^-([nErsu]*)e(.*)$/s.exec(word) ?? /^--(expression)=(.*)$/s.exec(word);
    if (joined === null) others.push(word);
    else {
      if (joined[1] !== undefined && joined[1] !== 'expression' && joined[1] !== '') others.push(`-${joined[1]}`);
      if (joined[2] === '') i += 1;
      scripts.push(joined[2] === '' ? (rest[i] ?? '') : (joined[2] ?? ''));
    }
  }
  const args = readArguments(others, ['f', 'file', 'l']);
  const files = scripts.length > 0 ? args.operands : args.operands.slice(1);
  const script = scripts.length > 0 ? scripts.join('\n') : (args.operands[0] ?? '');
  const lost = (): Outcome => (inPlace ? problem('it changes a file in a way that has no model') : LOST);
  if (!isKnown(script) || has(args, 'f', 'file', 'z')) return lost();
  const options = { quiet: has(args, 'n', 'quiet', 'silent'), extended: has(args, 'E', 'r', 'regexp-extended') };
  if (!inPlace) {
    const text = input(files, call, context);
    const output = isKnown(text) ? runSed(script, text, options) : undefined;
    return output === undefined ? LOST : { status: 0, output };
  }
  if (!files.every(isKnown)) return lost();
  const changes: [string, string][] = [];
  for (const file of files) {
    const text = root.readFile(file);
    if (text === undefined) return { status: 1 };
    const output = isKnown(text) ? runSed(script, text, options) : undefined;
    if (output === undefined) return lost();
    if (output !== text) changes.push([file, output]);
  }
  if (changes.length === 0) return { status: 0 };
  return act(call, files, () => {
    for (const [file, output] of changes) root.writeFile(file, output, { origin });
  });
};

export const FILTERS: Models = { cut, head, tail, sort, uniq, wc, tr, grep, egrep: grep, fgrep: grep, sed };
