/** Everything that is wrong in a project: every layer that can be reached, and every workspace of coracle.yaml. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkForBuildroot } from '../engines/buildroot/layer-files/check-layers.ts';
import { Failure, type FailureParts, Failures } from '../failure.ts';
import { breath } from '../host/breath.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import { listDirectory } from '../layers/layer-contents.ts';
import { LayerLibrary, type LayerPlace } from '../layers/layer-library.ts';
import { layerRoots, type RootOptions } from '../workspace/layer-roots.ts';
import { overrideLayers, overridesDirectory } from '../workspace/override-layers.ts';
import type { Project } from '../workspace/project.ts';
import { resolveWorkspace } from '../workspace/resolve-workspace.ts';
import { type LintResult, lintLayer } from './lint-layer.ts';

export interface ProjectLint {
  readonly layers: number;
  readonly workspaces: number;
  /** Each once, though several layers and workspaces may run into it. */
  readonly failures: readonly FailureParts[];
  readonly warnings: readonly FailureParts[];
}

/** @param names layers to look at; all of them, and the workspaces too, if empty. */
export async function lintProject(
  project: Project,
  names: readonly string[],
  options: RootOptions,
): Promise<ProjectLint> {
  const failures = new Map<string, FailureParts>();
  const warnings = new Map<string, FailureParts>();
  const collect = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      for (const { parts } of error instanceof Failures ? error.all : [error]) failures.set(identity(parts), parts);
    }
  };
  const onWarning = (warning: FailureParts): unknown => warnings.set(identity(warning), warning);
  const tell = (found: LintResult): void => {
    for (const { parts } of found.failures) failures.set(identity(parts), parts);
    found.warnings.forEach(onWarning);
  };
  const ownDirectories = [project.directory, project.installation];
  const library = new LayerLibrary(await layerRoots(project, { ...options, onWarning }));
  const places = library.list();
  places
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .flatMap(hiddenLayers)
    .forEach(onWarning);
  const layers = names.length > 0 ? names : places.map(({ name }) => name);
  const breathe = breath(options.signal);
  for (const name of layers) {
    await breathe();
    await collect(async () => {
      tell(await lintLayer(library.find({ name }), library, ownDirectories));
    });
  }
  const workspaces = names.length > 0 ? [] : project.workspaceNames();
  for (const workspace of workspaces) {
    await breathe();
    await collect(async () => {
      const config = await resolveWorkspace(project, workspace, { ...options, onWarning });
      if (config.engine === 'buildroot') checkForBuildroot(config);
    });
    await collect(async () => {
      for (const layer of overrideLayers(project, workspace)) tell(await lintLayer(layer, library, ownDirectories));
    });
  }
  if (names.length === 0) [...library.misnamed(), ...strayOverrides(project)].forEach(onWarning);
  return {
    layers: layers.length,
    workspaces: workspaces.length,
    failures: [...failures.values()],
    warnings: [...warnings.values()],
  };
}

/** A layer of a later root that nobody can ask for, because this one has its name. */
function hiddenLayers({ name, directory, hides }: LayerPlace): readonly FailureParts[] {
  return hides.map((root) => ({
    code: 'hidden-layer',
    message: `${name} hides the layer of that name of ${root.label} (${join(root.directory, name)})`,
    place: { file: directory },
    layer: name,
    hint: 'give it another name, unless it is meant to take the place of the other one',
  }));
}

/** Overrides of workspaces that coracle.yaml does not name: for an ad-hoc list, or misspelt. */
function strayOverrides(project: Project): readonly FailureParts[] {
  const directory = overridesDirectory(project);
  if (!existsSync(directory)) return [];
  const names = project.workspaceNames();
  return [...listDirectory(directory)]
    .filter(([name, kind]) => kind === 'directory' && name !== 'default' && !names.includes(name))
    .map(([name]) => ({
      code: 'stray-overrides',
      message: `these overrides are for a workspace ${name}, which coracle.yaml does not have`,
      place: { file: join(directory, name) },
      hint: didYouMean(name, names),
    }));
}

function identity({ code, message, place }: FailureParts): string {
  return JSON.stringify([code, message, place]);
}
