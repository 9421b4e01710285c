/** Everything that is wrong in a project: every layer that can be reached, and every workspace of coracle.yaml. */
import { Failure, type FailureParts, Failures } from '../failure.ts';
import { LayerLibrary } from '../layers/layer-library.ts';
import { layerRoots, type RootOptions } from '../workspace/layer-roots.ts';
import type { Project } from '../workspace/project.ts';
import { resolveWorkspace } from '../workspace/resolve-workspace.ts';
import { lintLayer } from './lint-layer.ts';

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
  const library = new LayerLibrary(await layerRoots(project, { ...options, onWarning }));
  const layers = names.length > 0 ? names : library.list().map(({ name }) => name);
  for (const name of layers) {
    options.signal?.throwIfAborted();
    await collect(async () => {
      const found = await lintLayer(library.find({ name }), library);
      for (const failure of found.failures) failures.set(identity(failure.parts), failure.parts);
      for (const warning of found.warnings) onWarning(warning);
    });
  }
  const workspaces = names.length > 0 ? [] : project.workspaceNames();
  for (const workspace of workspaces) {
    await collect(() => resolveWorkspace(project, workspace, { ...options, onWarning }));
  }
  return {
    layers: layers.length,
    workspaces: workspaces.length,
    failures: [...failures.values()],
    warnings: [...warnings.values()],
  };
}

function identity({ code, message, place }: FailureParts): string {
  return JSON.stringify([code, message, place]);
}
