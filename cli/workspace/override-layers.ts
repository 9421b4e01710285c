/** The user's own configuration, which no repository has: overrides/, and overrides/workspaces/<name>/ for one workspace. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDirectory } from '../host/look-at.ts';
import type { Layer, LayerRoot } from '../layers/layer.ts';
import { LAYER_FILE } from '../layers/layer-contents.ts';
import { readLayer } from '../layers/read-layer.ts';
import type { Project } from './project.ts';

/** Name of the layer of all workspaces. */
export const OVERRIDES = 'overrides';

/** Name of the layer of one workspace. */
export function workspaceOverrides(workspace: string): string {
  return `${OVERRIDES}/workspaces/${workspace}`;
}

/**
 * In the order in which they win; those that are missing or hold nothing are left out. Beside a coracle.yaml they need no
 * layer.yaml to be Coracle's; elsewhere it is a user of SkiffOS who wrote them.
 */
export function overrideLayers(project: Project, workspace: string): readonly Layer[] {
  return [OVERRIDES, workspaceOverrides(workspace)].flatMap((name) => {
    const directory = join(project.directory, name);
    if (!isDirectory(directory)) return [];
    const layer = readLayer(name, overridesRoot(project), directory, overridesForm(project));
    return layer === undefined || isEmpty(layer, directory) ? [] : [layer];
  });
}

export function overridesRoot(project: Project): LayerRoot {
  return { kind: 'overrides', directory: project.directory, label: OVERRIDES };
}

/** What overrides without a layer.yaml are. */
export function overridesForm(project: Project): Layer['form'] {
  return project.yaml === undefined ? 'skiffos' : 'coracle';
}

/** Where overrides of single workspaces are. */
export function overridesDirectory(project: Project): string {
  return join(project.directory, 'overrides', 'workspaces');
}

/** SkiffOS ships overrides/ with empty directories to fill. */
function isEmpty({ contents }: Layer, directory: string): boolean {
  const { fragments, patches, hooks, overlay, buildrootExternal, extensions, ...rest } = contents;
  const lists = [...Object.values(fragments), ...Object.values(patches), rest.cflags, rest.users, rest.debianPackages];
  const directories = [overlay, buildrootExternal, extensions];
  return (
    !existsSync(join(directory, LAYER_FILE)) &&
    lists.every((list) => list.length === 0) &&
    Object.keys(hooks).length === 0 &&
    directories.every((directory) => directory === undefined)
  );
}
