/** What the engine made of symbols that layers ask for, for `coracle explain`. */
import {
  type FinalValue,
  type FinalValueParts,
  finalValue,
  ownAssignment,
  type SymbolsOfTree,
  symbolsOfTree,
} from '../engines/buildroot/configure/final-value.ts';
import type { OwnAssignment } from '../engines/buildroot/configure/own-assignment.ts';
import { Failure } from '../failure.ts';
import type { Assignment, Namespace } from '../kconfig/assignment.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { type PlanPlaces, planBuild } from './plan.ts';

interface Places extends PlanPlaces {
  readonly signal: AbortSignal;
}

/** Undefined where the engine has no final configuration to look into, or none yet. */
export function finalValueOf(
  asked: Assignment,
  namespace: Namespace,
  config: ResolvedConfig,
  places: Places,
): Promise<FinalValue | undefined> {
  return ask(config, places, (parts) => finalValue(asked, namespace, parts));
}

/** What Coracle itself assigns to a symbol of Buildroot. */
export function ownAssignmentOf(symbol: string, config: ResolvedConfig, places: Places): OwnAssignment | undefined {
  if (config.engine !== 'buildroot') return undefined;
  return ownAssignment(symbol, config, planBuild(config, places).directory);
}

/** What the engine has for symbols that no layer sets; undefined where that is not known. */
export function symbolsOf(symbol: string, config: ResolvedConfig, places: Places): Promise<SymbolsOfTree | undefined> {
  return ask(config, places, (parts) => symbolsOfTree(symbol, parts));
}

async function ask<T>(
  config: ResolvedConfig,
  places: Places,
  question: (parts: FinalValueParts) => Promise<T | undefined>,
): Promise<T | undefined> {
  if (config.engine !== 'buildroot') return undefined;
  const { environment, directory } = planBuild(config, places);
  try {
    return await question({ config, environment, workspaceDirectory: directory, signal: places.signal });
  } catch (error) {
    // Who sets the symbol can be told without a tree.
    if (error instanceof Failure && error.parts.code === 'no-buildroot') return undefined;
    throw error;
  }
}
