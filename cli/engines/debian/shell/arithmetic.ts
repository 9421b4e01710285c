/** `$((…))` over integers; what is unknown or not modelled has no value. */
import type { ArithmeticExpression } from 'unbash';

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? Number.NaN : Math.trunc(a / b)),
  '%': (a, b) => (b === 0 ? Number.NaN : a % b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  '||': (a, b) => Number(a !== 0 || b !== 0),
};

/** @param valueOfWord text of a number, a name or an expansion, expanded */
export function evaluateArithmetic(
  expression: ArithmeticExpression | undefined,
  valueOfWord: (text: string) => string,
): number | undefined {
  switch (expression?.type) {
    case 'ArithmeticGroup':
      return evaluateArithmetic(expression.expression, valueOfWord);
    case 'ArithmeticWord': {
      const text = valueOfWord(expression.value);
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text === '' ? 0 : undefined;
    }
    case 'ArithmeticUnary': {
      const value = evaluateArithmetic(expression.operand, valueOfWord);
      if (value === undefined) return undefined;
      return { '-': -value, '+': value, '!': Number(value === 0) }[expression.operator];
    }
    case 'ArithmeticBinary': {
      const [left, right] = [expression.left, expression.right].map((side) => evaluateArithmetic(side, valueOfWord));
      if (left === undefined || right === undefined) return undefined;
      const value = BINARY[expression.operator]?.(left, right);
      return Number.isSafeInteger(value) ? value : undefined;
    }
    case 'ArithmeticTernary': {
      const test = evaluateArithmetic(expression.test, valueOfWord);
      if (test === undefined) return undefined;
      return evaluateArithmetic(test === 0 ? expression.alternate : expression.consequent, valueOfWord);
    }
    default:
      return undefined;
  }
}
