/** Builds workspaces side by side under one budget, each under its own lock. */
import { availableParallelism } from 'node:os';
import { Failure, throwAny } from '../failure.ts';
import { JobBudget } from '../host/job-budget.ts';
import { runStages } from '../stages/run-stages.ts';
import type { Report } from '../ui/events.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import { commandLine } from '../workspace/command-line.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { useCache } from './cache-in-use.ts';
import { type BuildPlan, type PlanPlaces, planBuild, stagesOf } from './plan.ts';
import { lockWorkspace } from './workspace-lock.ts';

export interface BuildOptions extends Omit<PlanPlaces, 'directory'> {
  /** Jobs at once, those of makes included, over all workspaces; as many as there are processors unless told. */
  readonly jobs?: number;
  /** Fail at once when somebody else builds a workspace, instead of waiting. */
  readonly noWait?: boolean;
  /** Build here instead of in workspaces/<name>. */
  readonly directory?: string;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface BuiltImage {
  readonly name: string;
  /** The workspace's directory. */
  readonly directory: string;
  readonly slot: string;
  readonly disk: string;
  readonly manifest: string;
}

/** @throws one Failure, or Failures with that of each workspace that could not be built; the others are built. */
export async function buildWorkspaces(
  configs: readonly ResolvedConfig[],
  options: BuildOptions,
): Promise<readonly BuiltImage[]> {
  const plans = configs.map((config) => planBuild(config, options));
  checkPlans(plans);
  const steps = plans.flatMap((plan) =>
    stagesOf(plan).map((stage) => ({ step: `${plan.config.workspace}/${stage.name}`, title: stage.title })),
  );
  options.report({ kind: 'plan', steps });
  const names = configs.map(({ workspace }) => workspace).join(' ');
  await using _cache = await useCache(cacheDirectory(options.variables), `coracle build ${names}`);
  const jobs = new JobBudget(options.jobs ?? availableParallelism(), plans.length);
  const ended = await Promise.allSettled(plans.map((plan) => buildOne(plan, options, jobs)));
  const failures: Failure[] = [];
  for (const end of ended) {
    if (end.status === 'fulfilled') continue;
    if (!(end.reason instanceof Failure)) throw end.reason;
    failures.push(end.reason);
  }
  throwAny(failures);
  return plans.map(({ config, directory, slot: files, disk, manifest }) => ({
    name: config.workspace,
    directory,
    slot: files,
    disk,
    manifest,
  }));
}

/** @throws Failure, all of them: what can be told before anything runs */
function checkPlans(plans: readonly BuildPlan[]): void {
  const failures: Failure[] = [];
  for (const { check } of plans) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error);
    }
  }
  throwAny(failures);
}

async function buildOne(plan: BuildPlan, options: BuildOptions, jobs: JobBudget): Promise<void> {
  const name = plan.config.workspace;
  await using _lock = await lockWorkspace(plan, { ...options, purpose: `coracle build ${name}` });
  const { report, signal } = options;
  const retry = commandLine('build', plan.config, options.offline ? ['--offline'] : []);
  const run = { workspace: plan.directory, name, retry, report, signal, jobs };
  // No stage needs what the pre hooks do, and yet they come before all of them.
  await runStages(plan.before, run);
  await runStages([...plan.stages, ...plan.after], run);
  await plan.environment.hashes.save();
}
