/**
 * Values of Kconfig symbols: reading and writing them as a `.config` spells them, and comparing them by meaning.
 *
 * Two values mean the same when
 * - both are `n`, however written (`X=n`, `# X is not set`, or the symbol is absent);
 * - both are hex and equal as numbers (`0x1F`, `0x01f`), or both are int and equal as numbers (`7`, `007`);
 * - both are strings with the same characters;
 * - one is a string that holds just the number that the other is: Kconfig knows the symbol's type, the reader of a
 *   fragment does not, and users quote numbers. `"y"` and `y` differ: that is a text against a switch.
 *
 * An int and a hex never mean the same: Kconfig reads a bare `10` given to a hex symbol as 0x10.
 */
import type { Value } from './assignment.ts';

export const NOT_SET: Value = { kind: 'tristate', value: 'n' };
const YES: Value = { kind: 'tristate', value: 'y' };
const MODULE: Value = { kind: 'tristate', value: 'm' };

/** Reads a value without quotes; undefined if no symbol can have it. */
export function parseBareValue(text: string): Value | undefined {
  if (text === 'y') return YES;
  if (text === 'm') return MODULE;
  if (text === 'n') return NOT_SET;
  if (/^-?\d+$/.test(text)) return { kind: 'int', value: text };
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return { kind: 'hex', value: text };
  return undefined;
}

/** As on the right-hand side of a `.config` line. */
export function formatValue(value: Value): string {
  return value.kind === 'string' ? `"${value.value.replace(/["\\]/g, '\\$&')}"` : value.value;
}

/** One line of a `.config`, without its end. */
export function formatAssignment(symbol: string, value: Value): string {
  return value.kind === 'tristate' && value.value === 'n'
    ? `# ${symbol} is not set`
    : `${symbol}=${formatValue(value)}`;
}

/** Compares by meaning, see above; an absent symbol means `n` to a switch, and the empty string to a text. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return isUnset(a) && isUnset(b);
  if (a.kind === b.kind) {
    if (a.value === b.value) return true;
    return (a.kind === 'int' || a.kind === 'hex') && BigInt(canonical(a)) === BigInt(canonical(b));
  }
  if (a.kind === 'string') return b.kind !== 'tristate' && sameNumber(a.value, b);
  if (b.kind === 'string') return a.kind !== 'tristate' && sameNumber(b.value, a);
  return false;
}

/** `-` cannot be given to BigInt with a hex; ints may have one. */
function canonical(value: Value): string {
  return value.value.toLowerCase();
}

function sameNumber(text: string, number: Value): boolean {
  const read = parseBareValue(text);
  return read !== undefined && read.kind === number.kind && sameValue(read, number);
}

function isUnset(value: Value | undefined): boolean {
  if (value === undefined) return true;
  return value.kind === 'tristate' ? value.value === 'n' : value.kind === 'string' && value.value === '';
}
