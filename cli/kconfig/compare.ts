/**
 * Compares two configurations by meaning, symbol by symbol. They are requests: a symbol that is asked to be `n` and one
 * that nobody asked for differ, because a Kconfig may turn the second on by default.
 */
import type { Assignment, MergedConfig } from './assignment.ts';
import { winner } from './merge.ts';
import { sameValue } from './value.ts';

export type SymbolDifference = { readonly symbol: string } & (
  | { readonly kind: 'added'; readonly after: Assignment }
  | { readonly kind: 'removed'; readonly before: Assignment }
  | { readonly kind: 'changed'; readonly before: Assignment; readonly after: Assignment }
);

/** Sorted by symbol. */
export function compareConfigs(before: MergedConfig, after: MergedConfig): readonly SymbolDifference[] {
  const found: SymbolDifference[] = [];
  for (const [symbol, chain] of before) {
    const old = winner(chain);
    const other = after.get(symbol);
    if (other === undefined) {
      found.push({ kind: 'removed', symbol, before: old });
      continue;
    }
    const now = winner(other);
    if (!sameValue(old.value, now.value)) found.push({ kind: 'changed', symbol, before: old, after: now });
  }
  for (const [symbol, chain] of after) {
    if (!before.has(symbol)) found.push({ kind: 'added', symbol, after: winner(chain) });
  }
  return found.sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
}
