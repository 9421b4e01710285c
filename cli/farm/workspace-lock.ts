/** The lock of a workspace: one build at a time, and nothing else that changes what builds keep there. */
import { join } from 'node:path';
import { takeLock } from '../host/lock.ts';
import type { Report } from '../ui/events.ts';
import type { BuildPlan } from './plan.ts';

export interface WorkspaceLockOptions {
  /** For people, `coracle build qemu`. */
  readonly purpose: string;
  /** Fail at once when somebody else has it, instead of waiting. */
  readonly noWait?: boolean | undefined;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** @throws Failure `locked` */
export async function lockWorkspace(
  { config, directory }: Pick<BuildPlan, 'config' | 'directory'>,
  { purpose, noWait, report, signal }: WorkspaceLockOptions,
): Promise<AsyncDisposable> {
  const name = config.workspace;
  return takeLock(join(directory, 'lock'), {
    what: `workspace ${name}`,
    purpose,
    ...(noWait === true ? { waitMs: 0 } : {}),
    onWait: (holder) =>
      report({
        kind: 'note',
        text: `workspace ${name} is in use by process ${holder.pid} (${holder.purpose}, since ${holder.since}): waiting`,
      }),
    signal,
  });
}
