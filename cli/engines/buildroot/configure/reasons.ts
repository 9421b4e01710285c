/**
 * Why a configuration is not what was asked for, read from the Kconfig files that it was made with, and who would have to ask
 * for what else. Only read where something differs: it takes a moment.
 */
import type { Assignment, Namespace } from '../../../kconfig/assignment.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import { explainSymbol, type Reason, removedSymbol } from '../../../kconfig/language/explain.ts';
import type { KconfigModel } from '../../../kconfig/language/model.ts';
import type { KconfigSource } from '../../../kconfig/language/read-kconfig.ts';
import { renderReason } from '../../../kconfig/language/render-reason.ts';
import { winner } from '../../../kconfig/merge.ts';
import { PREFIX } from '../../../kconfig/namespace.ts';
import { formatValue } from '../../../kconfig/value.ts';
import type { Architecture } from '../../../layers/layer.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { Difference, ExplainedDifference } from './check-request.ts';

export interface ReasonParts {
  readonly config: ResolvedConfig;
  readonly namespace: Namespace;
  /** The final configuration. */
  readonly actual: DotConfig;
  /** Of the files that the configuration was made with. */
  readonly model: () => KconfigModel;
  readonly legacyFile?: string;
}

export function explainDifferences(
  found: readonly Difference[],
  { config, namespace, actual, model: read, legacyFile }: ReasonParts,
): readonly ExplainedDifference[] {
  if (found.length === 0) return [];
  const model = read();
  return found.map((one) => {
    const { symbol, value: wanted } = one.asked;
    const reason = explainSymbol(model, { symbol, wanted, actual, legacyFile });
    const hints = [elsewhere(reason, namespace), ...needs(reason, config, namespace)].filter(
      (hint) => hint !== undefined,
    );
    const hint = hints.length === 0 ? undefined : hints.join('\n');
    return { ...one, cause: renderReason(reason, model), hint, isUnknown: UNKNOWN.has(reason.kind) };
  });
}

const UNKNOWN: ReadonlySet<Reason['kind']> = new Set(['unknown-symbol', 'other-namespace']);

/** A symbol that another namespace would know by its prefix. */
function elsewhere({ kind, symbol }: Reason, namespace: Namespace): string | undefined {
  if (kind !== 'unknown-symbol' || namespace === 'buildroot') return undefined;
  const bare = symbol.slice(PREFIX[namespace].length);
  return bare.startsWith('BR2_') ? 'a symbol of Buildroot belongs into buildroot/' : undefined;
}

/**
 * Assignments that a configuration holds and no build would take: Kconfig keeps symbols that a release removed, so that make
 * can refuse them by BR2_LEGACY.
 */
export function explainRemoved(
  asked: readonly Assignment[],
  { actual, model: read }: Pick<ReasonParts, 'actual' | 'model'>,
): readonly ExplainedDifference[] {
  if (actual.get('BR2_LEGACY')?.value !== 'y') return [];
  const model = read();
  return asked.flatMap((one) => {
    const value = actual.get(one.symbol);
    const reason = value === undefined ? undefined : removedSymbol(model, one.symbol, LEGACY_FILE);
    return reason === undefined ? [] : [{ asked: one, actual: value, cause: renderReason(reason, model) }];
  });
}

/** Where Buildroot keeps what it removed. */
export const LEGACY_FILE = 'Config.in.legacy';

/** What else would have to be asked for, and who asks for something else now. */
function needs(reason: Reason, config: ResolvedConfig, namespace: Namespace): readonly string[] {
  const asks = (symbol: string): string | undefined => {
    const chain = config.symbols[namespace].get(symbol);
    if (chain === undefined) return undefined;
    const { origin, value } = winner(chain);
    return `${origin.layer} sets ${symbol} to ${formatValue(value)} (${origin.file}:${origin.line})`;
  };
  switch (reason.kind) {
    case 'unmet-dependency':
    case 'hidden-prompt':
    case 'module-only':
      return reason.unmet.leaves.map(({ symbol, needs: { operator, text }, origin }) => {
        const who = asks(symbol);
        const needed = `it needs ${symbol} ${operator} ${text}`;
        if (who !== undefined) return `${needed}: ${who}`;
        if (origin.kind === 'settable') return `${needed}, which no layer asks for`;
        if (origin.kind === 'derived' && origin.from.length > 0)
          return `${needed}, which comes with ${few(origin.from)}`;
        if (origin.kind === 'selected') return `${needed}, and ${few(origin.by)} selects it`;
        return needed;
      });
    case 'other-member': {
      const who = reason.winner === undefined ? undefined : asks(reason.winner);
      return who === undefined ? [] : [who];
    }
    case 'selected':
      return reason.by.flatMap(({ symbol }) => asks(symbol) ?? []);
    default:
      return [];
  }
}

const MOST_NAMES = 3;

function few(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(' or ');
  return names.length > MOST_NAMES ? `${shown} or ${names.length - MOST_NAMES} others` : shown;
}

/** Where the Kconfig files of a package are, and how they are written. @param directory of its source */
export function packageKconfig(
  namespace: Exclude<Namespace, 'buildroot'>,
  directory: string,
  arch: Architecture,
): KconfigSource {
  const tree = { tree: directory, prefix: PREFIX[namespace] };
  const name = KERNEL_ARCHITECTURES[arch];
  switch (namespace) {
    case 'busybox':
      return { ...tree, file: 'Config.in', dialect: 'symbols', variables: {} };
    case 'kernel':
      return { ...tree, file: 'Kconfig', dialect: 'macros', variables: { ARCH: name, SRCARCH: name } };
    case 'uboot':
      // U-Boot has one architecture for all of arm.
      return { ...tree, file: 'Kconfig', dialect: 'macros', variables: { ARCH: name.replace('arm64', 'arm') } };
  }
}

const KERNEL_ARCHITECTURES: Readonly<Record<Architecture, string>> = { x86_64: 'x86', arm64: 'arm64' };
