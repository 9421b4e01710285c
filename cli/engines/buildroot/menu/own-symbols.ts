/** Symbols that Coracle sets itself, from what layers hold besides fragments: a menu shows them, and cannot change them. */
import { Failure, throwAny } from '../../../failure.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import { sameValue } from '../../../kconfig/value.ts';
import { describeValue } from '../configure/check-request.ts';
import { placeInLayer } from '../configure/symbols-of-coracle.ts';
import type { Configured } from './configuration-menu.ts';

/**
 * @param before what the menu showed
 * @param after what Coracle sets once the user's changes are asked for: what it set by default only is theirs then
 * @throws Failure `symbol-of-coracle`, all at once
 */
export function refuseOwnSymbols(before: Configured, after: Configured, saved: DotConfig): void {
  const failures = after.own.flatMap(({ symbol, value, why }) => {
    const was = before.own.find((one) => one.symbol === symbol);
    // What was not set before was not there to be changed.
    if (was === undefined || sameValue(saved.get(symbol), before.final.get(symbol))) return [];
    return [
      new Failure({
        code: 'symbol-of-coracle',
        message: `${symbol} cannot be changed in the menu: Coracle sets it to ${describeValue(value)}`,
        cause: why,
        hint: placeInLayer(symbol),
      }),
    ];
  });
  throwAny(failures);
}
