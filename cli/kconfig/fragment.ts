/**
 * A fragment: a file of Kconfig assignments with its comments, order and positions. It is written back byte for byte, and
 * an edit changes nothing but its own line.
 */
import { Failure } from '../failure.ts';
import type { Assignment, Namespace, Value } from './assignment.ts';
import { readFragmentText } from './fragment-text.ts';
import { type FragmentSource, scanFragment } from './scan.ts';
import { formatAssignment, formatValue } from './value.ts';

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

/** @throws Failure `unreadable-file`, `fragment-not-text`, `bad-fragment-line`, `bad-value`, `wrong-namespace` */
export async function readFragment(file: string, layer: string, namespace?: Namespace): Promise<Fragment> {
  return parseFragment(readFragmentText(file, layer), { file, layer, namespace });
}

export function parseFragment(text: string, source: FragmentSource): Fragment {
  const lines: FragmentLine[] = [];
  scanFragment(text, source, {
    line(start, end, next, assignment) {
      const ending = next === end ? '' : next - end === 2 ? '\r\n' : '\n';
      const line = { text: text.slice(start, end), end: ending } as const;
      lines.push(assignment === undefined ? line : { ...line, assignment });
    },
  });
  return { layer: source.layer, file: source.file, lines };
}

/** The exact text that was read, or that edits have made of it. */
export function formatFragment(fragment: Fragment): string {
  return fragment.lines.map((line) => line.text + line.end).join('');
}

export function assignmentsOf(fragment: Fragment): readonly Assignment[] {
  return fragment.lines.flatMap((line) => line.assignment ?? []);
}

/**
 * The fragment with `symbol` set: its last assignment is replaced in place, with the comment behind it kept, else a line is
 * added at the end.
 */
export function withValue(fragment: Fragment, symbol: string, value: Value): Fragment {
  if (value.kind === 'string' && /[\n\r\0]/.test(value.value)) {
    throw new Failure({ code: 'bad-value', message: `${symbol} cannot hold a text of more than one line` });
  }
  const lines = [...fragment.lines];
  const eol = lines.find((line) => line.end !== '')?.end ?? '\n';
  const last = lines.at(-1);
  let index = lines.findLastIndex((line) => line.assignment?.symbol === symbol);
  if (index === -1) {
    if (last !== undefined && last.end === '') lines[lines.length - 1] = { ...last, end: eol };
    index = lines.length;
  }
  lines[index] = {
    text: assignmentText(symbol, value, lines[index]?.text),
    end: lines[index]?.end ?? eol,
    assignment: { symbol, value, origin: { layer: fragment.layer, file: fragment.file, line: index + 1 } },
  };
  return { ...fragment, lines };
}

/** A blank has to be before the sign: of `X=a#b` it would be a part of the value. */
const COMMENT_BEHIND = /^\s*\w+=(?:"(?:\\.|[^"\\])*"|[^"#]*?)(\s+#.*)$/;

function assignmentText(symbol: string, value: Value, before = ''): string {
  const comment = COMMENT_BEHIND.exec(before)?.[1];
  if (comment === undefined) return formatAssignment(symbol, value);
  // Behind `# X is not set` there can be none.
  return `${symbol}=${formatValue(value)}${comment}`;
}
