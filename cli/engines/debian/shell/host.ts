/** What a shell is given and what it gives: commands to models, files to read and write, problems for people. */
import type { TestFiles } from './test-command.ts';
import type { Status } from './unknown.ts';

export interface Problem {
  /** From 1. */
  readonly line: number;
  /** The command as the script has it. */
  readonly text: string;
  /** The command with what is known filled in. */
  readonly argv: readonly string[];
  readonly reason: string;
}

/** One command about to run. */
export interface Call {
  readonly argv: readonly string[];
  /** Text on its standard input; UNKNOWN if it cannot be known, undefined if there is none. */
  readonly stdin: string | undefined;
  /** Whether it is sure that the command is reached. */
  readonly certain: boolean;
  /** Assignments in front of it. */
  readonly environment: ReadonlyMap<string, string>;
  /** Permission bits that new files do not get. */
  readonly umask: number;
  /** Sets a variable of the shell. */
  readonly set: (variable: string, value: string) => void;
}

export interface Outcome {
  readonly status: Status;
  readonly output?: string;
  /** Why the command is not accounted for; it then counts as one that nobody knows. */
  readonly problem?: string;
}

export interface Writing {
  readonly append: boolean;
  readonly certain: boolean;
  readonly umask: number;
}

/** What a script can see and touch; the interpreter itself changes nothing. */
export interface Host {
  readonly files: TestFiles;
  readonly list: (directory: string) => readonly string[];
  /** Relative paths are from this directory from now on; it may be unknown. */
  readonly move: (directory: string) => void;
  /** Text of a file; UNKNOWN if it has content that is not known, undefined if there is none. */
  readonly readFile: (path: string) => string | undefined;
  /** Text of a file that the script takes over, unless a model stands for it. */
  readonly readScript: (path: string) => string | undefined;
  /** Writes or appends; returns a problem if that cannot be. */
  readonly writeFile: (path: string, text: string, how: Writing) => string | undefined;
  readonly command: (call: Call) => Outcome;
}
