/**
 * How much memory a command and all that it starts take, looked at in /proc while they run. A process counts with its
 * own high-water mark, so that a peak between two looks is not missed.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface PeakMemory {
  /** Bytes by program name: the most that one process of it took. */
  readonly ofPrograms: ReadonlyMap<string, number>;
  /** Bytes: the most that all took at one moment. Shared pages count for each. */
  readonly together: number;
}

const LOOK_EVERY_MS = 15;

export function watchMemory(pid: number): { readonly stop: () => PeakMemory } {
  const ofPrograms = new Map<string, number>();
  let together = 0;
  const look = (): void => {
    let now = 0;
    for (const status of treeOf(pid).flatMap(readStatus)) {
      now += status.resident;
      ofPrograms.set(status.name, Math.max(ofPrograms.get(status.name) ?? 0, status.highest));
    }
    together = Math.max(together, now);
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return { ofPrograms, together };
    },
  };
}

/** A process and its descendants. */
function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

function childrenOf(pid: number): number[] {
  try {
    const lists = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'),
    );
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

function readStatus(pid: number): { name: string; resident: number; highest: number }[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    // Node calls its threads' group by what its main thread is called.
    const name = (/^Name:\s+(.*)$/m.exec(status)?.[1] ?? '').replace('MainThread', 'node');
    return [{ name, resident: kilobytes('VmRSS') * 1024, highest: kilobytes('VmHWM') * 1024 }];
  } catch {
    return [];
  }
}
