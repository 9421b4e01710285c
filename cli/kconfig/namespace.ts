/** The four configurations that layers contribute to, and how their symbols are spelt. */
import type { Namespace } from './assignment.ts';

/** What every symbol of a namespace starts with, as in its `.config`. */
export const PREFIX: Readonly<Record<Namespace, string>> = {
  buildroot: 'BR2_',
  kernel: 'CONFIG_',
  uboot: 'CONFIG_',
  busybox: 'CONFIG_',
};

/** Every prefix once. */
export const PREFIXES: readonly string[] = [...new Set(Object.values(PREFIX))];

/** The spellings that a user's word may stand for: as it is if it has a prefix, else with the namespace's own. */
export function spellSymbol(word: string, namespace: Namespace): string | undefined {
  const own = PREFIX[namespace];
  if (word.startsWith(own)) return word;
  return PREFIXES.some((prefix) => word.startsWith(prefix)) ? undefined : own + word;
}
