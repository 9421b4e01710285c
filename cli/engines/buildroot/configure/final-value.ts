/**
 * What became of a symbol: its value in the final configuration and, where that is not as asked, why. Buildroot is configured
 * for it in a scratch directory; kernel, U-Boot and BusyBox have a configuration once they were built.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, Namespace, Value } from '../../../kconfig/assignment.ts';
import { parseDotConfig, readDotConfig } from '../../../kconfig/dotconfig.ts';
import { stageDirectory } from '../../../stages/inspect-stages.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { KCONFIG_PACKAGES } from '../build/check-packages.ts';
import { buildPlaces } from '../build-places.ts';
import { readState } from '../incremental/state.ts';
import { planToolchain } from '../toolchain/plan-toolchain.ts';
import { OWN_TOOLCHAIN } from '../toolchain/toolchain.ts';
import { treeSource } from '../tree/tree-source.ts';
import { differences } from './check-request.ts';
import { configure } from './configure-stage.ts';
import { explainDifferences, explainRemoved, LEGACY_FILE, packageKconfig } from './reasons.ts';

export interface FinalValue {
  /** Undefined: the final configuration does not have the symbol. */
  readonly value: Value | undefined;
  /** Why it is not as asked; undefined if it is. */
  readonly reason?: string;
}

/** @returns undefined where there is no final configuration yet */
export async function finalValue(
  asked: Assignment,
  namespace: Namespace,
  { config, environment, workspaceDirectory, signal }: FinalValueParts,
): Promise<FinalValue | undefined> {
  const places = buildPlaces(workspaceDirectory);
  if (namespace !== 'buildroot') {
    const name = Object.keys(KCONFIG_PACKAGES).find((one) => KCONFIG_PACKAGES[one] === namespace) ?? '';
    const built = (await readState(places.state))?.packages.get(name)?.build_dir;
    const directory = built === undefined ? undefined : join(places.output, built);
    if (directory === undefined || !existsSync(join(directory, '.config'))) return undefined;
    const actual = readDotConfig(join(directory, '.config'), name);
    const source = packageKconfig(namespace, directory, config.arch);
    const [found] = explainDifferences(differences([asked], actual), { config, namespace, actual, source });
    return { value: actual.get(asked.symbol), ...(found === undefined ? {} : { reason: found.cause }) };
  }
  const source = treeSource(config, environment);
  const planned = planToolchain({ config, environment, places, source });
  const outputOf = (stage: Parameters<typeof stageDirectory>[1]): string => stageDirectory(workspaceDirectory, stage);
  const isMade = planned.stages.every((stage) => existsSync(outputOf(stage)));
  const isShared = config.settings.buildroot.toolchain === 'shared';
  if (!isMade && !isShared) return undefined;
  // A shared toolchain is made as Buildroot's own would be, and has what was asked of that.
  const toolchain = isShared && (!isMade || planned.answers(asked.symbol)) ? OWN_TOOLCHAIN : planned;
  const scratch = await mkdtemp(join(tmpdir(), 'coracle-explain-'));
  try {
    const parts = { config, environment, places, source, toolchain };
    const { text, kconfig } = await configure(parts, { outputOf, scratch, log: join(scratch, 'log'), signal });
    const actual = parseDotConfig(text, { file: '.config', layer: 'Buildroot' });
    const reasons = { config, namespace, actual, source: kconfig, legacyFile: LEGACY_FILE };
    const [found] = [...explainDifferences(differences([asked], actual), reasons), ...explainRemoved([asked], reasons)];
    return { value: actual.get(asked.symbol), ...(found === undefined ? {} : { reason: found.cause }) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export interface FinalValueParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly workspaceDirectory: string;
  readonly signal: AbortSignal;
}
