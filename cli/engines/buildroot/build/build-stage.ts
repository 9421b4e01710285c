/**
 * The stage that builds: one make of Buildroot in the workspace's output directory, which stays between builds. What the
 * image is made of is copied into the stage's result, so that it is complete or not there whatever becomes of a later make.
 */
import { constants, existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hooksAt } from '../../../hooks/hook-moments.ts';
import { checkHookProgram } from '../../../hooks/hook-program.ts';
import { sha256, sha256File, writeFileAtomic } from '../../../host/files.ts';
import { JobBudget } from '../../../host/job-budget.ts';
import { parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { didYouMean } from '../../../kconfig/nearest.ts';
import type { Layer } from '../../../layers/layer.ts';
import { lostModeWarning } from '../../../rootfs/overlay-modes.ts';
import type { RootTree } from '../../../rootfs/tree.ts';
import type { ForecastContext, Stage, StageContext, StageInput } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type BuildPlaces, LAYER_FILES } from '../build-places.ts';
import { reportCheck } from '../configure/check-request.ts';
import { type ConfigureParts, configure, DOT_CONFIG } from '../configure/configure-stage.ts';
import { askedOf } from '../configure/request.ts';
import { readyDevicePrograms } from '../device-source/ready-device-programs.ts';
import { gatherFacts, namedFiles } from '../incremental/facts.ts';
import { InstalledFiles } from '../incremental/installed-files.ts';
import type { BuildFacts } from '../incremental/plan-work.ts';
import { prepareOutput, workToDo } from '../incremental/prepare.ts';
import { workText } from '../incremental/work.ts';
import { layerPatches } from '../layer-files/patches.ts';
import { type LayerFilesPlan, planLayerFiles } from '../layer-files/plan-layer-files.ts';
import { SCRIPT_MOMENTS } from '../layer-files/scripts.ts';
import { writeLayerFiles } from '../layer-files/write-layer-files.ts';
import { overrideMakefile, readyHostTools } from '../machine/host-tools.ts';
import { compilerHash, type Results } from '../toolchain/toolchain.ts';
import { treeHash } from '../tree/buildroot-tree.ts';
import { checkPathForMake } from '../tree/path-for-make.ts';
import { PackageChecks } from './check-packages.ts';
import { keepDurations, readDurations } from './durations.ts';
import type { BuildrootMake } from './make.ts';
import type { PackageInfos } from './package-info.ts';
import type { StepLine } from './progress.ts';
import { showInfo } from './show-info.ts';
import { watchedMake } from './watched-make.ts';

export const BUILD_STAGE = 'buildroot';
export const ROOT_TAR = 'rootfs.tar';
export const PACKAGE_INFO = 'packages.json';
/** JSON: path in the root → who put it there. */
export const ORIGINS = 'origins.json';
/** Buildroot's images besides the root: kernel, device trees, boot loaders. */
export const IMAGES = 'images';

export interface BuildParts extends ConfigureParts {
  /** The stage that made the configuration. */
  readonly configure: Stage;
}

export function buildStage(parts: BuildParts): Stage {
  return {
    name: BUILD_STAGE,
    title: 'build with Buildroot',
    needs: [...parts.toolchain.stages, ...parts.toolchain.built, parts.configure],
    inputs: () => buildInputs(parts),
    run: (context) => build(parts, context),
    forecast: (context) => forecast(parts, context),
  };
}

async function buildInputs({ config, environment, places, source }: BuildParts): Promise<StageInput[]> {
  const plan = await planLayerFiles({ config, environment, places, mergedUsr: true });
  const inputs: StageInput[] = [{ name: 'the Buildroot tree', hash: treeHash(await source.parts()) }];
  for (const [name, { data }] of plan.files) inputs.push({ name: `layers: ${name}`, hash: sha256(data) });
  inputs.push({ name: 'root overlays', hash: plan.overlayDigest });
  // What the toolchain adds to it is told by the digest of its stage.
  const makefile = overrideMakefile(config, places, '');
  if (makefile !== undefined) inputs.push({ name: "this machine's tools", hash: sha256(makefile) });
  const asked = askedOf(config, 'buildroot').map(({ symbol, value }) => [symbol, value] as const);
  const at = { tree: source.tree().directory, places, hashes: environment.hashes };
  for (const [symbol, hash] of namedFiles(asked, at)) inputs.push({ name: `what ${symbol} names`, hash });
  return inputs;
}

async function build(parts: BuildParts, context: StageContext) {
  const { config, environment, places, source } = parts;
  checkPathForMake(places.directory, `the workspace ${config.workspace}`);
  const text = await readFile(join(context.outputOf(parts.configure), DOT_CONFIG), 'utf8');
  const stopper = new AbortController();
  const make = makeFor(parts, { ...context, signal: AbortSignal.any([context.signal, stopper.signal]) });
  context.report({ kind: 'step-progress', step: context.step, text: 'reading the packages' });
  const { plan, facts } = await gather(parts, make, text, context);
  await readyHostTools(config, places, facts.packages);
  const layers = config.layers.map(({ layer }) => layer);
  for (const { moment } of SCRIPT_MOMENTS) {
    for (const hook of hooksAt(moment, layers, config.engine)) await checkHookProgram(hook);
  }
  tellStrayPatches(facts, layers, context);
  await readyDevicePrograms(parts, facts.packages, context);
  tellLostModes(plan, context);
  for (const work of await prepareOutput(facts, { places, tree: source.tree().directory })) {
    context.report({ kind: 'note', step: context.step, text: workText(work) });
  }
  await writeLayerFiles(plan, places, context.signal);
  await writeDotConfig(places, text);
  if (config.layers.some(({ layer }) => layer.form === 'skiffos')) await linkAsInSkiffos(places);
  const compilers = compilerHash(facts.dotConfig, make.tree);
  await makeAll({ ...make, compilers }, facts.packages, { config, context, environment, stop: () => stopper.abort() });
  return takeResult({ places, infos: facts.packages, overlay: plan.overlay, context });
}

export function makeFor(
  parts: BuildParts,
  { jobs, log, signal }: Pick<BuildrootMake, 'jobs' | 'log' | 'signal'>,
): BuildrootMake {
  const { source, places, environment } = parts;
  return { tree: source.tree(), externals: source.externals(), places, environment, jobs, log, signal };
}

/** What the output directory is to be made of, and the files of the layers. Writes nothing but a configuration for make. */
export async function gather(parts: BuildParts, make: BuildrootMake, text: string, results: Results) {
  const { config, environment, places, source, toolchain } = parts;
  const dotConfig = parseDotConfig(text, { file: DOT_CONFIG, layer: 'Buildroot' });
  const overrides = overrideMakefile(config, places, await toolchain.overrides(results));
  const plan = await planLayerFiles({
    config,
    environment,
    places,
    mergedUsr: dotConfig.get('BR2_ROOTFS_MERGED_USR')?.value === 'y',
    more: new Map(overrides === undefined ? [] : [[LAYER_FILES.hostPackages, { data: overrides }]]),
  });
  const treeParts = await source.parts();
  const packages = await showInfo(make, text, { parts: treeParts, plan });
  const facts = gatherFacts({
    dotConfig,
    parts: treeParts,
    plan,
    packages,
    tree: source.tree().directory,
    places,
    hashes: environment.hashes,
  });
  return { plan, facts };
}

/** The work that a build would begin with. */
async function forecast(parts: BuildParts, context: ForecastContext): Promise<readonly string[]> {
  const { places, source, toolchain } = parts;
  if (!existsSync(join(places.output, 'build')) || !toolchain.stages.every(context.isFresh)) return [];
  const { text } = await configure(parts, context);
  const make = makeFor(parts, { ...context, jobs: new JobBudget(1) });
  const { facts } = await gather(parts, make, text, context);
  return (await workToDo(facts, { places, tree: source.tree().directory })).map(workText);
}

/** SkiffOS's layers look for what Buildroot made in `output/` of its output directory, which there is a link to itself. */
async function linkAsInSkiffos({ output }: BuildPlaces): Promise<void> {
  await symlink('.', join(output, 'output')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

export async function writeDotConfig({ output }: BuildPlaces, text: string): Promise<void> {
  const file = join(output, '.config');
  await mkdir(output, { recursive: true });
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeFileAtomic(file, text);
}

interface MakeAllParts {
  readonly config: ResolvedConfig;
  readonly context: StageContext;
  readonly environment: BuildEnvironment;
  /** Ends make. */
  readonly stop: () => void;
}

async function makeAll(make: BuildrootMake, infos: PackageInfos, parts: MakeAllParts) {
  const { config, context, environment } = parts;
  const checks = new PackageChecks({
    config,
    infos,
    output: make.places.output,
    report: (checked) => reportCheck(checked, context),
  });
  const lines: StepLine[] = [];
  try {
    await watchedMake(make, {
      targets: [],
      config,
      infos,
      done: builtPackages(infos, make.places.output),
      seconds: await readDurations(environment.cache),
      onStep: (line) => {
        lines.push(line);
        if (checks.onStep(line)) parts.stop();
      },
      context,
    });
    checks.finish();
  } catch (error) {
    // Stopped by what was found in a configuration, or found to be wrong beside what failed.
    if (!context.signal.aborted) checks.finish();
    throw error;
  } finally {
    await keepDurations(environment.cache, lines);
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
  readonly overlay: RootTree | undefined;
  readonly context: StageContext;
}

/** Path in the root → `package busybox`, `layer my/app`; of what neither installed, Buildroot is the origin. */
function originsOf({ places, infos, overlay }: Pick<ResultParts, 'places' | 'infos' | 'overlay'>) {
  const names = new Map([...infos].map(([name, { stamp_dir: directory }]) => [directory ?? '', name]));
  const origins = new Map<string, string>();
  for (const [path, directory] of new InstalledFiles(places.output).inTarget()) {
    const name = names.get(directory);
    if (name !== undefined) origins.set(path, `package ${name}`);
  }
  for (const { path, type, origin } of overlay?.entries() ?? []) if (type !== 'directory') origins.set(path, origin);
  return [...origins].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function takeResult({ places, infos, overlay, context }: ResultParts) {
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
  const origins = JSON.stringify(Object.fromEntries(originsOf({ places, infos, overlay })));
  await writeFile(join(context.output, ORIGINS), origins);
  digests.push(ORIGINS, sha256(origins));
  return { digest: sha256(digests.join('\n')) };
}

/** Patches for a package that neither the tree nor an external tree has, most likely misspelt. */
function tellStrayPatches({ parts, packages }: BuildFacts, layers: readonly Layer[], { report, step }: StageContext) {
  const known = new Set([...packages.keys(), ...[...parts.keys()].map((part) => part.split('/').at(-1) ?? '')]);
  for (const { layer, files } of layerPatches(layers).buildroot) {
    for (const name of new Set([...files.keys()].map((path) => path.split('/')[0] ?? ''))) {
      if (known.has(name)) continue;
      const text = `${layer}: buildroot_patches/${name} is for no package that there is`;
      const hint = didYouMean(name, known);
      report({ kind: 'warning', step, text, ...(hint === undefined ? {} : { hint }) });
    }
  }
}

function tellLostModes({ lostModes }: LayerFilesPlan, { report, step }: StageContext): void {
  for (const lost of lostModes) {
    const { message, place, hint } = lostModeWarning(lost);
    report({ kind: 'warning', step, text: `${place?.file}: ${message}`, ...(hint === undefined ? {} : { hint }) });
  }
}
