/**
 * Expressions of the Kconfig language as values: what stands behind `depends on`, `if` and `default`. They are shared
 * between the symbols of a menu, so nothing changes one after it was made.
 */

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** What can be compared, and what a `default` of a text or a number is. */
export type Operand =
  /** Without the prefix of a `.config`. A name that nothing defines stands for its own text: `5` is 5. */
  | { readonly kind: 'symbol'; readonly name: string }
  /** Quoted, or `y`, `m`, `n`. */
  | { readonly kind: 'constant'; readonly text: string }
  /** Made by a macro whose result is not known, e.g. of `$(shell,…)`. */
  | { readonly kind: 'unknown'; readonly text: string };

export type Expression =
  | Operand
  /** A bare `m` in a condition: m with modules, n without. */
  | { readonly kind: 'module' }
  /** The choice around a member is on; an index into `KconfigModel.choices`. */
  | { readonly kind: 'choice'; readonly choice: number }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Expression[] }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Operand; readonly right: Operand };

/** An absent condition always holds. */
export type Condition = Expression | undefined;

export function allOf(...conditions: readonly Condition[]): Condition {
  return joined('and', conditions);
}

/** Absent if one of them is, for that one always holds; also of no conditions at all. */
export function anyOf(conditions: readonly Condition[]): Condition {
  return conditions.includes(undefined) ? undefined : joined('or', conditions);
}

function joined(kind: 'and' | 'or', conditions: readonly Condition[]): Condition {
  const operands = conditions.filter((condition) => condition !== undefined);
  return operands.length > 1 ? { kind, operands } : operands[0];
}

/** Whether the symbol must be on for the condition to hold, as far as that can be read off without thinking. */
export function dependsOn(condition: Condition, symbol: string): boolean {
  switch (condition?.kind) {
    case 'symbol':
      return condition.name === symbol;
    case 'and':
      return condition.operands.some((operand) => dependsOn(operand, symbol));
    case 'compare': {
      const { left, operator, right } = condition;
      if (left.kind !== 'symbol' || left.name !== symbol || right.kind !== 'constant') return false;
      return operator === '=' ? right.text === 'y' || right.text === 'm' : operator === '!=' && right.text === 'n';
    }
    default:
      return false;
  }
}

/** As a Kconfig file has it, with the prefix of a `.config` before each symbol. */
export function formatExpression(expression: Expression, prefix: string, isSymbol: (name: string) => boolean): string {
  const bracketed = (inner: Expression): string =>
    inner.kind === 'and' || inner.kind === 'or' ? `(${format(inner)})` : format(inner);
  const format = (inner: Expression): string => {
    switch (inner.kind) {
      case 'symbol':
        return isSymbol(inner.name) || !/^(?:-?\d|0x)/.test(inner.name) ? prefix + inner.name : inner.name;
      case 'constant':
        return /^[ymn]$/.test(inner.text) ? inner.text : `"${inner.text}"`;
      case 'unknown':
        return inner.text;
      case 'module':
        return 'm';
      case 'choice':
        return 'its choice';
      case 'not':
        return `!${inner.operand.kind === 'compare' ? `(${format(inner.operand)})` : bracketed(inner.operand)}`;
      case 'and':
        return inner.operands.map(bracketed).join(' && ');
      case 'or':
        return inner.operands.map(bracketed).join(' || ');
      case 'compare':
        return `${format(inner.left)} ${inner.operator} ${format(inner.right)}`;
    }
  };
  return format(expression);
}
