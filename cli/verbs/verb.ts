/**
 * What a verb of the command line is. main.ts lists the verbs by name and loads the one that was asked for; reference
 * pages are generated from the same values.
 */
import type { ArgumentsCamelCase, InferredOptionTypes, Options } from 'yargs';
import type { Report } from '../ui/events.ts';

export interface Session {
  /** Where the command was started. */
  readonly cwd: string;
  /** Coracle's own checkout. */
  readonly installation: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Words that are for a program that the verb runs, see passed-on.ts. */
  readonly passedOn: readonly string[];
  /** The one way to talk. Results go out as `result` events: data on stdout, everything else on stderr. */
  readonly report: Report;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Verb<O extends Record<string, Options> = Record<string, Options>> {
  /** yargs command with positionals, `explain <symbol> [workspace]`. */
  readonly command: string;
  /** One line for the help. */
  readonly summary: string;
  /** What a person wants to know next: examples and exit codes, as Markdown; goes to the reference page. */
  readonly details?: string;
  readonly positionals?: Readonly<Record<string, Options>>;
  readonly options: O;
  /** Takes its time: progress is shown live on a terminal, and `--json` writes events as they come. */
  readonly streams?: boolean;
  /** Returns the exit code; 0 if nothing. Throws Failure for the user's mistakes. */
  readonly run: (args: VerbArguments<O>, session: Session) => Promise<number | undefined>;
}

export type VerbArguments<O extends Record<string, Options>> = ArgumentsCamelCase<
  InferredOptionTypes<O> & Record<string, unknown>
>;

/** Keeps the types of the options for `run`. */
export function defineVerb<O extends Record<string, Options>>(verb: Verb<O>): Verb {
  return verb as unknown as Verb;
}
