/**
 * What somebody changed in a configuration, and the fewest assignments that say so: between two final `.config`s much differs
 * that only follows from something else.
 */
import type { Value } from './assignment.ts';
import type { DotConfig } from './dotconfig.ts';
import { sameValue } from './value.ts';

export interface SymbolChange {
  readonly symbol: string;
  /** Undefined: the configuration does not have it, because something that it depends on is off. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** A value that somebody asks for. */
export interface Setting {
  readonly symbol: string;
  readonly value: Value;
}

/** In the order of `after`, which is that of the menus; what is gone comes last. */
export function changesBetween(before: DotConfig, after: DotConfig): readonly SymbolChange[] {
  return [...new Set([...after.keys(), ...before.keys()])]
    .map((symbol) => ({ symbol, before: before.get(symbol), after: after.get(symbol) }))
    .filter((change) => !sameValue(change.before, change.after));
}

/**
 * What `after` says and `before` does not. A symbol that is off in one and not there in the other differs here: it may have
 * come into sight together with a default that is on, and been turned off.
 *
 * Of two configurations that are written without what follows from defaults (`savedefconfig`), this is often all that was
 * really changed; what is not written any more has become a default, with its value in the whole.
 */
export function settingsBetween(before: DotConfig, after: DotConfig, whole = after): readonly Setting[] {
  return [...new Set([...after.keys(), ...before.keys()])].flatMap((symbol) => {
    const value = after.get(symbol) ?? whole.get(symbol);
    const isSame = before.has(symbol) === after.has(symbol) && sameValue(before.get(symbol), after.get(symbol));
    return value === undefined || isSame ? [] : [{ symbol, value }];
  });
}

/**
 * Leaves out whatever can be left out. It asks in halves, quarters and so on, so that a few that count among many are found
 * with few questions; of two that could stand for each other, the one that comes later stays.
 *
 * @param holds whether what is left still says it all; it does for all of `settings`
 */
export async function withoutNeedless<T>(
  settings: readonly T[],
  holds: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = settings;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < kept.length; ) {
      const fewer = kept.toSpliced(start, size);
      if (await holds(fewer)) kept = fewer;
      else start += size;
    }
  }
  return kept;
}
