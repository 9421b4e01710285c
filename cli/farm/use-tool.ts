/**
 * Runs one of an engine's tools in a workspace: under its lock, after the stages whose results the tool reads. What it writes
 * is complete or not there.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { EngineTool } from '../engines/engine-tools.ts';
import { Failure } from '../failure.ts';
import { JobBudget } from '../host/job-budget.ts';
import { writing } from '../host/system-failure.ts';
import { stageDirectory, withNeeds } from '../stages/inspect-stages.ts';
import { runStages } from '../stages/run-stages.ts';
import type { Stage, StageContext } from '../stages/stage.ts';
import { commandLine } from '../workspace/command-line.ts';
import { useCache } from './cache-in-use.ts';
import type { BuildPlan } from './plan.ts';
import { lockWorkspace, type WorkspaceLockOptions } from './workspace-lock.ts';

export interface ToolUse extends Omit<WorkspaceLockOptions, 'purpose'> {
  /** What the user asked for; the log has its name. */
  readonly verb: string;
  /** In the imperative, for progress: `fetch the sources`. */
  readonly title: string;
  /** The command line that tries again; the verb with the workspace unless told. */
  readonly retry?: string;
  /** Stages that have to be fresh besides those that the tool needs. */
  readonly also?: readonly Stage[];
  /** What is already there is good enough: no stage runs. */
  readonly asBuilt?: boolean;
}

/**
 * @param finish works on with what the tool gave, still under the lock
 */
export async function useTool<T, R = T>(
  plan: BuildPlan,
  tool: EngineTool<T>,
  use: ToolUse,
  finish: (made: T, context: StageContext) => Promise<R> = async (made) => made as unknown as R,
): Promise<R> {
  const { config, directory, environment } = plan;
  plan.check();
  const { verb, title, report, signal } = use;
  const purpose = commandLine(verb, config);
  const retry = use.retry ?? purpose;
  const step = `${config.workspace}/${verb}`;
  const stages = use.asBuilt === true ? [] : withNeeds([...plan.before, ...tool.needs, ...(use.also ?? [])]);
  report({
    kind: 'plan',
    steps: [
      ...stages.map((stage) => ({ step: `${config.workspace}/${stage.name}`, title: stage.title })),
      { step, title },
    ],
  });
  await using _cache = await useCache(environment.cache, purpose);
  await using _lock = await lockWorkspace(plan, { ...use, purpose });
  const budget = new JobBudget(availableParallelism());
  if (use.asBuilt !== true) {
    const run = { workspace: directory, name: config.workspace, retry, report, signal, jobs: budget };
    await runStages(plan.before, run);
    await runStages([...tool.needs, ...(use.also ?? [])], run);
    await environment.hashes.save();
  }
  const places = toolPlaces(plan, use, step);
  const begin = performance.now();
  const end = (outcome: 'done' | 'failed' | 'stopped'): void =>
    report({ kind: 'step-ended', step, outcome, ms: Math.round(performance.now() - begin) });
  report({ kind: 'step-started', step, title });
  try {
    await writing(directory, async () => {
      await rm(places.log, { force: true });
      for (const one of [places.output, places.scratch]) {
        await rm(one, { recursive: true, force: true });
        await mkdir(one, { recursive: true });
      }
    });
    const made = await budget.share(signal, async (jobs) => {
      const context = { ...places, jobs };
      return finish(await tool.run(context), context);
    });
    end('done');
    return made;
  } catch (error) {
    end(signal.aborted ? 'stopped' : 'failed');
    throw error instanceof Failure && error.parts.code !== 'stopped' ? error.with({ log: places.log, retry }) : error;
  } finally {
    for (const one of [places.output, places.scratch]) await rm(one, { recursive: true, force: true });
  }
}

function toolPlaces(
  { directory }: BuildPlan,
  { verb, report, signal }: ToolUse,
  step: string,
): Omit<StageContext, 'jobs'> {
  return {
    output: join(directory, `${verb}.new`),
    scratch: join(directory, `${verb}.scratch`),
    outputOf: (stage) => stageDirectory(directory, stage),
    log: join(directory, 'logs', `${verb}.log`),
    report,
    step,
    signal,
  };
}

/** Gives what was written into `context.output` its final name, in the place of what was there before. */
export async function publish({ output }: StageContext, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(output, to);
}
