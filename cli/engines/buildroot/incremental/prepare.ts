/** Brings an output directory to where plain make may go on, and says what that took. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildPlaces } from '../build-places.ts';
import { applyWork } from './apply-work.ts';
import { readMentions } from './mentions.ts';
import { type BuildFacts, planWork } from './plan-work.ts';
import { readState, writeState } from './state.ts';
import type { Work } from './work.ts';

export interface PrepareOptions {
  readonly places: BuildPlaces;
  /** Directory of the Buildroot tree. */
  readonly tree: string;
}

/** Reads, and changes nothing. Empty if there is nothing to go on from: the first build. */
export async function workToDo(after: BuildFacts, options: PrepareOptions): Promise<readonly Work[]> {
  return workFrom(await readState(options.places.state), after, options);
}

function workFrom(before: BuildFacts | undefined, after: BuildFacts, { places, tree }: PrepareOptions) {
  if (!existsSync(join(places.output, 'build'))) return [];
  if (before !== undefined) return planWork(before, after, readMentions(tree, after.packages));
  const because = 'it is not known what the output directory was made of';
  return [{ kind: 'everything', because }] satisfies readonly Work[];
}

export async function prepareOutput(after: BuildFacts, options: PrepareOptions): Promise<readonly Work[]> {
  const { state } = options.places;
  const before = await readState(state);
  const work = workFrom(before, after, options);
  // A directory that is half taken back is not what the state says it is; the plan for it, however, is still right.
  await applyWork(work, before ?? after, after, options);
  await writeState(state, after);
  return work;
}
