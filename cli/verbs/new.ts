import { existsSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../failure.ts';
import { quoteForPeople } from '../host/process.ts';
import { checkLayerName } from '../layers/layer-name.ts';
import { layerFiles, projectFiles, SCHEMA_DIRECTORY, schemaFiles } from '../scaffold/project-files.ts';
import { writeNew } from '../scaffold/write-new.ts';
import { layersBelow } from '../workspace/layer-roots.ts';
import { loadProject, type Project } from '../workspace/project.ts';
import { defineVerb, type Session } from './verb.ts';

const KINDS = ['project', 'layer'] as const;

export const newVerb = defineVerb({
  command: 'new <kind> <name>',
  summary: 'Start a project, or a layer in one',
  details: `
A project is a directory with a \`coracle.yaml\` and layers of its own; others can use these layers by naming its git
repository. A layer is written into the first directory of layers that \`coracle.yaml\` names. Files that are there already
are never touched.

    coracle new project ~/lamp
    cd ~/lamp
    coracle new layer lamp/driver
    coracle check
`,
  positionals: {
    kind: { type: 'string', choices: KINDS, describe: 'What to start' },
    name: { type: 'string', describe: 'The directory of a project, or the name of a layer: <group>/<name>' },
  },
  options: {},
  run: async (args, session) => {
    const name = String(args['name']);
    const made = args['kind'] === 'project' ? await newProject(name, session) : await newLayer(name, session);
    session.report({
      kind: 'result',
      value: made,
      text: [...made.files.map((file) => relative(session.cwd, file)), '', `next: ${made.next}`].join('\n'),
    });
    return 0;
  },
});

interface Made {
  readonly files: readonly string[];
  /** A command line. */
  readonly next: string;
}

async function newProject(name: string, session: Session): Promise<Made> {
  const directory = resolve(session.cwd, name);
  const files = await writeNew(directory, projectFiles(groupName(directory)));
  const way = relative(session.cwd, directory);
  // A name that begins with a dash is no option of cd.
  const inside = way === '' ? '' : `cd ${quoteForPeople(way.startsWith('-') ? `./${way}` : way)} && `;
  return { files, next: `${inside}coracle check && coracle build` };
}

async function newLayer(name: string, session: Session): Promise<Made> {
  checkLayerName({ name });
  const project = await loadProject(session.cwd, session.environment, session.installation);
  if (project.yaml === undefined) {
    throw new Failure({
      code: 'no-project',
      message: 'a layer is a part of a project, and here is none',
      cause: `no coracle.yaml in ${project.directory} or above it`,
      hint: 'coracle new project . starts one',
    });
  }
  const layers = layersDirectory(project);
  const directory = join(layers.directory, name);
  if (existsSync(directory)) {
    throw new Failure({
      code: 'already-there',
      message: `there is a layer ${name} already`,
      place: { file: directory },
    });
  }
  const schemas = await schemaDirectory(project);
  const schema = relative(directory, join(schemas.directory, 'layer.schema.json'));
  const files = await writeNew(directory, layerFiles(name, schema));
  if (!layers.listed) {
    session.report({
      kind: 'warning',
      text: `nothing looks for layers in ${relative(session.cwd, layers.directory)}`,
      hint: `add to coracle.yaml: layers: [{path: ./layers}]`,
    });
  }
  const shipped = join(project.installation, 'layers', name);
  if (existsSync(shipped)) {
    session.report({
      kind: 'warning',
      text: `${name} hides the layer of that name that ships with Coracle (${shipped})`,
      hint: 'take another name, unless it is meant to take the place of that one',
    });
  }
  return { files: [...schemas.files, ...files], next: `coracle show ${name}` };
}

interface LayersDirectory {
  readonly directory: string;
  /** Layers written there are found. */
  readonly listed: boolean;
}

/** The first directory of layers inside of the project; `layers/`, if coracle.yaml names none. */
function layersDirectory(project: Project): LayersDirectory {
  const paths = (project.yaml?.data.layers ?? []).flatMap((root) => ('path' in root ? [root.path] : []));
  const inside = paths
    .map((path) => resolve(project.directory, path))
    .find((path) => isInside(path, project.directory));
  if (inside !== undefined) return { directory: layersBelow(inside), listed: true };
  // Coracle's own checkout: the shipped layers.
  return { directory: join(project.directory, 'layers'), listed: project.directory === project.installation };
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}${sep}`);
}

/** Coracle's own checkout has the schemas; any other project gets a copy, so that editors find them everywhere. */
async function schemaDirectory(
  project: Project,
): Promise<{ readonly directory: string; readonly files: readonly string[] }> {
  if (project.directory === project.installation)
    return { directory: join(project.installation, 'schemas'), files: [] };
  const directory = join(project.directory, SCHEMA_DIRECTORY);
  return { directory, files: existsSync(directory) ? [] : await writeNew(project.directory, schemaFiles()) };
}

/** The directory's name, made fit for layers. */
function groupName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return name === '' ? 'my' : name;
}
