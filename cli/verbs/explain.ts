import type { FinalValue } from '../engines/buildroot/configure/final-value.ts';
import { Failure } from '../failure.ts';
import { finalValueOf } from '../farm/final-values.ts';
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

Exit code 1 if no layer of the workspace sets the symbol.
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
    const chains = findChains(config, symbol);
    const places = {
      installation: session.installation,
      project: project.directory,
      variables: session.environment,
      offline: true,
      signal: session.signal,
    };
    const found = await Promise.all(
      chains.map(async ({ namespace, chain }) => {
        const final = await finalValueOf(winner(chain), namespace, config, places);
        return { namespace, chain, final };
      }),
    );
    session.report({
      kind: 'result',
      value: found.map(({ namespace, chain, final }) => asData(namespace, chain, final)),
      text: found
        .map(({ namespace, chain, final }) => {
          const lines = [chainText(config, namespace, chain, session.cwd)];
          if (final !== undefined) lines.push(finalText(final));
          return lines.join('\n');
        })
        .join('\n\n'),
    });
    return 0;
  },
});

interface FoundChain {
  readonly namespace: Namespace;
  readonly chain: SymbolChain;
}

function findChains(config: ResolvedConfig, word: string): readonly FoundChain[] {
  for (const spelling of new Set([word, word.toUpperCase()])) {
    const found = NAMESPACES.flatMap((namespace) => {
      const symbol = spellSymbol(spelling, namespace);
      const chain = symbol === undefined ? undefined : config.symbols[namespace].get(symbol);
      return chain === undefined ? [] : [{ namespace, chain }];
    });
    if (found.length > 0) return found;
  }
  const names = new Set(NAMESPACES.flatMap((namespace) => [...config.symbols[namespace].keys()]));
  throw new Failure({
    code: 'unknown-symbol',
    message: `no layer of ${config.workspace} sets ${word}`,
    hint: didYouMean(word, names) ?? 'coracle resolve lists the layers of a workspace',
  });
}

/** What came of it, and why if it is not what was asked for. */
function finalText({ value, reason }: FinalValue): string {
  const is =
    value === undefined ? 'not in the final configuration' : `in the final configuration: ${formatValue(value)}`;
  return reason === undefined ? is : `${is}\n  ${reason}`;
}

function asData(namespace: Namespace, chain: SymbolChain, final: FinalValue | undefined) {
  const last = winner(chain);
  return {
    namespace,
    symbol: chain.symbol,
    value: formatValue(last.value),
    ...(final === undefined
      ? {}
      : { final: final.value === undefined ? null : formatValue(final.value), reason: final.reason }),
    chain: chain.chain.map((assignment) => ({
      ...assignment.origin,
      value: formatValue(assignment.value),
      wins: assignment === last,
    })),
  };
}

function chainText(config: ResolvedConfig, namespace: Namespace, chain: SymbolChain, cwd: string): string {
  const last = winner(chain);
  const rows = chain.chain.map((assignment) => [
    assignment === last ? '→' : ' ',
    formatValue(assignment.value),
    assignment.origin.layer,
    placeText(assignment.origin, cwd),
  ]);
  return `${chain.symbol}  (${namespace}, workspace ${config.workspace})\n${table(rows)}`;
}
