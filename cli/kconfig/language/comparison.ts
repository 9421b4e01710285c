/** How Kconfig compares two values (expr.c of the kernel, since 4.5): by number if both can be read as one, else as texts. */
import type { Comparison } from './expression.ts';
import type { SymbolType } from './model.ts';

/** Below 0, 0 or above 0. @param leftType undefined for a constant, and for a name that nothing defines */
export function compareTexts(
  left: string,
  leftType: SymbolType | undefined,
  right: string,
  rightType: SymbolType | undefined,
): number {
  if (leftType !== 'string' || rightType !== 'string') {
    const a = readNumber(left, leftType);
    const b = readNumber(right, rightType);
    if (a !== undefined && b !== undefined) return a < b ? -1 : a > b ? 1 : 0;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

export function isTruth(order: number, operator: Comparison): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

const INTEGER = /^\s*([-+]?)(\d+)$/;
const HEX = /^\s*([-+]?)(?:0[xX])?([0-9a-fA-F]+)$/;
const HEX_WITH_MARK = /^\s*([-+]?)0[xX]([0-9a-fA-F]+)$/;
const OCTAL = /^\s*([-+]?)0([0-7]+)$/;

/** Undefined if it is a text. */
function readNumber(text: string, type: SymbolType | undefined): bigint | undefined {
  switch (type) {
    case 'bool':
    case 'tristate':
      return BigInt(['n', 'm', 'y'].indexOf(text));
    case 'int':
      return signed(INTEGER.exec(text), '');
    case 'hex':
      return signed(HEX.exec(text), '0x');
    default:
      // As in C, the beginning says which base it has.
      return (
        signed(HEX_WITH_MARK.exec(text), '0x') ??
        signed(OCTAL.exec(text), '0o') ??
        (/^\s*[-+]?0\d/.test(text) ? undefined : signed(INTEGER.exec(text), ''))
      );
  }
}

function signed(match: RegExpExecArray | null, mark: string): bigint | undefined {
  if (match === null) return undefined;
  const value = BigInt(mark + match[2]);
  return match[1] === '-' ? -value : value;
}

/** A value of an int or hex as strtoll reads it: what is no number is 0. */
export function numberOf(text: string, type: SymbolType | undefined): bigint {
  if (type === 'hex') return BigInt(`0x${/^(?:0[xX])?([0-9a-fA-F]+)/.exec(text)?.[1] ?? '0'}`);
  return BigInt(/^-?\d+/.exec(text)?.[0] ?? '0');
}
