/** Buildroot's target directory alone: the next build installs every package into it anew, and compiles nothing for it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILD_STAGE } from '../engines/buildroot/build/build-stage.ts';
import { buildPlaces } from '../engines/buildroot/build-places.ts';
import { emptyTarget } from '../engines/buildroot/incremental/apply-work.ts';

/** @param workspace its directory; the caller holds its lock */
export async function cleanTarget(workspace: string): Promise<void> {
  // First the result, so that whatever comes in between, the next build looks at the directory again.
  await rm(join(workspace, 'stages', BUILD_STAGE), { recursive: true, force: true });
  await emptyTarget(buildPlaces(workspace).output);
}
