/**
 * sed, as far as maintainer scripts use it: `s`, `d`, `p`, `q`, `a`, `i` and `c` with addresses, ranges and blocks. Comes in: a
 * script and a text; goes out: the text as sed would print it, or nothing if the script uses more than that.
 */
import { type Action, type Address, parseSed, type SedCommand } from './parse-sed.ts';

export interface SedOptions {
  /** -n */
  readonly quiet: boolean;
  /** -E, -r */
  readonly extended: boolean;
}

/** Undefined if the script uses what is not modelled. */
export function runSed(script: string, text: string, options: SedOptions): string | undefined {
  let commands: SedCommand[];
  try {
    commands = parseSed(script, options.extended);
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
