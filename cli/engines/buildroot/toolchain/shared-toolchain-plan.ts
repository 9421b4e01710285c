/**
 * The toolchain that all workspaces with equal toolchain settings share, as a stage: what the layers ask of a toolchain is
 * configured and judged, the toolchain is built as an SDK unless the cache has it, and the workspace takes it as an external
 * one, described as what it is.
 */
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { throwAny } from '../../../failure.ts';
import { writingCache } from '../../../host/cache-writes.ts';
import { sha256, temporaryBeside } from '../../../host/files.ts';
import { parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { stageDirectory } from '../../../stages/inspect-stages.ts';
import type { Stage, StageContext, StageInput } from '../../../stages/stage.ts';
import { downloadDirectory } from '../build/make.ts';
import { reportCheck } from '../configure/check-request.ts';
import { type ConfigureParts, configure, judge } from '../configure/configure-stage.ts';
import { hostGcc } from '../configure/host-gcc.ts';
import { buildrootRequest } from '../configure/request.ts';
import { runConf } from '../configure/run-conf.ts';
import { treeHash } from '../tree/buildroot-tree.ts';
import { makeSdk, sdkTarball } from './make-sdk.ts';
import { sdkFiles } from './sdk-files.ts';
import { sdkRecipe } from './sdk-recipe.ts';
import { sdkRequest } from './sdk-request.ts';
import { externalToolchain } from './sdk-symbols.ts';
import { isToolchainSymbol, OWN_TOOLCHAIN, type Results, type ToolchainPlan } from './toolchain.ts';

const FACTS = 'toolchain.json';

/** FACTS */
interface SharedToolchain {
  readonly name: string;
  /** For people and the manifest. */
  readonly parts: readonly string[];
  /** The `.config` that it was made with. */
  readonly config: string;
}

export function sharedToolchainPlan(options: Omit<ConfigureParts, 'toolchain'>): ToolchainPlan {
  const parts: ConfigureParts = { ...options, toolchain: OWN_TOOLCHAIN };
  const { cache } = parts.environment;
  const describe: Stage = {
    name: 'toolchain',
    title: 'find out which toolchain workspaces share',
    needs: [],
    inputs: () => settingInputs(parts),
    run: async (context) => {
      const { recipe, config } = await describeToolchain(parts, context);
      const facts: SharedToolchain = { name: recipe.name, parts: recipe.parts, config };
      await writeFile(join(context.output, FACTS), JSON.stringify(facts));
      return { digest: sha256(JSON.stringify(assignmentsOf(facts, cache))) };
    },
  };
  const facts = ({ outputOf }: Results): SharedToolchain =>
    JSON.parse(readFileSync(join(outputOf(describe), FACTS), 'utf8')) as SharedToolchain;
  const build: Stage = {
    name: 'toolchain-sdk',
    title: 'get the toolchain that workspaces share',
    needs: [describe],
    inputs: async () => [keptInput(cache, stageDirectory(dirname(parts.places.directory), describe))],
    changesInputs: true,
    run: async (context) => {
      const { name } = facts(context);
      const tarball = sdkTarball(cache, name);
      if (!existsSync(tarball)) {
        const { recipe, request } = await describeToolchain(parts, context);
        const { config, environment, source } = parts;
        await makeSdk({ config, environment, source, request, recipe }, context);
      }
      await writingCache(cache, () => offerDownload(tarball, cache));
      await writeFile(join(context.output, FACTS), JSON.stringify({ name }));
      return { digest: name };
    },
  };
  return {
    stages: [describe],
    facts: { stage: describe, path: FACTS },
    built: [build],
    assignments: async (results) => assignmentsOf(facts(results), cache),
    overrides: async () => '',
    answers: isToolchainSymbol,
  };
}

async function settingInputs({ config, places, source }: ConfigureParts): Promise<readonly StageInput[]> {
  const accepts = [config.layers.map(({ layer }) => layer.accept), config.settings.accept];
  return [
    { name: 'what layers ask of Buildroot', hash: sha256(buildrootRequest(config, places).text) },
    { name: 'accepted differences', hash: sha256(JSON.stringify(accepts)) },
    { name: 'the Buildroot tree', hash: treeHash(await source.parts()) },
    { name: 'patches and makefiles for the toolchain', hash: sdkFiles(config).hash },
  ];
}

/** A cache that was emptied gets its toolchain back. */
function keptInput(cache: string, directory: string): StageInput {
  const input = (hash: string): StageInput => ({ name: 'the toolchain in the cache', hash });
  try {
    const { name } = JSON.parse(readFileSync(join(directory, FACTS), 'utf8')) as SharedToolchain;
    return input(existsSync(sdkTarball(cache, name)) ? 'there' : 'gone');
  } catch {
    return input('there');
  }
}

function assignmentsOf({ name, config }: SharedToolchain, cache: string) {
  const sdk = parseDotConfig(config, { file: FACTS, layer: 'toolchain' });
  return externalToolchain(sdk, `file://${sdkTarball(cache, name)}`);
}

/** What the layers ask of a toolchain, judged, and the recipe for it. */
async function describeToolchain(parts: ConfigureParts, context: StageContext) {
  const { config, environment, source } = parts;
  const tree = source.tree();
  const configured = await configure(parts, context);
  const first = parseDotConfig(configured.text, { file: '.config', layer: 'Buildroot' });
  // With the toolchain in place the final configuration has none of these symbols any more.
  const asked = configured.request.asked.filter(({ symbol }) => isToolchainSymbol(symbol));
  const checked = judge(asked, configured, parts);
  reportCheck({ ...checked, needless: [] }, context);
  throwAny(checked.failures);
  const request = sdkRequest(first, tree);
  const { text } = await runConf(request.text, {
    tree,
    externals: [],
    scratch: join(context.scratch, 'sdk'),
    cache: environment.cache,
    hostGcc: await hostGcc(context.signal),
    log: context.log,
    signal: context.signal,
  });
  const recipe = sdkRecipe({ first, text, tree: await source.parts(), files: sdkFiles(config) });
  return { recipe, request, config: text };
}

/** Puts it where Buildroot looks first: without a network, that is the only place. */
async function offerDownload(tarball: string, cache: string): Promise<void> {
  const place = join(downloadDirectory(cache), 'toolchain-external-custom', basename(tarball));
  if (existsSync(place)) return;
  await mkdir(dirname(place), { recursive: true });
  const temporary = temporaryBeside(place);
  await link(tarball, temporary).catch(() => copyFile(tarball, temporary));
  await rename(temporary, place);
  await rm(temporary, { force: true });
}
