/**
 * The stage that builds: one make of Buildroot in the workspace's output directory, which stays between builds. What the
 * image is made of is copied into the stage's result, so that it is complete or not there whatever becomes of a later make.
 */
import { constants, existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { sha256, sha256File, writeFileAtomic } from '../../../host/files.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { lostModeWarning } from '../../../rootfs/overlay-modes.ts';
import type { Stage, StageContext, StageInput } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import type { BuildPlaces } from '../build-places.ts';
import { DOT_CONFIG } from '../configure/configure-stage.ts';
import { gatherFacts } from '../incremental/facts.ts';
import { prepareOutput } from '../incremental/prepare.ts';
import { workText } from '../incremental/work.ts';
import { type LayerFilesPlan, planLayerFiles } from '../layer-files/plan-layer-files.ts';
import { writeLayerFiles } from '../layer-files/write-layer-files.ts';
import { treeHash } from '../tree/buildroot-tree.ts';
import { checkPathForMake } from '../tree/path-for-make.ts';
import type { TreeSource } from '../tree/tree-source.ts';
import { buildFailure, MakeOutput } from './build-failure.ts';
import { keepDurations, readDurations } from './durations.ts';
import { type BuildrootMake, runMake } from './make.ts';
import type { PackageInfos } from './package-info.ts';
import { showInfo } from './show-info.ts';
import { BuildWatch } from './watch-build.ts';

export const ROOT_TAR = 'rootfs.tar';
export const PACKAGE_INFO = 'packages.json';
/** Buildroot's images besides the root: kernel, device trees, boot loaders. */
export const IMAGES = 'images';

export interface BuildParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly places: BuildPlaces;
  readonly source: TreeSource;
  readonly configure: Stage;
}

export function buildStage(parts: BuildParts): Stage {
  return {
    name: 'buildroot',
    title: 'build with Buildroot',
    needs: [parts.configure],
    inputs: () => buildInputs(parts),
    run: (context) => build(parts, context),
  };
}

async function buildInputs({ config, environment, places, source }: BuildParts): Promise<StageInput[]> {
  const plan = await planLayerFiles({ config, environment, places, mergedUsr: true });
  const inputs: StageInput[] = [{ name: 'the Buildroot tree', hash: treeHash(await source.parts()) }];
  for (const [name, { data }] of plan.files) inputs.push({ name: `layers: ${name}`, hash: sha256(data) });
  inputs.push({ name: 'root overlays', hash: plan.overlayDigest });
  return inputs;
}

async function build({ config, environment, places, source, configure }: BuildParts, context: StageContext) {
  checkPathForMake(places.directory, `the workspace ${config.workspace}`);
  const text = await readFile(join(context.outputOf(configure), DOT_CONFIG), 'utf8');
  const dotConfig = parseDotConfig(text, { file: DOT_CONFIG, layer: 'Buildroot' });
  const mergedUsr = dotConfig.get('BR2_ROOTFS_MERGED_USR')?.value === 'y';
  const plan = await planLayerFiles({ config, environment, places, mergedUsr });
  await writeLayerFiles(plan, places, context.signal);
  tellLostModes(plan, context);
  await writeDotConfig(places, text);
  const stopper = new AbortController();
  const make: BuildrootMake = {
    tree: source.tree(),
    externals: source.externals(),
    places,
    environment,
    jobs: 2,
    log: context.log,
    signal: AbortSignal.any([context.signal, stopper.signal]),
  };
  context.report({ kind: 'step-progress', step: context.step, text: 'reading the packages' });
  const parts = await source.parts();
  const infos = await showInfo(make, text, [treeHash(parts)]);
  const tree = source.tree().directory;
  const facts = gatherFacts({ dotConfig, parts, plan, packages: infos, tree, places, hashes: environment.hashes });
  for (const work of await prepareOutput(facts, { places, tree })) {
    context.report({ kind: 'note', step: context.step, text: workText(work) });
  }
  await writeDotConfig(places, text);
  await makeAll(make, infos, { config, context, environment });
  return takeResult({ places, infos, dotConfig, context });
}

async function writeDotConfig({ output }: BuildPlaces, text: string): Promise<void> {
  const file = join(output, '.config');
  await mkdir(output, { recursive: true });
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeFileAtomic(file, text);
}

interface MakeAllParts {
  readonly config: ResolvedConfig;
  readonly context: StageContext;
  readonly environment: BuildEnvironment;
}

async function makeAll(make: BuildrootMake, infos: PackageInfos, { config, context, environment }: MakeAllParts) {
  const output = new MakeOutput();
  using watch = new BuildWatch({
    output: make.places.output,
    packages: new Set([...infos].filter(([, one]) => one.type !== 'rootfs').map(([name]) => name)),
    done: builtPackages(infos, make.places.output),
    seconds: await readDurations(environment.cache),
    report: context.report,
    step: context.step,
  });
  try {
    await runMake(make, [], { onLine: (line) => output.take(line) });
  } catch (error) {
    watch.look();
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw buildFailure(error, { config, infos, at: watch.at, output, offline: environment.offline });
  } finally {
    watch.look();
    await keepDurations(environment.cache, watch.lines);
  }
}

function builtPackages(infos: PackageInfos, output: string): ReadonlySet<string> {
  const isBuilt = (directory: string | undefined): boolean =>
    directory !== undefined && existsSync(join(output, directory, '.stamp_installed'));
  return new Set([...infos].filter(([, { stamp_dir }]) => isBuilt(stamp_dir)).map(([name]) => name));
}

interface ResultParts {
  readonly places: BuildPlaces;
  readonly infos: PackageInfos;
  readonly dotConfig: DotConfig;
  readonly context: StageContext;
}

async function takeResult({ places, infos, context }: ResultParts) {
  const images = join(places.output, 'images');
  const digests: string[] = [];
  const take = async (from: string, to: string): Promise<void> => {
    await copyFile(from, join(context.output, to), constants.COPYFILE_FICLONE);
    digests.push(to, await sha256File(join(context.output, to)));
  };
  await take(join(images, 'rootfs.tar'), ROOT_TAR);
  await mkdir(join(context.output, IMAGES));
  for (const entry of readdirSync(images, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || /^rootfs\./.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name).slice(images.length + 1);
    await mkdir(join(context.output, IMAGES, path, '..'), { recursive: true });
    await take(join(images, path), join(IMAGES, path));
  }
  await writeFile(join(context.output, PACKAGE_INFO), JSON.stringify(Object.fromEntries(infos)));
  return { digest: sha256(digests.join('\n')) };
}

function tellLostModes({ lostModes }: LayerFilesPlan, { report, step }: StageContext): void {
  for (const lost of lostModes) {
    const { message, place, hint } = lostModeWarning(lost);
    report({ kind: 'warning', step, text: `${place?.file}: ${message}`, ...(hint === undefined ? {} : { hint }) });
  }
}
