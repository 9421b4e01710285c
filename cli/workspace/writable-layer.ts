/** The layer of a workspace that Coracle is to write into, by the name that a user gives on the command line. */
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import type { Layer, LayerRoot } from '../layers/layer.ts';
import { readContents } from '../layers/layer-contents.ts';
import { NO_METADATA } from '../layers/read-layer.ts';
import { OVERRIDES, overridesForm, overridesRoot, workspaceOverrides } from './override-layers.ts';
import type { Project } from './project.ts';
import type { ResolvedConfig } from './resolved.ts';

/**
 * The user's own overrides need not be there yet: the layer is then empty, and a directory to be.
 *
 * @param name of a layer, or nothing for the overrides of the workspace alone
 * @throws Failure `layer-not-in-workspace`, `read-only-layer`
 */
export function writableLayer(project: Project, config: ResolvedConfig, name?: string): Layer {
  const own = workspaceOverrides(config.workspace);
  const wanted = name ?? own;
  const found = config.layers.find(({ layer }) => layer.name === wanted)?.layer;
  if (found === undefined && (wanted === OVERRIDES || wanted === own)) return newOverrides(project, wanted);
  const writable = config.layers.map(({ layer }) => layer).filter(({ root }) => refusal(root) === undefined);
  const names = [...new Set([...writable.map((layer) => layer.name), OVERRIDES, own])];
  if (found === undefined) {
    throw new Failure({
      code: 'layer-not-in-workspace',
      message: `${wanted} is not a layer of workspace ${config.workspace}`,
      cause: 'what is written there would change nothing',
      hint: [didYouMean(wanted, names), `--to takes one of ${names.join(', ')}`]
        .filter((part) => part !== undefined)
        .join('\n'),
    });
  }
  const cause = refusal(found.root);
  if (cause === undefined) return found;
  throw new Failure({
    code: 'read-only-layer',
    message: `${wanted} is not yours to write into`,
    place: { file: found.directory },
    cause,
    hint: `--to ${OVERRIDES} is for all workspaces, --to ${own} (or no --to) for this one`,
    layer: wanted,
  });
}

function refusal({ kind, label }: LayerRoot): string | undefined {
  if (kind === 'git') return `it comes from ${label}: the next update would lose the change`;
  return kind === 'shipped' ? 'it is a part of Coracle: the next version would lose the change' : undefined;
}

function newOverrides(project: Project, name: string): Layer {
  const form = overridesForm(project);
  const directory = join(project.directory, name);
  const { contents } = readContents(name, directory, form, new Map());
  return { name, root: overridesRoot(project), directory, form, ...NO_METADATA, contents };
}
