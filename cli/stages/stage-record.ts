/**
 * What is known of a stage's last result: the record inside its directory, written before the directory gets its name.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../host/files.ts';
import type { ResultParts } from './result-parts.ts';
import type { Stage, StageInput } from './stage.ts';

export interface StageRecord {
  readonly key: string;
  /** Of the result, or the key where the stage gave none. */
  readonly digest: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly needs: Readonly<Record<string, string>>;
  /** The result, apart from this record: what is not as it says is made again. */
  readonly result: ResultParts;
  readonly ms: number;
}

const RECORD = '.stage.json';
/** Raise to make every stage stale. */
const FORMAT = '1';

export function recordPath(directory: string): string {
  return join(directory, RECORD);
}

/** Undefined for a record that is not there, or is damaged: then the stage is made again. */
export async function readRecord(directory: string): Promise<StageRecord | undefined> {
  try {
    const read: unknown = JSON.parse(await readFile(recordPath(directory), 'utf8'));
    return isRecord(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(read: unknown): read is StageRecord {
  if (!isMap(read)) return false;
  const { key, digest, inputs, needs, result } = read as { [name in keyof StageRecord]?: unknown };
  return typeof key === 'string' && typeof digest === 'string' && isMap(inputs) && isMap(needs) && isMap(result);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The key of a result: stage name, its inputs, and the digests of what it needs. */
export function stageKey(stage: Stage, inputs: readonly StageInput[], needs: Readonly<Record<string, string>>): string {
  return sha256(
    JSON.stringify([FORMAT, stage.name, sortInputs(inputs).map((i) => [i.name, i.hash]), sortedEntries(needs)]),
  );
}

export function sortInputs(inputs: readonly StageInput[]): StageInput[] {
  return inputs.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function sortedEntries(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Why a record does not answer today's inputs any more, for people: `changed layers/…/motd`. Empty if it does. */
export function differences(record: StageRecord, inputs: readonly StageInput[]): string[] {
  const now = new Map(inputs.map((input) => [input.name, input.hash]));
  const before = new Map(Object.entries(record.inputs));
  const changed = [...now].filter(([name, hash]) => before.has(name) && before.get(name) !== hash);
  const added = [...now].filter(([name]) => !before.has(name));
  const removed = [...before].filter(([name]) => !now.has(name));
  return [
    ...changed.map(([name]) => `changed ${name}`),
    ...added.map(([name]) => `new ${name}`),
    ...removed.map(([name]) => `gone ${name}`),
  ];
}
