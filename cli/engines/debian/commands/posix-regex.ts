/** Regular expressions of grep and sed (POSIX, with GNU's additions) as those of JavaScript. */

const CLASSES: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};
/** What is an operator plainly in an extended expression, and with a backslash in a basic one. */
const OPERATORS = '(){}|+?';

/** @throws SyntaxError for what JavaScript does not understand */
export function posixRegex(source: string, options: { readonly extended: boolean; readonly flags?: string }): RegExp {
  let output = '';
  for (let i = 0; i < source.length; i += 1) {
    const char = source[i] ?? '';
    const next = source[i + 1];
    if (char === '[') {
      const end = bracketEnd(source, i);
      output += bracket(source.slice(i + 1, end));
      i = end;
    } else if (char === '\\' && next !== undefined) {
      i += 1;
      if (next === '<' || next === '>') output += '\\b';
      else if (OPERATORS.includes(next)) output += options.extended ? `\\${next}` : next;
      else if (/[\w.*[\]^$\\/n]/.test(next)) output += `\\${next}`;
      else output += next.replace(/[-/\\^$*+?.()|[\]{}]/, '\\$&');
    } else if (!options.extended && OPERATORS.includes(char)) output += `\\${char}`;
    else if (char === '*' && isStart(source.slice(0, i), options.extended)) output += '\\*';
    else if (char === '^' && !options.extended && !isStart(source.slice(0, i), false)) output += '\\^';
    else if (char === '$' && !options.extended && !isEnd(source.slice(i + 1))) output += '\\$';
    else output += char;
  }
  return new RegExp(output, options.flags ?? '');
}

function isStart(before: string, extended: boolean): boolean {
  return before === '' || before === '^' || (extended ? /[(|]$/.test(before) : /\\[(|]$/.test(before));
}

function isEnd(after: string): boolean {
  return after === '' || /^\\[)|]/.test(after);
}

function bracketEnd(source: string, start: number): number {
  let i = start + 1;
  if (source[i] === '^') i += 1;
  if (source[i] === ']') i += 1;
  for (; i < source.length && source[i] !== ']'; i += 1) {
    if (source.startsWith('[:', i)) i = source.indexOf(':]', i) + 1;
  }
  return i;
}

function bracket(inside: string): string {
  const negated = inside.startsWith('^');
  const body = (negated ? inside.slice(1) : inside).replace(
    /\[:([a-z]+):\]|([\\[\]^])/g,
    (whole, name: string | undefined) => (name === undefined ? `\\${whole}` : (CLASSES[name] ?? '')),
  );
  return `[${negated ? '^' : ''}${body}]`;
}
