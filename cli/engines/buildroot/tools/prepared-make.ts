/**
 * The workspace's output directory made ready for any make: the configuration and what the layers give to Buildroot lie where
 * a build would have them.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import type { Stage, StageContext } from '../../../stages/stage.ts';
import { buildFailure, MakeOutput } from '../build/build-failure.ts';
import { type BuildParts, gather, makeFor, writeDotConfig } from '../build/build-stage.ts';
import { type BuildrootMake, runMake } from '../build/make.ts';
import type { PackageInfos } from '../build/package-info.ts';
import { BuildWatch } from '../build/watch-build.ts';
import { DOT_CONFIG } from '../configure/configure-stage.ts';
import { readyDevicePrograms } from '../device-source/ready-device-programs.ts';
import { writeLayerFiles } from '../layer-files/write-layer-files.ts';
import { readyHostTools } from '../machine/host-tools.ts';
import { checkPathForMake } from '../tree/path-for-make.ts';

export interface ToolParts extends BuildParts {
  /** The stage that builds. */
  readonly build: Stage;
}

export interface PreparedMake {
  readonly make: BuildrootMake;
  readonly infos: PackageInfos;
}

/** @throws Failure for whatever is wrong with the tree, the layers' files or the workspace's path */
export async function prepareMake(parts: ToolParts, context: StageContext): Promise<PreparedMake> {
  const { config, places, configure } = parts;
  checkPathForMake(places.directory, `the workspace ${config.workspace}`);
  const dotConfig = await readFile(join(context.outputOf(configure), DOT_CONFIG), 'utf8');
  const make = makeFor(parts, context);
  const { plan, facts } = await gather(parts, make, dotConfig, context);
  await readyHostTools(config, places, facts.packages);
  await readyDevicePrograms(parts, facts.packages, context);
  await writeLayerFiles(plan, places, context.signal);
  await writeDotConfig(places, dotConfig);
  return { make, infos: facts.packages };
}

export interface WatchedMake extends PreparedMake {
  readonly parts: ToolParts;
  readonly context: StageContext;
}

/** Makes a target that goes through the packages, telling which one it is at. @throws Failure as a build does */
export async function watchedMake(target: string, { make, infos, parts, context }: WatchedMake): Promise<void> {
  const { config, environment } = parts;
  const output = new MakeOutput();
  using watch = new BuildWatch({
    output: make.places.output,
    packages: new Set([...infos].filter(([, { type }]) => type !== 'rootfs').map(([name]) => name)),
    done: new Set(),
    seconds: new Map(),
    report: context.report,
    step: context.step,
  });
  try {
    await runMake(make, [target], { onLine: (line) => output.take(line) });
  } catch (error) {
    watch.look();
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw buildFailure(error, { config, infos, at: watch.at, output, offline: environment.offline });
  }
}
