/**
 * Compares what was asked for with a final configuration, symbol by symbol. Whatever was dropped or changed is a failure with
 * its origin and the reason, unless a layer or the workspace accepts it.
 *
 * Layers of SkiffOS are written for a build that drops symbols in silence, so their differences are warnings.
 */
import { Failure } from '../../../failure.ts';
import type { Assignment, Namespace, Value } from '../../../kconfig/assignment.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import { PREFIX } from '../../../kconfig/namespace.ts';
import { formatValue, sameValue } from '../../../kconfig/value.ts';
import type { AcceptedDifference } from '../../../layers/layer.ts';
import type { StageContext } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';

export interface Difference {
  readonly asked: Assignment;
  /** Undefined: the final configuration does not have the symbol. */
  readonly actual: Value | undefined;
}

export interface ExplainedDifference extends Difference {
  /** Why, in a sentence or two. */
  readonly cause: string;
  /** What to do, beside accepting it. */
  readonly hint?: string | undefined;
  /** There is no such symbol: it is misspelt, or somebody else's, and nothing is there to be accepted. */
  readonly isUnknown?: boolean;
}

export interface CheckedRequest {
  readonly failures: readonly Failure[];
  /** Differences of layers that are only told. */
  readonly warnings: readonly Failure[];
  readonly accepted: readonly AcceptedDifference[];
  /** Accepted differences that there are not. */
  readonly needless: readonly AcceptedDifference[];
}

export function differences(asked: readonly Assignment[], actual: DotConfig): readonly Difference[] {
  return asked
    .filter(({ symbol, value }) => !isHonoured(value, actual.get(symbol)))
    .map((one) => ({ asked: one, actual: actual.get(one.symbol) }));
}

/** Built in where a module was asked for is more than was asked for. */
function isHonoured(wanted: Value, actual: Value | undefined): boolean {
  if (sameValue(wanted, actual)) return true;
  return wanted.kind === 'tristate' && wanted.value === 'm' && actual?.kind === 'tristate' && actual.value === 'y';
}

/** @param what has the configuration, for messages: `Buildroot 2026.02.3`, `linux 6.12.1` */
export function judgeDifferences(
  found: readonly ExplainedDifference[],
  config: ResolvedConfig,
  { namespace, what }: { readonly namespace: Namespace; readonly what: string },
): CheckedRequest {
  const accepts = acceptedDifferences(config, namespace);
  const used = new Set<AcceptedDifference>();
  const tolerant = new Set(
    config.layers.filter(({ layer }) => layer.form === 'skiffos').map(({ layer }) => layer.name),
  );
  const failures: Failure[] = [];
  const warnings: Failure[] = [];
  for (const one of found) {
    const accept = accepts.get(one.asked.symbol);
    if (accept !== undefined) used.add(accept);
    else (tolerant.has(one.asked.origin.layer) ? warnings : failures).push(dishonoured(one, namespace, what));
  }
  const acceptable = failures.filter(({ parts }) => parts.hint?.includes(ACCEPT));
  const all = [...accepts.values()];
  return {
    failures:
      acceptable.length > FEW ? [...failures.map(withoutAccept), together(acceptable, namespace, what)] : failures,
    warnings,
    accepted: all.filter((one) => used.has(one)),
    needless: all.filter((one) => !used.has(one)),
  };
}

/** By symbol with its prefix; the workspace's own come last and win. */
function acceptedDifferences(config: ResolvedConfig, namespace: Namespace): ReadonlyMap<string, AcceptedDifference> {
  const all = [...config.layers.flatMap(({ layer }) => layer.accept), ...(config.settings.accept ?? [])];
  const prefix = PREFIX[namespace];
  return new Map(
    all
      .filter((one) => one.namespace === namespace)
      .map((one) => [one.symbol.startsWith(prefix) ? one.symbol : prefix + one.symbol, one]),
  );
}

const ACCEPT = 'accept it: under accept: write';

function dishonoured(difference: ExplainedDifference, namespace: Namespace, what: string): Failure {
  const { asked, actual, cause, hint, isUnknown } = difference;
  const { origin, symbol, value } = asked;
  return new Failure({
    code: 'symbol-not-honoured',
    message: isHonoured(value, actual)
      ? `${what} does not have ${symbol} any more`
      : `${what} does not honour ${symbol}: asked for ${describeValue(value)}, is ${describeValue(actual)}`,
    place: { file: origin.file, line: origin.line },
    layer: origin.layer,
    cause,
    hint: hintOf([hint, isUnknown ? undefined : `${ACCEPT} {namespace: ${namespace}, symbol: ${symbol}, reason: …}`]),
  });
}

function hintOf(lines: readonly (string | undefined)[]): string | undefined {
  const said = lines.filter((line) => line !== undefined);
  return said.length === 0 ? undefined : said.join('\n');
}

/** More than these are told with the way to accept them only once, at the end, where it is read. */
const FEW = 5;

function withoutAccept(failure: Failure): Failure {
  const hints = failure.parts.hint?.split('\n').filter((line) => !line.startsWith(ACCEPT)) ?? [];
  return new Failure({ ...failure.parts, hint: hintOf(hints) });
}

function together(failures: readonly Failure[], namespace: Namespace, what: string): Failure {
  const layers = [...new Set(failures.map(({ parts }) => parts.layer ?? ''))];
  return new Failure({
    code: 'symbols-not-honoured',
    message: `${what} does not honour ${failures.length} symbols of ${layers.join(', ')}`,
    hint: `where a difference is fine, accept it in layer.yaml: under accept: write {namespace: ${namespace}, symbol: …, reason: …}`,
  });
}

export function describeValue(value: Value | undefined): string {
  if (value === undefined) return 'not there';
  return value.kind === 'tristate' && value.value === 'n' ? 'not set' : formatValue(value);
}

/** Says what is not as asked and is no failure. */
export function reportCheck(
  { warnings, needless }: CheckedRequest,
  { report, step }: Pick<StageContext, 'report' | 'step'>,
): void {
  for (const { parts } of warnings) {
    const place = parts.place === undefined ? '' : `${parts.place.file}:${parts.place.line}: `;
    report({ kind: 'warning', step, text: `${place}${parts.message}: ${parts.cause}` });
  }
  if (needless.length > 0) {
    const symbols = needless.map(({ symbol }) => symbol).join(', ');
    report({ kind: 'note', step, text: `accepted differences that there are not: ${symbols}` });
  }
}
