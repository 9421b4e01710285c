import { dirname } from 'node:path';
import { buildPlaces } from '../engines/buildroot/build-places.ts';
import { Failure } from '../failure.ts';
import { workspaceDirectory } from '../farm/plan.ts';
import { type AttachedEnd, runAttached } from '../host/run-attached.ts';
import type { CommandProgram, Layer, LayerCommand } from '../layers/layer.ts';
import { findCommand } from '../layers/layer-commands.ts';
import { LayerLibrary } from '../layers/layer-library.ts';
import { commandEnvironment } from '../workspace/command-environment.ts';
import { layerRoots } from '../workspace/layer-roots.ts';
import { loadProject, type Project } from '../workspace/project.ts';
import { type ResolvedLayers, type ResolveOptions, resolveLayers } from '../workspace/resolve-workspace.ts';
import { ORDER_OPTION } from './chosen-workspaces.ts';
import { table, warningsTo } from './layer-words.ts';
import { defineVerb, type Session } from './verb.ts';

export const cmd = defineVerb({
  command: 'cmd [name]',
  summary: 'Run a command of a layer, or list them',
  details: `
Layers have commands: programs in \`extensions/\` that format a card, flash a board, start a machine. Without a name, those of
the workspace's layers are listed; with a layer's, those of that layer. What comes behind the command's name is for the
program.

    coracle cmd
    coracle cmd pi/common
    PI_SD=/dev/sdX coracle cmd pi/common/format
    coracle cmd --workspace pi4 my/board/flash --port /dev/ttyUSB0
    coracle cmd/pi/common/format

A command of a SkiffOS layer is a target of \`extensions/Makefile\`; what may come behind its name are variables for make,
\`NAME=value\`. [Layer commands](../commands.md) has the environment that a command finds.
`,
  positionals: { name: { type: 'string', describe: 'A command, <group>/<layer>/<command>, or a layer' } },
  options: {
    workspace: {
      type: 'string',
      alias: 'w',
      describe: 'Whose images the command is about: a name in coracle.yaml, or a comma-separated list of layers',
    },
    all: { type: 'boolean', describe: 'List the commands of every layer that can be used' },
    offline: { type: 'boolean', describe: 'Use nothing but the cache' },
    ...ORDER_OPTION,
  },
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const { offline, skiffOrder } = args;
    const workspace = once(args.workspace);
    const options = { offline, skiffOrder, signal: session.signal, onWarning: warningsTo(session) };
    const library = new LayerLibrary(await layerRoots(project, options));
    const name = args['name'] as string | undefined;
    if (name === undefined) {
      const chosen = args.all === true ? undefined : await workspaceLayers(project, workspace, options);
      list(chosen ?? everyLayer(library), session);
      return 0;
    }
    const [group = '', layerName = '', ...command] = name.split('/');
    const layer = library.find({ name: `${group}/${layerName}` });
    if (command.length === 0) {
      list([layer], session);
      return 0;
    }
    const { program } = findCommand(layer, command.join('/'));
    const config = await resolveLayers(project, workspace, options).catch(naming(name));
    const end = await runAttached({
      ...startOf(program, command.join('/'), session),
      env: commandEnvironment(layer, config, placesOf(project, config, session), session.environment),
      signal: session.signal,
    });
    return exitCode(end, name, layer, program, session.signal);
  },
});

/** @throws Failure `usage` */
function once(workspace: string | readonly string[] | undefined): string | undefined {
  if (typeof workspace === 'string' || workspace === undefined) return workspace;
  throw new Failure({ code: 'usage', message: '--workspace is given twice', hint: 'a command is about one workspace' });
}

/** Where the option of this verb is what helps. */
function naming(command: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Failure) || error.parts.code !== 'no-workspace') throw error;
    const { message, place, hint } = error.parts;
    const how = `coracle cmd --workspace NAME ${command} says whose images the command is about`;
    throw new Failure({ code: 'no-workspace', message, place, hint: hint === undefined ? how : `${how}\n${hint}` });
  };
}

function placesOf(project: Project, { workspace, engine }: ResolvedLayers, { cwd }: Session) {
  const directory = workspaceDirectory(project.directory, workspace);
  const output = engine === 'buildroot' ? buildPlaces(directory).output : directory;
  return { cwd, workspaceDirectory: directory, output };
}

/** Undefined where no workspace is meant; everything else that is wrong is thrown. */
async function workspaceLayers(
  project: Project,
  workspace: string | undefined,
  options: ResolveOptions,
): Promise<readonly Layer[] | undefined> {
  try {
    return (await resolveLayers(project, workspace, options)).layers.map(({ layer }) => layer);
  } catch (error) {
    if (error instanceof Failure && error.parts.code === 'no-workspace' && workspace === undefined) return undefined;
    throw error;
  }
}

/** Without those that cannot be read: `coracle check` says what is wrong with them. */
function everyLayer(library: LayerLibrary): readonly Layer[] {
  return library.list().flatMap(({ name }) => {
    try {
      return [library.find({ name })];
    } catch (error) {
      if (error instanceof Failure) return [];
      throw error;
    }
  });
}

function list(layers: readonly Layer[], { report }: Session): void {
  const commands = layers.flatMap((layer) =>
    layer.commands.filter(({ program }) => program !== undefined).map((command) => asData(layer, command)),
  );
  const rows = commands.map(({ command, description }) => [command, description]);
  report({ kind: 'result', value: commands, text: rows.length === 0 ? 'no layer has a command' : table(rows) });
}

function asData(layer: Layer, { name, description, program }: LayerCommand) {
  return { command: `${layer.name}/${name}`, description, program };
}

/** @throws Failure `usage` */
function startOf(program: CommandProgram, name: string, { cwd, passedOn }: Session) {
  if (program.kind === 'executable') return { argv: [program.file, ...passedOn], cwd } as const;
  const odd = passedOn.find((word) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word));
  if (odd !== undefined) {
    throw new Failure({
      code: 'usage',
      message: `this command takes variables only, NAME=value, and not ${odd}`,
      place: { file: program.makefile },
      cause: 'it is a target of a Makefile',
    });
  }
  return { argv: ['make', '--no-print-directory', name, ...passedOn], cwd: dirname(program.makefile) } as const;
}

function exitCode(
  end: AttachedEnd,
  name: string,
  layer: Layer,
  program: CommandProgram,
  { aborted }: AbortSignal,
): number {
  if (aborted) return 130;
  if (end.kind === 'ended' && end.exitCode === 0) return 0;
  throw new Failure({
    code: 'command-failed',
    message: `${name} ended with ${end.kind === 'ended' ? `exit code ${end.exitCode}` : end.signal}`,
    place: { file: program.kind === 'executable' ? program.file : program.makefile },
    layer: layer.name,
  });
}
