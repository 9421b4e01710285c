import { describeValue } from '../engines/buildroot/configure/check-request.ts';
import type { FinalValue } from '../engines/buildroot/configure/final-value.ts';
import type { OwnAssignment } from '../engines/buildroot/configure/own-assignment.ts';
import { Failure } from '../failure.ts';
import { finalValueOf, ownAssignmentOf, symbolsOf } from '../farm/final-values.ts';
import { NAMESPACES, type Namespace, type SymbolChain } from '../kconfig/assignment.ts';
import { winner } from '../kconfig/merge.ts';
import { spellSymbol } from '../kconfig/namespace.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import { formatValue } from '../kconfig/value.ts';
import { placeText } from '../ui/failure-text.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { chooseWorkspaces, namesOf, ORDER_OPTION } from './chosen-workspaces.ts';
import { table } from './layer-words.ts';
import { defineVerb } from './verb.ts';

export const explain = defineVerb({
  command: 'explain <symbol> [workspace]',
  summary: 'Show who sets a Kconfig symbol, first to last, and who wins',
  details: `
The symbol may be written with or without its prefix; Buildroot, kernel, U-Boot and Busybox are all looked through.

    coracle explain BR2_INIT_SYSTEMD
    coracle explain EXT4_FS mini
    coracle explain EXT4_FS virt/qemu,core/docker --json

For the buildroot engine, it also says what the final configuration has and, where that is not what was asked for, why.

Some symbols Coracle sets itself; then it is named as the one who wins (docs/buildroot-engine.md lists them).

Exit code 1 if neither a layer of the workspace nor Coracle sets the symbol.
`,
  positionals: {
    symbol: { type: 'string', describe: 'A Kconfig symbol, with or without BR2_ or CONFIG_' },
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: { offline: { type: 'boolean', describe: 'Use nothing but the cache' }, ...ORDER_OPTION },
  run: async (args, session) => {
    const symbol = String(args['symbol']).trim();
    if (symbol === '') throw new Failure({ code: 'usage', message: 'which symbol?', hint: 'coracle explain EXT4_FS' });
    const names = namesOf(args['workspace']);
    const { offline, skiffOrder } = args;
    const { project, configs } = await chooseWorkspaces(session, { names, offline, skiffOrder });
    const [config] = configs;
    if (config === undefined) return 1;
    const places = {
      installation: session.installation,
      project: project.directory,
      variables: session.environment,
      offline: true,
      signal: session.signal,
    };
    const found = findSymbols(config, symbol, places);
    if (found.length === 0) throw await unknownSymbol(config, symbol, places);
    const told = await Promise.all(
      found.map(async (one): Promise<ToldSymbol> => {
        if (one.chain === undefined) return one;
        const final = await finalValueOf(winner(one.chain), one.namespace, config, places);
        return { ...one, own: final?.own ?? one.own, final };
      }),
    );
    session.report({
      kind: 'result',
      value: told.map(asData),
      text: told.map((one) => symbolText(config, one, session.cwd)).join('\n\n'),
    });
    return 0;
  },
});

type Places = Parameters<typeof finalValueOf>[3];

interface FoundSymbol {
  readonly namespace: Namespace;
  readonly symbol: string;
  /** Of layers; undefined if Coracle alone sets it. */
  readonly chain: SymbolChain | undefined;
  /** What Coracle sets it to, whatever layers say. */
  readonly own: OwnAssignment | undefined;
}

interface ToldSymbol extends FoundSymbol {
  readonly final?: FinalValue | undefined;
}

function findSymbols(config: ResolvedConfig, word: string, places: Places): readonly FoundSymbol[] {
  for (const spelling of new Set([word, word.toUpperCase()])) {
    const found = NAMESPACES.flatMap((namespace): FoundSymbol[] => {
      const symbol = spellSymbol(spelling, namespace);
      if (symbol === undefined) return [];
      const chain = config.symbols[namespace].get(symbol);
      const own = namespace === 'buildroot' ? ownAssignmentOf(symbol, config, places) : undefined;
      return chain === undefined && own === undefined ? [] : [{ namespace, symbol, chain, own }];
    });
    if (found.length > 0) return found;
  }
  return [];
}

/** Nobody sets it: it is misspelt, or as Buildroot has it by default. */
async function unknownSymbol(config: ResolvedConfig, word: string, places: Places): Promise<Failure> {
  const symbol = spellSymbol(word, 'buildroot') ?? word;
  const tree = await symbolsOf(symbol, config, places).catch((error: unknown) => {
    // What is wrong with the layers, a build says; here it is about the name.
    if (error instanceof Failure) return undefined;
    throw error;
  });
  const value = tree?.final.get(symbol);
  const isKnown = tree?.names.has(symbol) === true;
  const names = NAMESPACES.flatMap((namespace) => [...config.symbols[namespace].keys()]);
  const hint = isKnown ? undefined : didYouMean(word, new Set([...names, ...(tree?.names ?? [])]));
  const is = value === undefined ? 'is not in the final configuration' : `is ${describeValue(value)} by itself`;
  return new Failure({
    code: 'unknown-symbol',
    message: `no layer of ${config.workspace} sets ${word}`,
    ...(isKnown ? { cause: `Buildroot has such a symbol, and it ${is}` } : {}),
    hint: hint ?? 'coracle resolve lists the layers of a workspace',
  });
}

/** What came of it, and why if it is not what was asked for. */
function finalText({ value, reason }: FinalValue): string {
  const is =
    value === undefined ? 'not in the final configuration' : `in the final configuration: ${formatValue(value)}`;
  return reason === undefined ? is : `${is}\n  ${reason}`;
}

function asData({ namespace, symbol, chain, own, final }: ToldSymbol) {
  const last = chain === undefined ? undefined : winner(chain);
  const value = own?.value ?? last?.value;
  return {
    namespace,
    symbol,
    value: value === undefined ? null : formatValue(value),
    ...(final === undefined
      ? {}
      : { final: final.value === undefined ? null : formatValue(final.value), reason: final.reason }),
    chain: (chain?.chain ?? []).map((assignment) => ({
      ...assignment.origin,
      value: formatValue(assignment.value),
      wins: own === undefined && assignment === last,
    })),
    ...(own === undefined ? {} : { coracle: { value: formatValue(own.value), why: own.why, wins: true } }),
  };
}

function symbolText(
  { workspace }: ResolvedConfig,
  { namespace, symbol, chain, own, final }: ToldSymbol,
  cwd: string,
): string {
  const last = own !== undefined || chain === undefined ? undefined : winner(chain);
  const rows = (chain?.chain ?? []).map((assignment) => [
    assignment === last ? '→' : ' ',
    formatValue(assignment.value),
    assignment.origin.layer,
    placeText(assignment.origin, cwd),
  ]);
  if (own !== undefined) rows.push(['→', formatValue(own.value), 'Coracle', own.why]);
  const lines = [`${symbol}  (${namespace}, workspace ${workspace})`, table(rows)];
  if (final !== undefined) lines.push(finalText(final));
  return lines.join('\n');
}
