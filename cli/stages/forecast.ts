/** What stale stages would do, as far as they can tell without doing it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StageStatus, stageDirectory } from './inspect-stages.ts';

/** @returns name of a stage → lines. @param workspace the workspace's directory */
export async function forecastStages(
  statuses: readonly StageStatus[],
  workspace: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const fresh = new Set(statuses.filter(({ state }) => state === 'fresh').map(({ stage }) => stage));
  const lines = new Map<string, readonly string[]>();
  for (const { stage, state } of statuses) {
    if (state === 'fresh' || stage.forecast === undefined) continue;
    const scratch = await mkdtemp(join(tmpdir(), 'coracle-forecast-'));
    try {
      const found = await stage.forecast({
        outputOf: (other) => stageDirectory(workspace, other),
        isFresh: (other) => fresh.has(other),
        scratch,
        log: join(scratch, 'log'),
        signal,
      });
      if (found.length > 0) lines.set(stage.name, found);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return lines;
}
