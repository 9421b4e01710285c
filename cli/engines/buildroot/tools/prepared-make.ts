/**
 * The workspace's output directory made ready for any make: the configuration and what the layers give to Buildroot lie where
 * a build would have them.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage, StageContext } from '../../../stages/stage.ts';
import { type BuildParts, gather, makeFor, writeDotConfig } from '../build/build-stage.ts';
import type { BuildrootMake } from '../build/make.ts';
import type { PackageInfos } from '../build/package-info.ts';
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
