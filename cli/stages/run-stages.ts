/**
 * Runs the stages of one workspace that are stale, each as soon as what it needs is there. A stage writes into a new
 * directory that gets its name by a rename once it is complete; whatever a killed build leaves is removed.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { syncDirectory, writeFileAtomic } from '../host/files.ts';
import type { JobBudget, JobShare } from '../host/job-budget.ts';
import { systemFailure, writing } from '../host/system-failure.ts';
import type { Event, Report } from '../ui/events.ts';
import { inputRecord, needDigests, stageDirectory, withNeeds } from './inspect-stages.ts';
import { resultDamage, resultParts } from './result-parts.ts';
import type { Stage, StageContext } from './stage.ts';
import { readRecord, recordPath, type StageRecord, stageKey } from './stage-record.ts';

export interface RunOptions {
  /** The workspace's directory; its lock is held by the caller. */
  readonly workspace: string;
  /** The workspace's name, for events and hints. */
  readonly name: string;
  /** The command line that tries again; `coracle build <name>` unless told. */
  readonly retry?: string;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Each stage waits for a job of it, so that workspaces built side by side do not ask for more than there is. */
  readonly jobs: JobBudget;
}

/** @returns the directory of each stage by name. @throws the first Failure; running stages are stopped before. */
export async function runStages(stages: readonly Stage[], options: RunOptions): Promise<ReadonlyMap<string, string>> {
  await removeLeftovers(options.workspace);
  const stopper = new AbortController();
  const signal = AbortSignal.any([options.signal, stopper.signal]);
  const results = new Map<string, Promise<string>>();
  for (const stage of withNeeds(stages)) {
    const started = runStage(stage, { ...options, signal }, async (name) => {
      const result = results.get(name);
      if (result === undefined) throw new Error(`stage ${stage.name} needs ${name}, which is not in the build`);
      return result;
    });
    // The first failure stops the others; they must have ended before the caller gives the lock back.
    started.catch(() => stopper.abort());
    results.set(stage.name, started);
  }
  const ended = await Promise.allSettled(results.values());
  const failures = ended.filter((end) => end.status === 'rejected').map((end) => end.reason as unknown);
  if (failures.length > 0) throw failures.find((failure) => !wasStopped(failure)) ?? failures[0];
  return new Map(withNeeds(stages).map((stage) => [stage.name, stageDirectory(options.workspace, stage)]));
}

function wasStopped(error: unknown): boolean {
  return (error instanceof Failure && error.parts.code === 'stopped') || (error as Error).name === 'AbortError';
}

/** @returns the digest of the stage's result */
async function runStage(
  stage: Stage,
  options: RunOptions,
  digestOf: (name: string) => Promise<string>,
): Promise<string> {
  const needed = new Map<string, string>();
  await Promise.all(stage.needs.map(async (need) => needed.set(need.name, await digestOf(need.name))));
  const step = `${options.name}/${stage.name}`;
  const inputs = await stage.inputs();
  const needs = needDigests(stage, (name) => needed.get(name));
  const key = stageKey(stage, inputs, needs);
  const directory = stageDirectory(options.workspace, stage);
  const record = await readRecord(directory);
  if (record?.key === key && resultDamage(directory, record.result).length === 0) {
    options.report({ kind: 'step-ended', step, outcome: 'fresh', ms: 0 });
    return record.digest;
  }
  return options.jobs.share(options.signal, async (jobs) => {
    options.signal.throwIfAborted();
    options.report({ kind: 'step-started', step, title: stage.title });
    const begin = performance.now();
    const end = (outcome: Extract<Event, { kind: 'step-ended' }>['outcome']): void =>
      options.report({ kind: 'step-ended', step, outcome, ms: Math.round(performance.now() - begin) });
    const place = workPlace(options, stage);
    try {
      const digest = await makeResult(stage, place, { ...options, step, share: jobs });
      const after = stage.changesInputs ? await stage.inputs() : inputs;
      const made: StageRecord = {
        key: stageKey(stage, after, needs),
        digest: digest ?? key,
        inputs: inputRecord(after),
        needs,
        result: resultParts(place.output),
        ms: Math.round(performance.now() - begin),
      };
      await writeFileAtomic(recordPath(place.output), JSON.stringify(made));
      await replaceDirectory(place.output, directory);
      end('done');
      return made.digest;
    } catch (error) {
      end(wasStopped(error) ? 'stopped' : 'failed');
      throw explain(error, stage, options.retry ?? `coracle build ${options.name}`, place);
    } finally {
      await rm(place.output, { recursive: true, force: true });
      await rm(place.scratch, { recursive: true, force: true });
    }
  });
}

interface WorkPlace {
  readonly output: string;
  readonly scratch: string;
  readonly log: string;
}

function workPlace(options: RunOptions, stage: Stage): WorkPlace {
  return {
    output: join(options.workspace, 'stages', `${stage.name}.new`),
    scratch: join(options.workspace, 'stages', `${stage.name}.scratch`),
    log: join(options.workspace, 'logs', `${stage.name}.log`),
  };
}

async function makeResult(stage: Stage, place: WorkPlace, options: RunOptions & { step: string; share: JobShare }) {
  await mkdir(place.output, { recursive: true });
  await mkdir(place.scratch, { recursive: true });
  await rm(place.log, { force: true });
  const context: StageContext = {
    ...place,
    outputOf: (other) => stageDirectory(options.workspace, other),
    report: options.report,
    step: options.step,
    signal: options.signal,
    jobs: options.share,
  };
  return (await stage.run(context)).digest;
}

async function replaceDirectory(from: string, to: string): Promise<void> {
  const old = `${to}.old`;
  await rm(old, { recursive: true, force: true });
  await rename(to, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(from, to);
  await syncDirectory(join(to, '..'));
  await rm(old, { recursive: true, force: true });
}

async function removeLeftovers(workspace: string): Promise<void> {
  const stages = join(workspace, 'stages');
  await writing(stages, () => mkdir(stages, { recursive: true }));
  for (const name of await readdir(stages)) {
    if (/\.(new|scratch|old)$/.test(name)) await rm(join(stages, name), { recursive: true, force: true });
  }
}

/** Adds what every failure of a stage ends with: the log, and the command that tries again. */
function explain(error: unknown, stage: Stage, retry: string, { output, log }: WorkPlace): unknown {
  const known = { log, retry };
  if (error instanceof Failure) return error.parts.code === 'stopped' ? error : error.with(known);
  const refused = systemFailure(error);
  if (refused === undefined) return error;
  const { path, message } = error as NodeJS.ErrnoException;
  return new Failure({
    ...refused,
    message: `cannot ${stage.title}`,
    place: { file: path ?? output },
    cause: `${refused.cause}: ${message}`,
    ...known,
  });
}
