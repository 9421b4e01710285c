/** The whole of one build as stages: engine, device programs, image. Pure and quick; nothing runs here. */
import { join } from 'node:path';
import { INIT_PROGRAM, planDeviceProgram } from '../device-programs/plan.ts';
import { buildrootEngine } from '../engines/buildroot/engine.ts';
import { debianEngine } from '../engines/debian/engine.ts';
import type { Engine, StageFile } from '../engines/engine.ts';
import type { EngineTools } from '../engines/engine-tools.ts';
import type { BuildEnvironment } from '../engines/environment.ts';
import { planImage } from '../image/plan.ts';
import { FileHashes } from '../stages/file-hashes.ts';
import { stageDirectory, withNeeds } from '../stages/inspect-stages.ts';
import type { Stage } from '../stages/stage.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import type { EngineName, ResolvedConfig } from '../workspace/resolved.ts';
import { postHooksStage, preHooksStage } from './hook-stages.ts';

const ENGINES: Readonly<Record<EngineName, Engine>> = {
  debian: debianEngine,
  buildroot: buildrootEngine,
};

export interface BuildPlan {
  /** See EnginePlan. */
  readonly check: () => void;
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  /** The workspace's directory. */
  readonly directory: string;
  /** What runs before everything else, and after it; often empty. */
  readonly before: readonly Stage[];
  readonly stages: readonly Stage[];
  readonly after: readonly Stage[];
  /** Those of {@link stages} that compile Coracle's programs for the device. */
  readonly devicePrograms: readonly Stage[];
  readonly tools: EngineTools;
  readonly slot: string;
  readonly disk: string;
  readonly manifest: string;
  /** Index of the tree that root.squashfs is made of. */
  readonly root: string;
}

export interface PlanPlaces {
  readonly installation: string;
  readonly project: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly offline: boolean;
  /** Instead of `<project>/workspaces/<name>`. */
  readonly directory?: string;
}

export function workspaceDirectory(project: string, workspace: string): string {
  return join(project, 'workspaces', workspace);
}

export function planBuild(config: ResolvedConfig, places: PlanPlaces): BuildPlan {
  const directory = places.directory ?? workspaceDirectory(places.project, config.workspace);
  const environment: BuildEnvironment = {
    installation: places.installation,
    project: places.project,
    cache: cacheDirectory(places.variables),
    offline: places.offline,
    hashes: new FileHashes(join(directory, 'hashes.json')),
  };
  const init = planDeviceProgram(INIT_PROGRAM, config.arch, environment);
  const devicePrograms = [init];
  const fromEngine = ENGINES[config.engine].plan(config, environment, directory, (name) => {
    const program = planDeviceProgram(name, config.arch, environment);
    devicePrograms.push(program);
    return program;
  });
  const image = planImage(config, environment, fromEngine, init);
  const pathOf = (file: StageFile): string => join(stageDirectory(directory, file.stage), file.path);
  return {
    check: () => fromEngine.check?.(),
    config,
    environment,
    directory,
    before: preHooksStage({ config, environment, directory }),
    after: postHooksStage(
      { config, environment, directory },
      { slot: image.output.slot.stage, disk: image.output.disk.stage },
    ),
    stages: [...fromEngine.stages, init, ...image.stages],
    devicePrograms,
    tools: fromEngine.tools,
    slot: pathOf(image.output.slot),
    disk: pathOf(image.output.disk),
    manifest: pathOf(image.output.manifest),
    root: pathOf(image.output.root),
  };
}

/** All stages of a build in the order in which they are shown. */
export function stagesOf(plan: BuildPlan): Stage[] {
  return withNeeds([...plan.before, ...plan.stages, ...plan.after]);
}
