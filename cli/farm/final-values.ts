/** What the engine made of symbols that layers ask for, for `coracle explain`. */
import { type FinalValue, finalValue } from '../engines/buildroot/configure/final-value.ts';
import { Failure } from '../failure.ts';
import type { Assignment, Namespace } from '../kconfig/assignment.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { type PlanPlaces, planBuild } from './plan.ts';

/** Undefined where the engine has no final configuration to look into, or none yet. */
export async function finalValueOf(
  asked: Assignment,
  namespace: Namespace,
  config: ResolvedConfig,
  places: PlanPlaces & { readonly signal: AbortSignal },
): Promise<FinalValue | undefined> {
  if (config.engine !== 'buildroot') return undefined;
  const { environment, directory } = planBuild(config, places);
  const parts = { config, environment, workspaceDirectory: directory, signal: places.signal };
  try {
    return await finalValue(asked, namespace, parts);
  } catch (error) {
    // Who sets the symbol can be told without a tree.
    if (error instanceof Failure && error.parts.code === 'no-buildroot') return undefined;
    throw error;
  }
}
