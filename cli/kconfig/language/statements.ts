/** The lines of a Kconfig file as statements: continuations joined, comments left out, texts of help gathered. */

export interface Statement {
  /** The first word; empty if the line starts with a macro. */
  readonly keyword: string;
  readonly rest: string;
  /** Of its first line, from 1. */
  readonly line: number;
  /** Of a `help`: the text, without the indentation of its first line. */
  readonly help?: string;
}

const KEYWORD = /[A-Za-z0-9_-]*/y;

export function eachStatement(text: string, take: (statement: Statement) => void): void {
  let line = 0;
  let at = 0;
  while (at < text.length) {
    const first = ++line;
    let end = lineEnd(text, at);
    const start = skipBlanks(text, at, end);
    at = end + 1;
    if (start === end || text[start] === '#') continue;
    KEYWORD.lastIndex = start;
    const keyword = KEYWORD.exec(text)?.[0] ?? '';
    if (keyword === 'help' || keyword === '---help---') {
      const help = readHelp(text, at);
      take({ keyword: 'help', rest: '', line: first, help: help.text });
      line += help.lines;
      at = help.next;
      continue;
    }
    let rest = text.slice(start + keyword.length, end);
    while (rest.endsWith('\\') && at < text.length) {
      line++;
      end = lineEnd(text, at);
      rest = `${rest.slice(0, -1)} ${text.slice(at, end)}`;
      at = end + 1;
    }
    take({ keyword, rest, line: first });
  }
}

function lineEnd(text: string, start: number): number {
  const newline = text.indexOf('\n', start);
  return newline === -1 ? text.length : newline;
}

function skipBlanks(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && (text[at] === ' ' || text[at] === '\t' || text[at] === '\r')) at++;
  return at;
}

/** Lasts as long as lines are empty, or indented at least as the first one that is not. */
function readHelp(
  text: string,
  start: number,
): { readonly text: string; readonly lines: number; readonly next: number } {
  const lines: string[] = [];
  let indent = 0;
  let next = start;
  while (next < text.length) {
    const end = lineEnd(text, next);
    const content = skipBlanks(text, next, end);
    if (content < end) {
      const column = columnOf(text, next, content);
      if (column === 0 || column < indent) break;
      if (indent === 0) indent = column;
      lines.push(' '.repeat(column - indent) + text.slice(content, end).trimEnd());
    } else {
      lines.push('');
    }
    next = end + 1;
  }
  return { text: lines.join('\n').trim(), lines: lines.length, next };
}

/** As Kconfig counts it: a tab goes to the next multiple of eight. */
function columnOf(text: string, start: number, end: number): number {
  let column = 0;
  for (let at = start; at < end; at++) column += text[at] === '\t' ? 8 - (column % 8) : 1;
  return column;
}
