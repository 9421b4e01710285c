import { relative } from 'node:path';
import { NAMESPACES } from '../kconfig/assignment.ts';
import { mergeFragments } from '../kconfig/merge.ts';
import { type Layer, type LayerContents, PATCH_KINDS } from '../layers/layer.ts';
import { LayerLibrary } from '../layers/layer-library.ts';
import { layerRoots } from '../workspace/layer-roots.ts';
import { loadProject } from '../workspace/project.ts';
import { rootData, rootWords, table, warningsTo } from './layer-words.ts';
import { defineVerb } from './verb.ts';

export const show = defineVerb({
  command: 'show <layer>',
  summary: 'Show one layer: what it contributes, and where it comes from',
  details: 'Paths are relative to the layer. With `--json`, everything that is known of the layer.',
  positionals: { layer: { type: 'string', describe: 'A layer, <group>/<name>' } },
  options: { offline: { type: 'boolean', describe: 'Use nothing but the cache' } },
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const onWarning = warningsTo(session);
    const library = new LayerLibrary(
      await layerRoots(project, { offline: args.offline, signal: session.signal, onWarning }),
    );
    const layer = library.find({ name: String(args['layer']) });
    for (const warning of layer.warnings ?? []) onWarning(warning);
    const symbols = await symbolCounts(layer);
    session.report({
      kind: 'result',
      value: { ...layer, root: rootData(layer.root), symbols },
      text: layerText(layer, symbols),
    });
    return 0;
  },
});

type SymbolCounts = Readonly<Record<string, number>>;

async function symbolCounts(layer: Layer): Promise<SymbolCounts> {
  const counts: Record<string, number> = {};
  for (const namespace of NAMESPACES) {
    const files = layer.contents.fragments[namespace];
    const merged = await mergeFragments([{ layer: layer.name, files, tolerant: true }], { namespace });
    counts[namespace] = merged.size;
  }
  return counts;
}

function layerText(layer: Layer, symbols: SymbolCounts): string {
  const about = [
    ['from', rootWords(layer.root)],
    ['directory', layer.directory],
    ['form', layer.form === 'coracle' ? 'layer.yaml' : "SkiffOS's metadata/"],
    ['architectures', layer.arch.length === 0 ? 'any' : layer.arch.join(', ')],
    ['provides', layer.provides.map((role) => role.value).join(', ')],
    ['depends on', layer.depends.map((name) => name.value).join(', ')],
    ['conflicts with', layer.conflicts.map((name) => name.value).join(', ')],
    [
      'values',
      layer.slots.map((slot) => `${slot.name}${slot.default === undefined ? '' : `=${slot.default}`}`).join(', '),
    ],
    ['commands', layer.commands.map((command) => command.name).join(', ')],
  ].filter(([, value]) => value !== '');
  const rows = contributions(layer, symbols);
  const contributes = rows.length === 0 ? 'contributes nothing of its own' : `contributes\n${table(rows, '  ')}`;
  return `${layer.name}: ${layer.description}\n${table(about, '  ')}\n${contributes}`;
}

function contributions(layer: Layer, symbols: SymbolCounts): readonly (readonly string[])[] {
  const { contents } = layer;
  const short = (paths: readonly string[]): string => paths.map((path) => relative(layer.directory, path)).join(' ');
  const fragments = NAMESPACES.map((namespace) => [
    `${namespace} fragments`,
    contents.fragments[namespace].length === 0
      ? ''
      : `${symbols[namespace]} symbols: ${short(contents.fragments[namespace])}`,
  ]);
  const patches = PATCH_KINDS.map((kind) => [`${kind} patches`, short(contents.patches[kind])]);
  const rest = [
    ['debian packages', short(contents.debianPackages)],
    ['debian engine', debianWords(layer)],
    ['kernel command line', (layer.kernelParameters ?? []).map((word) => word.value).join(' ')],
    ['programs', (layer.programs ?? []).map((program) => program.value).join(' ')],
    ['compiler flags', short(contents.cflags)],
    ['users', short(contents.users)],
    ['hooks', short(Object.values(contents.hooks))],
    ...directories(contents).map(([what, path]) => [what, path === undefined ? '' : `${short([path])}/`]),
    ['accepts', layer.accept.map((difference) => difference.symbol).join(' ')],
  ];
  return [...fragments, ...patches, ...rest].filter(([, value]) => value !== '');
}

function directories(contents: LayerContents): readonly (readonly [string, string | undefined])[] {
  return [
    ['root overlay', contents.overlay],
    ['buildroot tree', contents.buildrootExternal],
    ['extensions', contents.extensions],
    ['resources', contents.resources],
    ['scripts', contents.scripts],
  ];
}

function debianWords({ debian }: Layer): string {
  const kernel = [...new Set(Object.values(debian.kernel))].map((name) => `kernel ${name}`);
  const lists = [
    ['modules', debian.modules],
    ['initramfs modules', debian.initramfsModules],
    ['early modules', debian.earlyModules],
    ['excluded paths', debian.exclude],
    ['assumed packages', debian.assume],
    ['effects', debian.effects],
    ['boot files', debian.bootFiles],
  ] as const;
  const counts = lists.filter(([, list]) => list.length > 0).map(([what, list]) => `${list.length} ${what}`);
  const base = debian.kernelBase === undefined ? [] : [`compiled on top of ${debian.kernelBase}`];
  return [...kernel, ...base, ...counts].join(', ');
}
