/**
 * A stage: one step of a build whose result is kept in a directory and keyed by the content of its inputs.
 *
 * Stages know nothing of each other but `needs`. The runner (run-stages.ts) decides what is stale, runs it into a fresh
 * directory, and renames that into place, so a stage's directory is complete or does not exist.
 */
import type { JobShare } from '../host/job-budget.ts';
import type { Report } from '../ui/events.ts';

/** One thing that a stage's result depends on. The name is shown by `coracle status` when its hash has changed. */
export interface StageInput {
  readonly name: string;
  readonly hash: string;
}

export interface StageContext {
  /** Empty directory to write the result into; becomes `<workspace>/stages/<name>` when run() returns. */
  readonly output: string;
  /** Directory of a stage in `needs` (or of one that those need). */
  readonly outputOf: (stage: Stage) => string;
  /** Scratch directory, removed afterwards. */
  readonly scratch: string;
  /** Append every child's output here. */
  readonly log: string;
  readonly report: Report;
  /** `<workspace>/<stage>`, for events. */
  readonly step: string;
  readonly signal: AbortSignal;
  /** The job that the stage holds while it runs, and its way to more. */
  readonly jobs: JobShare;
}

export interface StageResult {
  /**
   * Digest of what was made. Stages that need this one are keyed by it; without it, by this stage's own key. Give it
   * where different inputs often make the same result.
   */
  readonly digest?: string;
}

export interface Stage {
  /** Directory name, unique in a workspace: `packages`, `root`, `squashfs`. */
  readonly name: string;
  /** For people, in the imperative: `compose the root`. */
  readonly title: string;
  readonly needs: readonly Stage[];
  /** All that the result depends on besides `needs`; raise a `format` input when the code's result changes. */
  readonly inputs: () => Promise<readonly StageInput[]>;
  /** Running it changes what inputs() tells (it writes a lock file): the key is taken once more afterwards. */
  readonly changesInputs?: true;
  readonly run: (context: StageContext) => Promise<StageResult>;
  /**
   * What a run would do, a line each, for a stage that keeps things between its runs. Changes nothing, and may say nothing
   * where that would take a build to know.
   */
  readonly forecast?: (context: ForecastContext) => Promise<readonly string[]>;
}

export interface ForecastContext extends Pick<StageContext, 'outputOf' | 'scratch' | 'log' | 'signal'> {
  /** Whether a stage in `needs` has a result that is not stale. */
  readonly isFresh: (stage: Stage) => boolean;
}
