/** Brings whatever workspaces need from outside, one after the other: the network is what they would share. */
import type { FetchedSources } from '../engines/engine-tools.ts';
import { Failure, throwAny } from '../failure.ts';
import type { BuildPlan } from './plan.ts';
import { type ToolUse, useTool } from './use-tool.ts';

export interface FetchedWorkspace extends FetchedSources {
  readonly workspace: string;
}

/** @throws one Failure, or Failures with that of each workspace whose sources cannot be had; the others' are there. */
export async function fetchWorkspaces(
  plans: readonly BuildPlan[],
  use: Omit<ToolUse, 'verb' | 'title' | 'also'>,
): Promise<readonly FetchedWorkspace[]> {
  const fetched: FetchedWorkspace[] = [];
  const failures: Failure[] = [];
  for (const plan of plans) {
    use.signal.throwIfAborted();
    try {
      // The programs for the device may need Rust's library for another architecture.
      const also = plan.devicePrograms;
      const title = 'fetch and check the sources';
      const made = await useTool(plan, plan.tools.fetch, { ...use, verb: 'source', title, also });
      fetched.push({ workspace: plan.config.workspace, ...made });
    } catch (error) {
      if (!(error instanceof Failure) || error.parts.code === 'stopped') throw error;
      failures.push(error);
    }
  }
  throwAny(failures);
  return fetched;
}
