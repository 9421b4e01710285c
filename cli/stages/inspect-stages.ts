/** Which stages of a build are stale, and because of what; runs nothing and writes nothing. */
import { join } from 'node:path';
import { resultDamage } from './result-parts.ts';
import type { Stage, StageInput } from './stage.ts';
import { differences, readRecord, type StageRecord, stageKey } from './stage-record.ts';

export interface StageStatus {
  readonly stage: Stage;
  readonly directory: string;
  readonly state: 'fresh' | 'stale';
  /** `never built`, `changed …`, `its result is damaged: …`, `needs <stage>`; empty if fresh. */
  readonly because: readonly string[];
  /** Milliseconds that the last run took, if there was one. */
  readonly lastMs?: number;
}

/** A stage and all that it needs, each once, needs first. */
export function withNeeds(stages: readonly Stage[]): Stage[] {
  const ordered = new Set<Stage>();
  const visit = (stage: Stage): void => {
    if (ordered.has(stage)) return;
    for (const need of stage.needs) visit(need);
    ordered.add(stage);
  };
  for (const stage of stages) visit(stage);
  return [...ordered];
}

export function stageDirectory(workspace: string, stage: Stage): string {
  return join(workspace, 'stages', stage.name);
}

/** @param workspace the workspace's directory */
export async function inspectStages(stages: readonly Stage[], workspace: string): Promise<StageStatus[]> {
  const digests = new Map<string, string>();
  const statuses: StageStatus[] = [];
  for (const stage of withNeeds(stages)) {
    const directory = stageDirectory(workspace, stage);
    const record = await readRecord(directory);
    const because = await reasons(stage, directory, record, digests);
    if (because.length === 0 && record !== undefined) digests.set(stage.name, record.digest);
    statuses.push({
      stage,
      directory,
      state: because.length === 0 ? 'fresh' : 'stale',
      because,
      ...(record === undefined ? {} : { lastMs: record.ms }),
    });
  }
  return statuses;
}

async function reasons(
  stage: Stage,
  directory: string,
  record: StageRecord | undefined,
  digests: Map<string, string>,
): Promise<string[]> {
  if (record === undefined) return ['never built'];
  const damage = resultDamage(directory, record.result).map((what) => `its result is damaged: ${stage.name}/${what}`);
  const missing = stage.needs.filter((need) => !digests.has(need.name)).map((need) => `needs ${need.name}`);
  if (missing.length > 0) return [...damage, ...missing];
  const inputs = await stage.inputs();
  const needs = needDigests(stage, (name) => digests.get(name));
  if (stageKey(stage, inputs, needs) === record.key) return damage;
  const found = [...damage, ...differences(record, inputs), ...changedNeeds(record, needs)];
  return found.length > 0 ? found : ['built by another version of coracle'];
}

function changedNeeds(record: StageRecord, needs: Readonly<Record<string, string>>): string[] {
  return Object.keys(needs)
    .filter((name) => record.needs[name] !== needs[name])
    .map((name) => `new result of ${name}`);
}

/** The digests that go into a stage's key. Every need must have one by now. */
export function needDigests(stage: Stage, digestOf: (name: string) => string | undefined): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const need of stage.needs) {
    const digest = digestOf(need.name);
    if (digest === undefined) throw new Error(`stage ${stage.name} was asked for before ${need.name} had a result`);
    digests[need.name] = digest;
  }
  return digests;
}

/** Inputs as a record, for keeping. */
export function inputRecord(inputs: readonly StageInput[]): Record<string, string> {
  return Object.fromEntries(inputs.map((input) => [input.name, input.hash]));
}
