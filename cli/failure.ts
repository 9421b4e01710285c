/**
 * The one family of expected failures: the user's input or the build is wrong, the program is not.
 *
 * A Failure carries what a person needs to act: a stable code, the place, the cause and a hint. Anything else that is
 * thrown is a bug, and the edge of the program prints it as one (exit 2).
 */

/** A position in a user's file. Lines and columns count from 1; `length` is in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly length?: number;
}

export interface FailureParts {
  /** Stable, kebab-case, for machines: `unknown-layer`, `command-failed`. */
  readonly code: string;
  /** One sentence: what is wrong. No trailing newline. */
  readonly message: string;
  readonly place?: Place | undefined;
  /** Why it is wrong, when the message alone does not say it; may span lines. */
  readonly cause?: string | undefined;
  /** The cause is a list that Coracle made, of which every line counts; else it may be a long output, and is cut. */
  readonly wholeCause?: true;
  /** What to do about it. */
  readonly hint?: string | undefined;
  /** The layer that the failure belongs to, if one does. */
  readonly layer?: string | undefined;
  /** Full output of the child process that failed. */
  readonly log?: string | undefined;
  /** A command line that tries the failed step again. */
  readonly retry?: string | undefined;
}

export class Failure extends Error {
  readonly parts: FailureParts;

  constructor(parts: FailureParts) {
    super(parts.message);
    this.name = 'Failure';
    this.parts = parts;
  }

  /** The same failure with more said about it; what was known already wins. */
  with(more: Partial<FailureParts>): Failure {
    const known = Object.entries(this.parts).filter(([, value]) => value !== undefined);
    return new Failure({ ...this.parts, ...more, ...Object.fromEntries(known) });
  }
}

/** Several failures found in one pass, so that the user mends them in one pass too. */
export class Failures extends Failure {
  readonly all: readonly Failure[];

  constructor(all: readonly [Failure, ...Failure[]]) {
    super(all[0].parts);
    this.all = all;
  }

  /** Every one with more said about it; where to look and how to try again is said once, behind the last. */
  override with({ log, retry, ...more }: Partial<FailureParts>): Failures {
    const [first, ...rest] = this.all.map((failure, index) =>
      failure.with(index === this.all.length - 1 ? { ...more, log, retry } : more),
    );
    return first === undefined ? this : new Failures([first, ...rest]);
  }
}

/** Throws nothing for an empty list, the failure itself for one, {@link Failures} for more. */
export function throwAny(found: readonly Failure[]): void {
  const [first, ...rest] = found;
  if (first === undefined) return;
  if (rest.length === 0) throw first;
  throw new Failures([first, ...rest]);
}
