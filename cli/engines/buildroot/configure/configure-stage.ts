/**
 * The stage that configures Buildroot: the request goes through the tree's Kconfig, and what comes out is compared with what
 * was asked for, before anything is built.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwAny } from '../../../failure.ts';
import { sha256 } from '../../../host/files.ts';
import type { Assignment } from '../../../kconfig/assignment.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import type { KconfigModel } from '../../../kconfig/language/model.ts';
import { sameValue } from '../../../kconfig/value.ts';
import type { Stage, StageContext, StageInput } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import type { BuildPlaces } from '../build-places.ts';
import { ignoredPatches } from '../layer-files/patches.ts';
import { layerUsers } from '../layer-files/users.ts';
import { hostToolsAssignments } from '../machine/host-tools.ts';
import type { Results, ToolchainPlan } from '../toolchain/toolchain.ts';
import { treeHash } from '../tree/buildroot-tree.ts';
import type { TreeSource } from '../tree/tree-source.ts';
import { type CheckedRequest, describeValue, differences, judgeDifferences, reportCheck } from './check-request.ts';
import { hostGcc } from './host-gcc.ts';
import { namedPathFailures } from './named-paths.ts';
import { explainDifferences, explainRemoved, LEGACY_FILE } from './reasons.ts';
import { askedOf, type BuildrootRequest, buildrootRequest, type MoreRequest } from './request.ts';
import { runConf } from './run-conf.ts';

/** The final configuration, in the stage's directory. */
export const DOT_CONFIG = '.config';

/** Raise it when the same inputs are judged in another way. */
const FORMAT = '2';

export interface ConfigureParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly places: BuildPlaces;
  readonly source: TreeSource;
  readonly toolchain: ToolchainPlan;
}

export function configureStage(parts: ConfigureParts): Stage {
  return {
    name: 'buildroot-config',
    title: 'configure Buildroot',
    needs: parts.toolchain.stages,
    inputs: async () => configureInputs(parts),
    run: async (context) => {
      const configured = await configure(parts, context);
      const { request, text } = configured;
      const asked = request.asked.filter(({ symbol }) => !request.own.some((one) => one.symbol === symbol));
      const checked = judge(asked, configured, parts);
      for (const text of overruled(request)) context.report({ kind: 'warning', step: context.step, text });
      const ofLayers = checkLayers(parts);
      for (const { parts: ignored } of ofLayers.warnings) {
        context.report({ kind: 'warning', step: context.step, text: ignored.message, hint: ignored.hint ?? '' });
      }
      const final = parseFinal(text);
      const misnamed = ofLayers.named.filter(({ symbol }) => final.has(symbol)).map(({ failure }) => failure);
      const needless = checked.needless.filter(({ symbol }) => !parts.toolchain.answers(symbol));
      reportCheck({ ...checked, needless }, context);
      throwAny([...checked.failures, ...misnamed, ...ofLayers.failures]);
      await writeFile(join(context.output, DOT_CONFIG), text);
      return { digest: sha256(text) };
    },
  };
}

/** What layers ask for and Coracle has to have otherwise; to lists of theirs it only adds. */
function overruled({ asked, own }: BuildrootRequest): readonly string[] {
  return asked.flatMap(({ symbol, value, origin }) => {
    const ours = own.findLast((one) => one.symbol === symbol);
    if (ours === undefined || sameValue(ours.value, value)) return [];
    if (ours.value.kind === 'string' && value.kind === 'string' && ours.value.value.startsWith(value.value)) return [];
    const place = `${origin.file}:${origin.line}`;
    return [`${place}: ${symbol} is ${describeValue(ours.value)} whatever layers ask for: ${ours.why}`];
  });
}

/** Holds what was asked for against what came out. */
export function judge(
  asked: readonly Assignment[],
  { text, model }: Configured,
  { config, source }: Pick<ConfigureParts, 'config' | 'source'>,
): CheckedRequest {
  const actual = parseFinal(text);
  const reasons = { config, namespace: 'buildroot', actual, model, legacyFile: LEGACY_FILE } as const;
  const found = [...explainDifferences(differences(asked, actual), reasons), ...explainRemoved(asked, reasons)];
  return judgeDifferences(found, config, { namespace: 'buildroot', what: `Buildroot ${source.tree().version}` });
}

function parseFinal(text: string): DotConfig {
  return parseDotConfig(text, { file: DOT_CONFIG, layer: 'Buildroot' });
}

/** What is wrong with what layers hold besides assignments, and with what these name. */
function checkLayers({ config, places, source }: ConfigureParts) {
  const layers = config.layers.map(({ layer }) => layer);
  const at = { tree: source.tree().directory, externals: source.externals(), places };
  return {
    /** Counts where the final configuration has the symbol. */
    named: namedPathFailures(askedOf(config, 'buildroot'), at),
    failures: layerUsers(layers).failures,
    warnings: ignoredPatches(layers),
  };
}

export interface Configured {
  readonly request: BuildrootRequest;
  /** The final `.config`. */
  readonly text: string;
  /** Of the files that it was made with; read when it is first asked for, which is as long as the scratch directory lasts. */
  readonly model: () => KconfigModel;
}

/** The configuration as it would be; nothing is judged. The toolchain's stages must have run. */
export async function configure(
  parts: ConfigureParts,
  context: Pick<StageContext, 'outputOf' | 'scratch' | 'log' | 'signal'>,
): Promise<Configured> {
  const { config, environment, places, source } = parts;
  const request = buildrootRequest(config, places, await moreRequest(parts, context));
  const { text, kconfig } = await runConf(request.text, {
    tree: source.tree(),
    externals: source.externals(),
    scratch: join(context.scratch, 'conf'),
    cache: environment.cache,
    hostGcc: await hostGcc(context.signal),
    log: context.log,
    signal: context.signal,
  });
  return { request, text, model: () => source.model(kconfig) };
}

/** What the toolchain and the machine's tools ask for, once the toolchain is there. */
async function moreRequest({ config, places, toolchain }: ConfigureParts, results: Results): Promise<MoreRequest> {
  const tools = hostToolsAssignments(config, places);
  return { own: [...(await toolchain.assignments(results)), ...tools], answers: toolchain.answers };
}

async function configureInputs(parts: ConfigureParts) {
  const { config, places, source, toolchain } = parts;
  // What the toolchain asks for is told by the digest of its stage.
  const more = { own: hostToolsAssignments(config, places), answers: toolchain.answers };
  const request = buildrootRequest(config, places, more);
  const accepts = [config.layers.map(({ layer }) => layer.accept), config.settings.accept];
  const { named, failures, warnings } = checkLayers(parts);
  const found = [...named.map(({ failure }) => failure), ...failures, ...warnings].map((one) => one.parts);
  const inputs: StageInput[] = [
    { name: 'what layers ask of Buildroot', hash: sha256(request.text) },
    { name: 'accepted differences', hash: sha256(JSON.stringify(accepts)) },
    { name: 'the Buildroot tree', hash: treeHash(await source.parts()) },
    { name: 'users tables, names of patches, and paths that layers name', hash: sha256(JSON.stringify(found)) },
    { name: 'format', hash: FORMAT },
  ];
  return inputs;
}
