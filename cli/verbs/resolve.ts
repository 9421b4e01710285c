import { loadProject } from '../workspace/project.ts';
import { completed, type ResolvedLayers, resolveLayers } from '../workspace/resolve-workspace.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { ORDER_OPTION } from './chosen-workspaces.ts';
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

SkiffOS's own resolver leaves a dependency behind its dependent if something else brought it into the list. There is a
warning where its order would be another; \`--skiff-order\` gives it.

A list that cannot be built, because its layers are for architectures that do not go together or that Coracle does not know,
is shown nevertheless; the exit code is 1.
`,
  positionals: {
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    plain: { type: 'boolean', describe: 'Nothing but one name a line' },
    offline: { type: 'boolean', describe: 'Use nothing but the cache' },
    ...ORDER_OPTION,
  },
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const options = {
      offline: args.offline,
      skiffOrder: args.skiffOrder,
      signal: session.signal,
      onWarning: warningsTo(session),
    };
    const resolved = await resolveLayers(project, args['workspace'] as string | undefined, options);
    let config: Shown = resolved;
    try {
      config = completed(project, resolved);
    } finally {
      const text = args.plain === true ? plainText(config) : treeText(config);
      session.report({ kind: 'result', value: asData(config), text });
    }
    return 0;
  },
});

type Shown = ResolvedLayers | ResolvedConfig;

function asData(config: Shown) {
  return {
    workspace: config.workspace,
    engine: config.engine,
    ...('arch' in config ? { arch: config.arch, values: config.values } : {}),
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

function plainText(config: Shown): string {
  return config.layers.map(({ layer }) => layer.name).join('\n');
}

function treeText(config: Shown): string {
  const rows = config.layers.map(({ layer, reason }, index) => [
    `${index + 1}`.padStart(String(config.layers.length).length),
    layer.name,
    reasonWords(reason),
    rootWords(layer.root),
  ]);
  const arch = 'arch' in config ? config.arch : 'no architecture';
  return `${config.workspace}: ${arch}, built by ${config.engine}\n${table(rows, '  ')}`;
}
