/** The root: packages composed, kernel modules, Coracle's own programs, overlays, users, units, hooks, and at the end the checks of its init and its libraries. */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FailureParts, throwAny } from '../../failure.ts';
import { hooksAt } from '../../hooks/hook-moments.ts';
import { sha256, sha256File } from '../../host/files.ts';
import type { Content } from '../../rootfs/entry.ts';
import { checkInit } from '../../rootfs/init.ts';
import { addLayerOverlay } from '../../rootfs/layer-overlay.ts';
import { checkLibraryClosure } from '../../rootfs/library-closure.ts';
import { isStillLost, type LostMode, lostModeWarning } from '../../rootfs/overlay-modes.ts';
import type { RootTree } from '../../rootfs/tree.ts';
import { treeDigest } from '../../rootfs/tree-digest.ts';
import { readTreeIndex, writeTreeIndex } from '../../rootfs/tree-index.ts';
import { applyUsers } from '../../rootfs/users.ts';
import type { Stage, StageContext, StageInput } from '../../stages/stage.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import { applyRootHooks } from '../apply-root-hooks.ts';
import type { PackageRecord, StageFile } from '../engine.ts';
import type { BuildEnvironment } from '../environment.ts';
import { type AskedProgram, deviceVersion, programPath } from '../root-programs.ts';
import { debianArchitecture } from './apt/private-apt.ts';
import { composePackages, finishRoot } from './compose-packages.ts';
import type { ConfiguredRoot } from './configured-root.ts';
import { applyUnitEffects, prepareRoot } from './effects/apply-effects.ts';
import { linkApplets } from './effects/busybox.ts';
import { type Effect, readEffects } from './effects/effect-schema.ts';
import { writeLinkerCache } from './effects/linker-cache.ts';
import { layerExclusions } from './exclusions.ts';
import { askedBy, assumedNames, workspaceRequest } from './package-request.ts';
import { readPackages } from './packages-stage.ts';
import { readScriptsRoot } from './run-scripts/scripts-root.ts';
import { explainProblems } from './script-failures.ts';
import { readUnpacked, type UnpackedPackage } from './unpacked.ts';

export const ROOT_INDEX = 'root.index';
export const PACKAGE_RECORDS = 'packages.json';

/** Raise it when the same inputs give another root. */
const FORMAT = '2';

export interface RootParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly packages: Stage;
  /** Tree index of the kernel's modules. */
  readonly modules: StageFile;
  /** Coracle's own programs that layers ask for, each with the stage that has a file of its name. */
  readonly programs: readonly (AskedProgram & { readonly stage: Stage })[];
  /** With `scripts: run`: the tar of the root as the scripts left it. */
  readonly scripts: StageFile | undefined;
}

export function rootStage(parts: RootParts): Stage {
  const { config, environment, packages, modules, programs, scripts } = parts;
  return {
    name: 'root',
    title: 'compose the root',
    needs: [
      packages,
      modules.stage,
      ...programs.map(({ stage }) => stage),
      ...(scripts === undefined ? [] : [scripts.stage]),
    ],
    inputs: async () => [
      ...rootInputs(config, environment),
      ...programs.map(({ name, layers }) => ({
        name: `program ${name}`,
        hash: sha256([deviceVersion(environment.installation), ...layers].join('\n')),
      })),
    ],
    run: async (context) => {
      const locked = await readPackages(context, packages);
      const installed = await readUnpacked(
        locked.filter((one) => one.beside !== true),
        environment.cache,
      );
      const tree = await composeRoot(parts, installed, context);
      checkInit(tree);
      for (const text of await checkLibraryClosure(tree)) {
        context.report({ kind: 'warning', step: context.step, text });
      }
      await writeTreeIndex(tree, join(context.output, ROOT_INDEX));
      const layers = askedBy(workspaceRequest(config).packages);
      const shipped = locked.filter((one) => one.tool !== true);
      const records = shipped.map(
        (one): PackageRecord => ({
          name: one.name,
          version: one.version,
          architecture: one.arch,
          sha256: one.sha256,
          askedBy: layers.get(one.name) ?? [],
        }),
      );
      records.push(...(await programRecords(parts, context)));
      await writeFile(join(context.output, PACKAGE_RECORDS), JSON.stringify(records));
      return { digest: sha256(JSON.stringify([treeDigest(tree), records])) };
    },
  };
}

/** The packages installed: composed, or as their scripts left them. */
async function installPackages(
  { config, scripts }: RootParts,
  packages: readonly UnpackedPackage[],
  effects: readonly Effect[],
  context: StageContext,
): Promise<ConfiguredRoot> {
  const layers = config.layers.map(({ layer }) => layer);
  const options = {
    architecture: debianArchitecture(config.arch),
    assumed: assumedNames(config),
    exclude: layerExclusions(layers).map(({ value }) => value),
    effects,
    signal: context.signal,
  };
  if (scripts === undefined) {
    const { root, problems } = await composePackages(packages, options);
    throwAny(explainProblems(problems, packages, workspaceRequest(config).packages));
    return root;
  }
  const tar = join(context.outputOf(scripts.stage), scripts.path);
  const [tools, kept] = [packages.filter(isTool), packages.filter((one) => !isTool(one))];
  const root = await readScriptsRoot(tar, { ...options, tools, kept });
  prepareRoot(root, effects);
  finishRoot(root, options);
  return root;
}

function isTool(one: UnpackedPackage): boolean {
  return one.locked.tool === true;
}

async function composeRoot(parts: RootParts, packages: readonly UnpackedPackage[], context: StageContext) {
  const { config, environment, modules } = parts;
  const layers = config.layers.map(({ layer }) => layer);
  const effects = readEffects(layers);
  const root = await installPackages(parts, packages, effects, context);
  const { tree } = root;
  await putModules(tree, join(context.outputOf(modules.stage), modules.path));
  for (const { name, stage } of parts.programs) {
    const file = join(context.outputOf(stage), name);
    const content: Content = { kind: 'slice', file, offset: 0, size: (await stat(file)).size };
    tree.put({ path: programPath(name), type: 'file', content, mode: 0o755, uid: 0, gid: 0, origin: 'Coracle' });
  }
  const found: LostMode[] = [];
  const ownDirectories = [environment.project, environment.installation];
  for (const layer of layers) {
    found.push(...(await addLayerOverlay(tree, layer, { values: config.values, ownDirectories })));
  }
  // What a later layer replaced is its file, with its mode.
  const lost = found.filter(({ path, layer }) => tree.get(path)?.origin === `layer ${layer}`);
  linkApplets(tree);
  await applyUsers(
    tree,
    layers.flatMap((layer) => layer.contents.users.map((file) => ({ file, layer: layer.name }))),
  );
  applyUnitEffects(tree, effects);
  await applyRootHooks(tree, config, environment, context);
  for (const one of lost) if (isStillLost(tree, one)) warnOf(context, lostModeWarning(one));
  await writeLinkerCache(tree);
  return tree;
}

function warnOf({ report, step }: StageContext, { message, place, hint }: FailureParts): void {
  const text = place === undefined ? message : `${place.file}: ${message}`;
  report({ kind: 'warning', step, text, ...(hint === undefined ? {} : { hint }) });
}

function programRecords({ config, environment, programs }: RootParts, context: StageContext): Promise<PackageRecord[]> {
  return Promise.all(
    programs.map(async ({ name, layers, stage }) => ({
      name,
      version: deviceVersion(environment.installation),
      architecture: debianArchitecture(config.arch),
      sha256: await sha256File(join(context.outputOf(stage), name)),
      askedBy: layers,
    })),
  );
}

async function putModules(tree: RootTree, index: string): Promise<void> {
  for (const entry of (await readTreeIndex(index)).entries()) {
    if (entry.type !== 'directory' || tree.resolve(entry.path) === undefined) tree.put(entry);
  }
}

/** Everything of the layers that the root is made of besides the packages; named so that `coracle status` reads well. */
function rootInputs(config: ResolvedConfig, { hashes }: BuildEnvironment): StageInput[] {
  const layers = config.layers.map(({ layer }) => layer);
  const inputs: StageInput[] = [
    { name: 'format', hash: FORMAT },
    { name: 'architecture', hash: config.arch },
    { name: 'layers', hash: sha256(layers.map((layer) => layer.name).join('\n')) },
    { name: 'values', hash: sha256(JSON.stringify(config.values)) },
    { name: 'version', hash: config.settings.version },
    { name: 'assumed packages', hash: sha256([...assumedNames(config)].join('\n')) },
    {
      name: 'exclusions',
      hash: sha256(
        layerExclusions(layers)
          .map(({ value }) => value)
          .join('\n'),
      ),
    },
    {
      name: 'effects',
      hash: sha256(JSON.stringify(layers.map((layer) => layer.debian.effects.map(({ value }) => value)))),
    },
    { name: 'package lists', hash: workspaceRequest(config).hash },
  ];
  for (const layer of layers) {
    const { overlay, users } = layer.contents;
    if (overlay !== undefined) inputs.push(...hashes.directory(overlay, `${layer.name}/root_overlay`));
    for (const file of users) inputs.push({ name: `${layer.name} users ${file}`, hash: hashes.file(file) });
  }
  // A hook may read whatever its layer holds.
  for (const { layer } of hooksAt('root', layers, config.engine))
    inputs.push(...hashes.directory(layer.directory, layer.name));
  return inputs;
}
