/** Shell patterns (`*`, `?`, `[…]`) as regular expressions; a backslash takes a character's meaning away. */
import { UNKNOWN } from './unknown.ts';

export interface PatternOptions {
  /** In paths, `*` and `?` stop at slashes. */
  readonly path?: boolean;
}

export function patternSource(pattern: string, options: PatternOptions = {}): string {
  const any = options.path ? '[^/]' : '[^]';
  let source = '';
  for (let i = 0; i < pattern.length; i += 1) {
    const char = pattern[i] ?? '';
    if (char === '\\') {
      i += 1;
      source += escapeRegex(pattern[i] ?? '\\');
    } else if (char === '*') source += `${any}*`;
    else if (char === '?') source += any;
    else if (char === '[') {
      const end = classEnd(pattern, i);
      if (end === undefined) source += '\\[';
      else {
        source += classSource(pattern.slice(i + 1, end));
        i = end;
      }
    } else source += escapeRegex(char);
  }
  return source;
}

/** Whether the pattern matches; undefined when an unknown piece decides. */
export function matchesPattern(pattern: string, text: string): boolean | undefined {
  if (!text.includes(UNKNOWN) && !pattern.includes(UNKNOWN)) {
    return new RegExp(`^${patternSource(pattern)}$`, 'u').test(text);
  }
  if (/^\*+$/.test(pattern)) return true;
  // What is known before the first unknown piece may already differ.
  const [knownText = ''] = text.split(UNKNOWN);
  const [knownPattern = ''] = pattern.split(UNKNOWN);
  const [literal = ''] = knownPattern.split(/[*?[\\]/);
  const shared = Math.min(knownText.length, literal.length);
  return knownText.slice(0, shared) === literal.slice(0, shared) ? undefined : false;
}

export function hasPattern(pattern: string): boolean {
  return /(?:^|[^\\])[*?[]/.test(pattern);
}

export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}

export function unescapePattern(pattern: string): string {
  return pattern.replace(/\\(.)/gs, '$1');
}

function classEnd(pattern: string, start: number): number | undefined {
  let i = start + 1;
  if (pattern[i] === '!' || pattern[i] === '^') i += 1;
  if (pattern[i] === ']') i += 1;
  for (; i < pattern.length; i += 1) {
    if (pattern.startsWith('[:', i)) i = Math.max(i, pattern.indexOf(':]', i) + 1);
    else if (pattern[i] === ']') return i;
  }
  return undefined;
}

const NAMED: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\s',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`{-~',
};

function classSource(inside: string): string {
  const negated = /^[!^]/.test(inside);
  const body = (negated ? inside.slice(1) : inside)
    .replace(/\[:([a-z]+):\]|([\\\]])/g, (_, name: string | undefined, special: string | undefined) =>
      name === undefined ? `\\${special}` : (NAMED[name] ?? ''),
    )
    .replace(/\[(?!\\)/g, '\\[');
  return `[${negated ? '^' : ''}${body}]`;
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
