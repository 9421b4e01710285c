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
export async function workToDo(after: BuildFacts, { places, tree }: PrepareOptions): Promise<readonly Work[]> {
  if (!existsSync(join(places.output, 'build'))) return [];
  const before = await readState(places.state);
  if (before === undefined) {
    return [{ kind: 'everything', because: 'it is not known what the output directory was made of' }];
  }
  return planWork(before, after, readMentions(tree, after.packages));
}

export async function prepareOutput(after: BuildFacts, options: PrepareOptions): Promise<readonly Work[]> {
  const { places } = options;
  const work = await workToDo(after, options);
  const before = await readState(places.state);
  // A directory that is half taken back is not what the state says it is; the plan for it, however, is still right.
  await applyWork(work, before ?? after, after, options);
  await writeState(places.state, after);
  return work;
}
