import { type Assignment, NAMESPACES, type Namespace } from '../kconfig/assignment.ts';
import { compareConfigs, type SymbolDifference } from '../kconfig/compare.ts';
import { formatValue } from '../kconfig/value.ts';
import { placeText } from '../ui/failure-text.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { chooseWorkspaces, ORDER_OPTION } from './chosen-workspaces.ts';
import { table } from './layer-words.ts';
import { defineVerb } from './verb.ts';

export const diff = defineVerb({
  command: 'diff <a> <b>',
  summary: 'Compare what two workspaces or layer lists ask for, symbol by symbol',
  details: `
Compares by meaning: \`X=n\` and \`# X is not set\` are the same, and so are \`0x1F\` and \`0x1f\`; order and comments do not
count. Each difference names the layer, file and line on both sides. Layers that only one side has come first.

    coracle diff qemu mini
    coracle diff virt/qemu,core/podman virt/qemu,core/docker --json

Exit code 0; with \`--exit-code\`, 1 if there is a difference.
`,
  positionals: {
    a: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
    b: { type: 'string', describe: 'The same, to compare with' },
  },
  options: {
    'exit-code': { type: 'boolean', describe: 'Exit with 1 if there is a difference' },
    offline: { type: 'boolean', describe: 'Use nothing but the cache' },
    ...ORDER_OPTION,
  },
  run: async (args, session) => {
    const names = [String(args['a']), String(args['b'])];
    const { configs } = await chooseWorkspaces(session, { names, offline: args.offline, skiffOrder: args.skiffOrder });
    const [a, b = a] = configs;
    if (a === undefined || b === undefined) return 1;
    const differences = compareResolved(a, b);
    session.report({ kind: 'result', value: asData(differences), text: differencesText(differences, session.cwd) });
    return args['exitCode'] === true && !isSame(differences) ? 1 : 0;
  },
});

interface Differences {
  /** Layers of one side only, in their order there. */
  readonly layers: { readonly removed: readonly string[]; readonly added: readonly string[] };
  readonly symbols: readonly { readonly namespace: Namespace; readonly differences: readonly SymbolDifference[] }[];
}

function compareResolved(a: ResolvedConfig, b: ResolvedConfig): Differences {
  const [before, after] = [a, b].map((config) => config.layers.map(({ layer }) => layer.name)) as [string[], string[]];
  return {
    layers: {
      removed: before.filter((name) => !after.includes(name)),
      added: after.filter((name) => !before.includes(name)),
    },
    symbols: NAMESPACES.map((namespace) => ({
      namespace,
      differences: compareConfigs(a.symbols[namespace], b.symbols[namespace]),
    })),
  };
}

function isSame({ layers, symbols }: Differences): boolean {
  const empty = (list: readonly unknown[]): boolean => list.length === 0;
  return empty(layers.removed) && empty(layers.added) && symbols.every(({ differences }) => empty(differences));
}

function asData({ layers, symbols }: Differences) {
  const side = (assignment: Assignment | undefined) =>
    assignment === undefined ? null : { ...assignment.origin, value: formatValue(assignment.value) };
  return {
    layers,
    symbols: symbols.flatMap(({ namespace, differences }) =>
      differences.map((one) => ({
        namespace,
        symbol: one.symbol,
        kind: one.kind,
        before: side('before' in one ? one.before : undefined),
        after: side('after' in one ? one.after : undefined),
      })),
    ),
  };
}

function differencesText(found: Differences, cwd: string): string {
  if (isSame(found)) return 'no difference';
  const blocks: string[] = [];
  const { removed, added } = found.layers;
  if (removed.length + added.length > 0) {
    blocks.push(['layers', ...removed.map((name) => `- ${name}`), ...added.map((name) => `+ ${name}`)].join('\n'));
  }
  for (const { namespace, differences } of found.symbols) {
    if (differences.length === 0) continue;
    blocks.push(`${namespace}\n${table(differences.flatMap((one) => differenceRows(one, cwd)))}`);
  }
  return blocks.join('\n\n');
}

function differenceRows(one: SymbolDifference, cwd: string): string[][] {
  const row = (mark: string, { value, origin }: Assignment): string[] => [
    `${mark} ${one.symbol}=${formatValue(value)}`,
    origin.layer,
    placeText(origin, cwd),
  ];
  return [...('before' in one ? [row('-', one.before)] : []), ...('after' in one ? [row('+', one.after)] : [])];
}
