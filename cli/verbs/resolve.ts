import { loadProject } from '../workspace/project.ts';
import { resolveWorkspace } from '../workspace/resolve-workspace.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { reasonWords, rootData, rootWords, table, warningsTo } from './layer-words.ts';
import { defineVerb } from './verb.ts';

export const resolve = defineVerb({
  command: 'resolve [workspace]',
  summary: 'Show the layers of a workspace in their final order, and why each is there',
  details: `
Later layers win over earlier ones. What a layer depends on comes before it; otherwise the order is that of the list;
\`overrides/\` comes last.

    coracle resolve
    coracle resolve virt/qemu,core/docker
    coracle resolve qemu --plain
`,
  positionals: {
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    plain: { type: 'boolean', describe: 'Nothing but one name a line' },
    offline: { type: 'boolean', describe: 'Use nothing but the cache' },
  },
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const config = await resolveWorkspace(project, args['workspace'] as string | undefined, {
      offline: args.offline,
      signal: session.signal,
      onWarning: warningsTo(session),
    });
    const text = args.plain === true ? plainText(config) : treeText(config);
    session.report({ kind: 'result', value: asData(config), text });
    return 0;
  },
});

function asData(config: ResolvedConfig) {
  return {
    workspace: config.workspace,
    engine: config.engine,
    arch: config.arch,
    values: config.values,
    layers: config.layers.map(({ layer, reason }) => ({
      name: layer.name,
      reason: reason.kind,
      ...(reason.kind === 'dependency' ? { of: reason.of } : {}),
      form: layer.form,
      directory: layer.directory,
      root: rootData(layer.root),
    })),
  };
}

function plainText(config: ResolvedConfig): string {
  return config.layers.map(({ layer }) => layer.name).join('\n');
}

function treeText(config: ResolvedConfig): string {
  const rows = config.layers.map(({ layer, reason }, index) => [
    `${index + 1}`.padStart(String(config.layers.length).length),
    layer.name,
    reasonWords(reason),
    rootWords(layer.root),
  ]);
  return `${config.workspace}: ${config.arch}, built by ${config.engine}\n${table(rows, '  ')}`;
}
