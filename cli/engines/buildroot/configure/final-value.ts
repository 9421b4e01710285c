/**
 * What became of a symbol: its value in the final configuration and, where that is not as asked, why. Buildroot is configured
 * for it in a scratch directory; kernel, U-Boot and BusyBox have a configuration once they were built.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, Namespace, Value } from '../../../kconfig/assignment.ts';
import { type DotConfig, parseDotConfig, readDotConfig } from '../../../kconfig/dotconfig.ts';
import { readKconfig } from '../../../kconfig/language/read-kconfig.ts';
import { stageDirectory } from '../../../stages/inspect-stages.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { KCONFIG_PACKAGES } from '../build/check-packages.ts';
import { buildPlaces } from '../build-places.ts';
import { readState } from '../incremental/state.ts';
import { hostToolsAssignments } from '../machine/host-tools.ts';
import { planToolchain } from '../toolchain/plan-toolchain.ts';
import { OWN_TOOLCHAIN } from '../toolchain/toolchain.ts';
import { treeSource } from '../tree/tree-source.ts';
import { differences } from './check-request.ts';
import { type Configured, configure } from './configure-stage.ts';
import type { OwnAssignment } from './own-assignment.ts';
import { explainDifferences, explainRemoved, LEGACY_FILE, packageKconfig } from './reasons.ts';
import { buildrootRequest, NO_MORE } from './request.ts';

export interface FinalValue {
  /** Undefined: the final configuration does not have the symbol. */
  readonly value: Value | undefined;
  /** Why it is not as asked; undefined if it is. */
  readonly reason?: string;
  /** What Coracle itself assigns, which wins over layers. */
  readonly own?: OwnAssignment;
}

/** @returns undefined where there is no final configuration yet */
export async function finalValue(
  asked: Assignment,
  namespace: Namespace,
  parts: FinalValueParts,
): Promise<FinalValue | undefined> {
  const { config } = parts;
  const places = buildPlaces(parts.workspaceDirectory);
  if (namespace !== 'buildroot') {
    const name = Object.keys(KCONFIG_PACKAGES).find((one) => KCONFIG_PACKAGES[one] === namespace) ?? '';
    const built = (await readState(places.state))?.packages.get(name)?.build_dir;
    const directory = built === undefined ? undefined : join(places.output, built);
    if (directory === undefined || !existsSync(join(directory, '.config'))) return undefined;
    const actual = readDotConfig(join(directory, '.config'), name);
    const model = () => readKconfig(packageKconfig(namespace, directory, config.arch));
    const [found] = explainDifferences(differences([asked], actual), { config, namespace, actual, model });
    return { value: actual.get(asked.symbol), ...(found === undefined ? {} : { reason: found.cause }) };
  }
  return whenConfigured(asked.symbol, parts, ({ request, text, model }) => {
    const actual = parseDotConfig(text, { file: '.config', layer: 'Buildroot' });
    const value = actual.get(asked.symbol);
    const own = request.own.findLast(({ symbol }) => symbol === asked.symbol);
    if (own !== undefined) return { value, own };
    const reasons = { config, namespace, actual, model, legacyFile: LEGACY_FILE };
    const [found] = [...explainDifferences(differences([asked], actual), reasons), ...explainRemoved([asked], reasons)];
    return { value, ...(found === undefined ? {} : { reason: found.cause }) };
  });
}

/** What Coracle itself assigns to a symbol, as far as it does not take a toolchain to know. */
export function ownAssignment(symbol: string, config: ResolvedConfig, workspaceDirectory: string) {
  const places = buildPlaces(workspaceDirectory);
  const { own } = buildrootRequest(config, places, { ...NO_MORE, own: hostToolsAssignments(config, places) });
  return own.findLast((one) => one.symbol === symbol);
}

/** What Buildroot has for symbols that no layer sets. */
export interface SymbolsOfTree {
  readonly names: ReadonlySet<string>;
  readonly final: DotConfig;
}

export function symbolsOfTree(symbol: string, parts: FinalValueParts): Promise<SymbolsOfTree | undefined> {
  const answer = ({ text, model }: Configured): SymbolsOfTree => ({
    names: new Set(model().symbols.keys()),
    final: parseDotConfig(text, { file: '.config', layer: 'Buildroot' }),
  });
  return whenConfigured(symbol, parts, answer, true);
}

/**
 * Configures in a scratch directory, for a question about one symbol.
 *
 * @param anyToolchain before there is that of the machine, too, as if there were none
 * @returns undefined before there is one
 */
async function whenConfigured<T>(
  symbol: string,
  { config, environment, workspaceDirectory, signal }: FinalValueParts,
  answer: (configured: Configured) => T,
  anyToolchain = false,
): Promise<T | undefined> {
  const places = buildPlaces(workspaceDirectory);
  const source = treeSource(config, environment);
  const planned = planToolchain({ config, environment, places, source });
  const outputOf = (stage: Parameters<typeof stageDirectory>[1]): string => stageDirectory(workspaceDirectory, stage);
  const isMade = planned.stages.every((stage) => existsSync(outputOf(stage)));
  // A shared toolchain is made as Buildroot's own would be, and has what was asked of that.
  const isShared = config.settings.buildroot.toolchain === 'shared';
  if (!isMade && !isShared && !anyToolchain) return undefined;
  const toolchain = !isMade || (isShared && planned.answers(symbol)) ? OWN_TOOLCHAIN : planned;
  const scratch = await mkdtemp(join(tmpdir(), 'coracle-explain-'));
  try {
    const parts = { config, environment, places, source, toolchain };
    return answer(await configure(parts, { outputOf, scratch, log: join(scratch, 'log'), signal }));
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
