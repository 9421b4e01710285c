/** Which of the engines that coracle.yaml may name this version has. Apart from the engines, which take a while to load. */
import { Failure, type Place } from '../failure.ts';
import type { EngineName } from '../workspace/resolved.ts';

export const AVAILABLE_ENGINES = ['debian', 'buildroot'] as const satisfies readonly EngineName[];
export type AvailableEngine = (typeof AVAILABLE_ENGINES)[number];

/** @throws Failure `no-such-engine` */
export function availableEngine(engine: EngineName, workspace: string, place?: Place): AvailableEngine {
  const found = AVAILABLE_ENGINES.find((name) => name === engine);
  if (found !== undefined) return found;
  throw new Failure({
    code: 'no-such-engine',
    message: `workspace ${workspace} asks for the ${engine} engine, which this version does not have yet`,
    place,
    hint: `set "engine: ${AVAILABLE_ENGINES[0]}" for it in coracle.yaml`,
  });
}
