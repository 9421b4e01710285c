/**
 * What a layer's command finds in its environment. Unlike a hook, it is a person's tool: it has all of that person's own
 * environment (`PI_SD=/dev/sdX coracle cmd …`, and what ssh or sudo need), and on top of it where things are.
 */
import { join } from 'node:path';
import { searchPath } from '../host/this-host.ts';
import type { Layer } from '../layers/layer.ts';
import type { ResolvedLayers } from './resolve-workspace.ts';
import { skiffosVariables } from './skiffos-variables.ts';

interface CommandPlaces {
  /** Where the user is; SkiffOS's commands take relative paths from SKIFF_ROOT_DIR. */
  readonly cwd: string;
  readonly workspaceDirectory: string;
  /** Buildroot's output directory, or what may be taken for it. */
  readonly output: string;
}

export function commandEnvironment(
  layer: Layer,
  config: ResolvedLayers,
  { cwd, workspaceDirectory, output }: CommandPlaces,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return {
    ...defined(own),
    // The tools that Buildroot built for itself go first, as in SkiffOS.
    PATH: [join(output, 'host', 'bin'), ...searchPath()].join(':'),
    LC_ALL: 'C',
    CORACLE_WORKSPACE: config.workspace,
    CORACLE_WORKSPACE_DIR: workspaceDirectory,
    CORACLE_OUTPUT: join(workspaceDirectory, 'stages'),
    CORACLE_ENGINE: config.engine,
    CORACLE_VERSION: config.settings.version,
    CORACLE_LAYER: layer.name,
    CORACLE_LAYER_DIR: layer.directory,
    CORACLE_LAYERS: config.layers.map((one) => one.layer.name).join(' '),
    ...skiffosVariables(config, output),
    BINARIES_DIR: join(output, 'images'),
    SKIFF_ROOT_DIR: cwd,
    SKIFF_CURRENT_CONF_DIR: layer.directory,
    SKIFF_CURRENT_CONF_NAME: layer.name,
    SKIFF_CURRENT_CONF_NAME_FULL: `SKIFF_CONFIG_PATH_${layer.name.replace('/', '_').toUpperCase()}`,
  };
}

function defined(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
