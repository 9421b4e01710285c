/**
 * The stage that configures Buildroot: the request goes through the tree's Kconfig, and what comes out is compared with what
 * was asked for, before anything is built.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwAny } from '../../../failure.ts';
import { sha256 } from '../../../host/files.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import type { Stage, StageContext, StageInput } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import type { BuildPlaces } from '../build-places.ts';
import { treeHash } from '../tree/buildroot-tree.ts';
import type { TreeSource } from '../tree/tree-source.ts';
import { type CheckedRequest, differences, type ExplainedDifference, judgeDifferences } from './check-request.ts';
import { hostGcc } from './host-gcc.ts';
import { buildrootRequest, type OwnAssignment } from './request.ts';
import { runConf } from './run-conf.ts';

/** The final configuration, in the stage's directory. */
export const DOT_CONFIG = '.config';

/** Raise it when the same inputs are judged in another way. */
const FORMAT = '1';

export interface ConfigureParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly places: BuildPlaces;
  readonly source: TreeSource;
  /** Stages that {@link more} reads from. */
  readonly needs: readonly Stage[];
  /** What other parts of the engine ask for. */
  readonly more: (context: Pick<StageContext, 'outputOf'>) => Promise<readonly OwnAssignment[]>;
}

export function configureStage(parts: ConfigureParts): Stage {
  const { config, environment, places, source } = parts;
  return {
    name: 'buildroot-config',
    title: 'configure Buildroot',
    needs: parts.needs,
    inputs: async () => configureInputs(parts),
    run: async (context) => {
      const request = buildrootRequest(config, places, await parts.more(context));
      const text = await runConf(request.text, {
        tree: source.tree(),
        externals: source.externals(),
        scratch: join(context.scratch, 'conf'),
        cache: environment.cache,
        hostGcc: await hostGcc(context.signal),
        log: context.log,
        signal: context.signal,
      });
      const file = join(context.output, DOT_CONFIG);
      const final = parseDotConfig(text, { file, layer: 'Buildroot' });
      const asked = request.asked.filter(({ symbol }) => !request.own.some((one) => one.symbol === symbol));
      const found = await explainAll(differences(asked, final), final, parts);
      const checked = judgeDifferences(found, config, {
        namespace: 'buildroot',
        what: `Buildroot ${source.tree().version}`,
      });
      reportCheck(checked, context);
      throwAny(checked.failures);
      await writeFile(file, text);
      return { digest: sha256(text) };
    },
  };
}

async function configureInputs({ config, places, source, more, needs }: ConfigureParts) {
  const own = needs.length === 0 ? await more({ outputOf: () => '' }) : [];
  const request = buildrootRequest(config, places, own);
  const accepts = [config.layers.map(({ layer }) => layer.accept), config.settings.accept];
  const inputs: StageInput[] = [
    { name: 'what layers ask of Buildroot', hash: sha256(request.text) },
    { name: 'accepted differences', hash: sha256(JSON.stringify(accepts)) },
    { name: 'the Buildroot tree', hash: treeHash(await source.parts()) },
    { name: 'format', hash: FORMAT },
  ];
  return inputs;
}

async function explainAll(
  found: ReturnType<typeof differences>,
  _final: DotConfig,
  _parts: ConfigureParts,
): Promise<readonly ExplainedDifference[]> {
  return found.map((one) => ({ ...one, cause: 'Kconfig decided otherwise' }));
}

function reportCheck({ warnings, needless }: CheckedRequest, { report, step }: StageContext): void {
  for (const { parts } of warnings) {
    const place = parts.place === undefined ? '' : `${parts.place.file}:${parts.place.line}: `;
    report({ kind: 'warning', step, text: `${place}${parts.message}: ${parts.cause}` });
  }
  if (needless.length > 0) {
    const symbols = needless.map(({ symbol }) => symbol).join(', ');
    report({ kind: 'note', step, text: `accepted differences that there are not: ${symbols}` });
  }
}
