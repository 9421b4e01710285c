import { Failure } from '../failure.ts';
import type { Layer } from '../layers/layer.ts';
import { LayerLibrary, type LayerPlace } from '../layers/layer-library.ts';
import { layerRoots } from '../workspace/layer-roots.ts';
import { loadProject } from '../workspace/project.ts';
import { rootData, table, warningsTo } from './layer-words.ts';
import { defineVerb } from './verb.ts';

export const layers = defineVerb({
  command: 'layers',
  summary: 'List the layers that can be used, boards apart',
  details: `
Lists what the roots of the project hold: directories of the environment, of coracle.yaml, and the shipped ones. A layer
that is a part of others (\`unlisted\`) is left out unless \`--all\` is given. A layer that hides one of the same name in a later
root says so. Broken layers are listed as such; \`coracle check\` says what is wrong with them.
`,
  options: {
    all: { type: 'boolean', describe: 'Unlisted layers too' },
    offline: { type: 'boolean', describe: 'Use nothing but the cache' },
  },
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const options = { offline: args.offline, signal: session.signal, onWarning: warningsTo(session) };
    const library = new LayerLibrary(await layerRoots(project, options));
    library.misnamed().forEach(options.onWarning);
    const found = library.list().map((place) => ({ place, layer: readOrBroken(library, place) }));
    const listed = found.filter(({ layer }) => args.all === true || layer === 'broken' || !layer.unlisted);
    session.report({
      kind: 'result',
      value: listed.map(({ place, layer }) => asData(place, layer)),
      text: listText(listed, found.length - listed.length),
    });
    return 0;
  },
});

interface Listed {
  readonly place: LayerPlace;
  readonly layer: Layer | 'broken';
}

function readOrBroken(library: LayerLibrary, { name }: LayerPlace): Layer | 'broken' {
  try {
    return library.find({ name });
  } catch (error) {
    if (error instanceof Failure) return 'broken';
    throw error;
  }
}

function isBoard({ layer }: Listed): boolean {
  return layer !== 'broken' && layer.provides.some((role) => role.value === 'board');
}

function asData(place: LayerPlace, layer: Layer | 'broken') {
  const common = { name: place.name, directory: place.directory, root: rootData(place.root) };
  const hides = place.hides.map(rootData);
  if (layer === 'broken') return { ...common, broken: true, hides };
  return {
    ...common,
    description: layer.description,
    form: layer.form,
    board: isBoard({ place, layer }),
    unlisted: layer.unlisted,
    arch: layer.arch,
    hides,
  };
}

function listText(listed: readonly Listed[], hidden: number): string {
  const groups = [
    { title: 'Boards', rows: listed.filter(isBoard) },
    { title: 'Layers', rows: listed.filter((one) => !isBoard(one)) },
  ];
  const lines = groups
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) => `${title}\n${table(rows.map(row), '  ')}`);
  if (hidden > 0) lines.push(`${hidden} more are parts of others; --all lists them too`);
  return lines.length === 0 ? 'there are no layers' : lines.join('\n\n');
}

function row({ place, layer }: Listed): readonly string[] {
  const from = place.root.kind === 'shipped' ? '' : `[${place.root.label}]`;
  const hides = place.hides.length === 0 ? '' : `hides that of ${place.hides.map(({ label }) => label).join(', ')}`;
  const arch = layer === 'broken' || layer.arch.length === 0 ? '' : `(${layer.arch.join(', ')})`;
  const said = layer === 'broken' ? 'broken: coracle check says why' : layer.description;
  return [place.name, [said, arch, from, hides].filter((part) => part !== '').join(' ')];
}
