/**
 * Word expansion: parameters, command substitutions, splitting, pathnames. Comes in: a word of the syntax tree; goes out:
 * fields, in which pieces that cannot be known are marked (unknown.ts).
 */
import type {
  ArithmeticExpansionPart,
  DoubleQuotedChild,
  ParameterExpansionPart,
  ParsedScript,
  Word,
  WordPart,
} from 'unbash';
import { evaluateArithmetic } from './arithmetic.ts';
import { escapePattern, hasPattern, patternSource, unescapePattern } from './pattern.ts';
import { isKnown, UNKNOWN } from './unknown.ts';

/** What expansion needs to know of the shell that it is in. */
export interface Surroundings {
  readonly variable: (name: string) => string | undefined;
  readonly assign: (name: string, value: string) => void;
  readonly positional: () => readonly string[];
  /** Runs a command substitution and returns its output. */
  readonly substitute: (script: ParsedScript) => string;
  /** Names in a directory of the root, for pathname expansion. */
  readonly list: (directory: string) => readonly string[];
}

/** A field under construction: as pattern, so that quoted `*` stays a star. */
type Piece = { readonly text: string; readonly quoted: boolean; readonly glob: boolean } | 'break';

export function expandFields(words: readonly Word[], around: Surroundings): string[] {
  return words.flatMap((word) => expandWord(word, around));
}

export function expandWord(word: Word, around: Surroundings): string[] {
  if (word.parts === undefined) return [word.value];
  return joinFields(word.parts.flatMap((part) => expandPart(part, around))).flatMap((field) =>
    pathnames(field.pattern, around),
  );
}

/** Without splitting and pathname expansion: assignments, redirections, `case` words. */
export function expandText(word: Word, around: Surroundings): string {
  return unescapePattern(expandPattern(word, around));
}

/** As a pattern: for `case` and the right side of `#` and `%`. */
export function expandPattern(word: Word, around: Surroundings): string {
  if (word.parts === undefined) return word.text === word.value ? word.value : escapePattern(word.value);
  return word.parts
    .flatMap((part) => expandPart(part, around))
    .map((piece) => (piece === 'break' ? ' ' : piece.quoted && !piece.glob ? escapePattern(piece.text) : piece.text))
    .join('');
}

/** The text of a here-document. */
export function expandParts(parts: readonly WordPart[], around: Surroundings): string {
  return parts
    .flatMap((part) => expandPart(part, around))
    .map((piece) => (piece === 'break' ? ' ' : piece.text))
    .join('');
}

function expandPart(part: WordPart, around: Surroundings): Piece[] {
  switch (part.type) {
    case 'Literal':
      // A backslash in front of a pattern character was taken off by the parser: the text is no pattern.
      return [{ text: part.value, quoted: true, glob: false }];
    case 'Glob':
      return [{ text: part.text, quoted: true, glob: true }];
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return [{ text: part.value, quoted: true, glob: false }];
    case 'DoubleQuoted':
    case 'LocaleString':
      return quotedPieces(part.parts, around);
    case 'SimpleExpansion':
      return unquoted(part.text.slice(1), around);
    case 'ParameterExpansion':
      return isAll(part) ? unquoted(part.parameter, around) : [plain(parameter(part, around))];
    case 'CommandExpansion':
      return [plain(part.script === undefined ? UNKNOWN : trimEnd(around.substitute(part.script)))];
    case 'ArithmeticExpansion':
      return [plain(arithmetic(part, around))];
    default:
      return [plain(UNKNOWN)];
  }
}

function arithmetic(part: ArithmeticExpansionPart, around: Surroundings): string {
  const value = evaluateArithmetic(part.expression, (text) => {
    const name = /^\$?\{?([A-Za-z_]\w*|[0-9#])\}?$/.exec(text)?.[1];
    return name === undefined || /^\d+$/.test(text) ? text : (lookUp(name, around) ?? '');
  });
  return value === undefined ? UNKNOWN : String(value);
}

function plain(text: string): Piece {
  return { text, quoted: false, glob: false };
}

function isAll(part: ParameterExpansionPart): boolean {
  return (part.parameter === '@' || part.parameter === '*') && part.operation === undefined;
}

function unquoted(name: string, around: Surroundings): Piece[] {
  if (name !== '@' && name !== '*') return [plain(lookUp(name, around) ?? '')];
  return around.positional().flatMap((value, index) => (index === 0 ? [plain(value)] : ['break', plain(value)]));
}

function quotedPieces(parts: readonly DoubleQuotedChild[], around: Surroundings): Piece[] {
  const pieces: Piece[] = [{ text: '', quoted: true, glob: false }];
  for (const part of parts) {
    const name = part.type === 'SimpleExpansion' ? part.text.slice(1) : undefined;
    if (name === '@' || (part.type === 'ParameterExpansion' && part.parameter === '@' && isAll(part))) {
      const values = around.positional();
      if (values.length === 0 && parts.length === 1) return [];
      for (const [index, value] of values.entries()) {
        if (index > 0) pieces.push('break');
        pieces.push({ text: value, quoted: true, glob: false });
      }
    } else {
      pieces.push({ text: quotedText(part, around), quoted: true, glob: false });
    }
  }
  return pieces;
}

function quotedText(part: DoubleQuotedChild, around: Surroundings): string {
  switch (part.type) {
    case 'Literal':
      return part.value;
    case 'SimpleExpansion':
      return lookUp(part.text.slice(1), around) ?? '';
    case 'ParameterExpansion':
      return parameter(part, around);
    case 'CommandExpansion':
      return part.script === undefined ? UNKNOWN : trimEnd(around.substitute(part.script));
    case 'ArithmeticExpansion':
      return arithmetic(part, around);
    default:
      return UNKNOWN;
  }
}

function lookUp(name: string, around: Surroundings): string | undefined {
  if (/^[1-9][0-9]*$/.test(name)) return around.positional()[Number(name) - 1];
  if (name === '#') return String(around.positional().length);
  if (name === '@' || name === '*') return around.positional().join(' ');
  return around.variable(name);
}

function parameter(part: ParameterExpansionPart, around: Surroundings): string {
  const value = lookUp(part.parameter, around);
  if (part.index !== undefined || part.prefix === '!') return UNKNOWN;
  if (part.prefix === '#') return isKnown(value ?? '') ? String((value ?? '').length) : UNKNOWN;
  const operation = part.operation;
  if (operation === undefined) return value ?? '';
  if (operation.type === 'Default') {
    const counts = operation.operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
    const operand = (): string => expandText(operation.operand, around);
    if (value !== undefined && !isKnown(value)) return operation.operator.endsWith('+') ? UNKNOWN : value;
    if (operation.operator.endsWith('+')) return counts ? operand() : '';
    if (counts) return value ?? '';
    if (operation.operator.endsWith('=')) around.assign(part.parameter, operand());
    return operand();
  }
  if (operation.type === 'Remove') {
    return removeAffix(value ?? '', operation.operator, expandPattern(operation.operand, around));
  }
  return UNKNOWN;
}

function removeAffix(value: string, operator: '#' | '##' | '%' | '%%', pattern: string): string {
  if (!isKnown(value) || !isKnown(pattern)) return UNKNOWN;
  const whole = new RegExp(`^${patternSource(pattern)}$`, 'u');
  const cuts = Array.from({ length: value.length + 1 }, (_, index) => index);
  if (operator === '#' || operator === '##') {
    const cut = (operator === '##' ? cuts.toReversed() : cuts).find((at) => whole.test(value.slice(0, at)));
    return cut === undefined ? value : value.slice(cut);
  }
  const cut = (operator === '%' ? cuts.toReversed() : cuts).find((at) => whole.test(value.slice(at)));
  return cut === undefined ? value : value.slice(0, cut);
}

function trimEnd(text: string): string {
  return text.replace(/\n+$/, '');
}

interface Field {
  readonly pattern: string;
}

function joinFields(pieces: readonly Piece[]): Field[] {
  const fields: Field[] = [];
  let pattern: string | undefined;
  const end = (): void => {
    if (pattern !== undefined) fields.push({ pattern });
    pattern = undefined;
  };
  for (const piece of pieces) {
    if (piece === 'break') end();
    else if (piece.quoted) pattern = (pattern ?? '') + (piece.glob ? piece.text : escapePattern(piece.text));
    else {
      const [first = '', ...rest] = piece.text.split(/[ \t\n]+/);
      if (first !== '') pattern = (pattern ?? '') + first;
      for (const word of rest) {
        end();
        if (word !== '') pattern = word;
      }
    }
  }
  end();
  return fields;
}

/** A pattern that matches nothing stays as it was written. */
function pathnames(pattern: string, around: Surroundings): string[] {
  const written = unescapePattern(pattern);
  if (!hasPattern(pattern) || !isKnown(pattern) || !pattern.startsWith('/')) return [written];
  let found = [''];
  for (const part of pattern.slice(1).split('/')) {
    if (!hasPattern(part)) {
      found = found.map((base) => `${base}/${unescapePattern(part)}`);
      continue;
    }
    const matcher = new RegExp(`^${patternSource(part, { path: true })}$`, 'u');
    found = found.flatMap((base) =>
      around
        .list(base === '' ? '/' : base)
        .filter((name) => matcher.test(name) && (part.startsWith('.') || !name.startsWith('.')))
        .map((name) => `${base}/${name}`),
    );
  }
  const last = pattern.slice(pattern.lastIndexOf('/') + 1);
  if (!hasPattern(last)) {
    found = found.filter((path) =>
      around.list(path.slice(0, path.lastIndexOf('/')) || '/').includes(path.slice(path.lastIndexOf('/') + 1)),
    );
  }
  return found.length === 0 ? [written] : found.sort();
}
