/** What packages took to build, kept for all workspaces of a user: the next build can say how long it will take. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeShortcut } from '../../../host/cache-writes.ts';
import { type StepLine, stepSeconds } from './progress.ts';

export async function readDurations(cache: string): Promise<ReadonlyMap<string, number>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(fileOf(cache), 'utf8')) as Record<string, number>));
  } catch {
    // The first build, or a damaged file: nothing is known.
    return new Map();
  }
}

/** Of each package that was built whole; seconds by the clock. */
export async function keepDurations(cache: string, lines: readonly StepLine[]): Promise<void> {
  const sums = new Map<string, number>();
  const whole = new Set<string>();
  for (const [key, seconds] of stepSeconds(lines)) {
    const [name = '', step = ''] = key.split(' ');
    sums.set(name, (sums.get(name) ?? 0) + seconds);
    if (step === 'extract') whole.add(name);
  }
  if (whole.size === 0) return;
  const known = new Map(await readDurations(cache));
  for (const name of whole) known.set(name, Math.round((sums.get(name) ?? 0) * 10) / 10);
  await writeShortcut(fileOf(cache), JSON.stringify(Object.fromEntries([...known].sort())));
}

function fileOf(cache: string): string {
  return join(cache, 'buildroot/durations.json');
}
