import { relative } from 'node:path';
import { Failure } from '../failure.ts';
import { type Assignment, NAMESPACES, type Namespace, type SymbolChain } from '../kconfig/assignment.ts';
import { winner } from '../kconfig/merge.ts';
import { spellSymbol } from '../kconfig/namespace.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import { formatValue } from '../kconfig/value.ts';
import { loadProject } from '../workspace/project.ts';
import { resolveWorkspace } from '../workspace/resolve-workspace.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { defineVerb } from './verb.ts';

export const explain = defineVerb({
  command: 'explain <symbol> [workspace]',
  summary: 'Show who sets a Kconfig symbol, first to last, and who wins',
  details: `
The symbol may be written with or without its prefix; Buildroot, kernel, U-Boot and Busybox are all looked through.

    coracle explain BR2_INIT_SYSTEMD
    coracle explain EXT4_FS pi4
    coracle explain EXT4_FS pi/4,core/docker --json

Exit code 1 if no layer of the workspace sets the symbol.
`,
  positionals: {
    symbol: { type: 'string', describe: 'A Kconfig symbol, with or without BR2_ or CONFIG_' },
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {},
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const config = await resolveWorkspace(project, args['workspace'] as string | undefined);
    const found = findChains(config, String(args['symbol']));
    session.report({
      kind: 'result',
      value: found.map(({ namespace, chain }) => asData(namespace, chain)),
      text: found.map(({ namespace, chain }) => chainText(config, namespace, chain, session.cwd)).join('\n\n'),
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

function asData(namespace: Namespace, chain: SymbolChain) {
  const last = winner(chain);
  return {
    namespace,
    symbol: chain.symbol,
    value: formatValue(last.value),
    chain: chain.chain.map((assignment) => ({
      ...assignment.origin,
      value: formatValue(assignment.value),
      wins: assignment === last,
    })),
  };
}

function chainText(config: ResolvedConfig, namespace: Namespace, chain: SymbolChain, cwd: string): string {
  const last = winner(chain);
  const rows = chain.chain.map((assignment) => ({
    mark: assignment === last ? '→' : ' ',
    value: formatValue(assignment.value),
    layer: assignment.origin.layer,
    place: placeText(assignment, cwd),
  }));
  const width = (pick: (row: (typeof rows)[number]) => string): number =>
    Math.max(...rows.map((row) => pick(row).length));
  const values = width((row) => row.value);
  const layers = width((row) => row.layer);
  const lines = rows.map((row) => `${row.mark} ${row.value.padEnd(values)}  ${row.layer.padEnd(layers)}  ${row.place}`);
  return [`${chain.symbol}  (${namespace}, workspace ${config.workspace})`, ...lines].join('\n');
}

function placeText({ origin }: Assignment, cwd: string): string {
  const path = relative(cwd, origin.file);
  return `${path.startsWith('..') ? origin.file : path}:${origin.line}`;
}
