/**
 * Where a script is and what it knows: variables, arguments, input and output, and above all whether it is sure to be here. A
 * condition that cannot be decided is walked both ways, each from the same start; what differs afterwards is unknown.
 */
import type { Function as FunctionNode } from 'unbash';
import type { Host, Problem } from './host.ts';
import { type Status, UNKNOWN } from './unknown.ts';

/** Why the commands that follow are not walked. */
export interface Flow {
  readonly kind: 'exit' | 'return' | 'break' | 'continue';
  readonly status: Status;
}

/** A script that takes more steps than this is in a loop. */
const MAX_STEPS = 200_000;
const MAX_DEPTH = 60;

export class ShellState {
  readonly problems: Problem[] = [];
  readonly host: Host;
  readonly functions = new Map<string, FunctionNode>();
  variables: Map<string, string>;
  positional: readonly string[];
  flow: Flow | undefined;
  /** Above 0: not sure whether we are here. */
  doubt = 0;
  stdin: string | undefined;
  lastStatus: Status = 0;
  umask = 0o022;
  #cwd = '/';
  /** What `trap … EXIT` asks for. */
  atExit: string | undefined;
  /** Text that positions of the syntax tree are about. */
  source = '';
  output: string[] = [];
  /** A way that was walked in doubt ended the script. */
  #mayHaveEnded = false;
  #subshells = 0;
  #steps = 0;
  /** What `local` hid in the functions that are running, innermost last. */
  readonly #frames: Map<string, string | undefined>[] = [];

  constructor(args: readonly string[], variables: ReadonlyMap<string, string>, host: Host) {
    this.positional = args;
    this.variables = new Map(variables);
    this.host = host;
  }

  get certain(): boolean {
    return this.doubt === 0 && !this.#mayHaveEnded;
  }

  get cwd(): string {
    return this.#cwd;
  }

  set cwd(directory: string) {
    this.#cwd = directory;
    this.host.move(directory);
  }

  variable(name: string): string | undefined {
    if (name === '?') return this.lastStatus === undefined ? UNKNOWN : String(this.lastStatus);
    if (name === '$' || name === '!' || name === 'RANDOM') return UNKNOWN;
    if (name === '0') return 'script';
    return this.variables.get(name);
  }

  step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new RangeError('the script does not end');
  }

  problem(pos: number, end: number, argv: readonly string[], reason: string): void {
    const line = this.source.slice(0, pos).split('\n').length;
    const text = this.source.slice(pos, end).split('\n')[0]?.trim() ?? '';
    this.problems.push({ line, text, argv, reason });
  }

  /** What `run` prints. */
  captured(run: () => void): string {
    const before = this.output;
    this.output = [];
    run();
    const text = this.output.join('');
    this.output = before;
    return text;
  }

  /** Variables and flow stay inside. */
  subshell(run: () => Status): Status {
    const { variables, positional, doubt, umask, cwd } = this;
    const mayHaveEnded = this.#mayHaveEnded;
    this.variables = new Map(variables);
    this.#subshells += 1;
    const status = run();
    this.#subshells -= 1;
    Object.assign(this, { variables, positional, doubt, umask, cwd });
    this.#mayHaveEnded = mayHaveEnded;
    const { flow } = this;
    this.flow = undefined;
    return flow === undefined ? status : flow.status;
  }

  /** Arguments and `local` variables stay inside. */
  inFunction(args: readonly string[], run: () => Status): Status {
    if (this.#frames.length >= MAX_DEPTH) throw new RangeError('the script calls itself too often');
    const { positional, doubt } = this;
    const frame = new Map<string, string | undefined>();
    this.#frames.push(frame);
    this.positional = args;
    const status = run();
    this.#frames.pop();
    for (const [name, value] of frame) {
      if (value === undefined) this.variables.delete(name);
      else this.variables.set(name, value);
    }
    this.positional = positional;
    // With a return in doubt it is not known which of the two statuses it was.
    const isSure = this.doubt === doubt;
    this.doubt = doubt;
    const { flow } = this;
    if (flow?.kind !== 'return') return isSure ? status : undefined;
    this.flow = undefined;
    return isSure ? flow.status : undefined;
  }

  /** Keeps a variable of the caller from what the function does to it. */
  hide(name: string): void {
    const frame = this.#frames.at(-1);
    if (frame !== undefined && !frame.has(name)) frame.set(name, this.variables.get(name));
  }

  inDoubt(run: () => Status): void {
    this.eitherWay([run, () => 0]);
  }

  /** Walks each way from the same start. One that leaves the script, function or loop leaves doubt behind. */
  eitherWay(ways: readonly (() => Status)[]): void {
    const { variables: start, positional, stdin, umask, cwd } = this;
    const ends: Map<string, string>[] = [];
    let left = false;
    let moved = false;
    let drained = false;
    this.doubt += 1;
    for (const way of ways) {
      this.variables = new Map(start);
      // What is printed in doubt is not known to be printed.
      if (this.captured(way) !== '') this.output.push(UNKNOWN);
      const { flow } = this;
      this.flow = undefined;
      if (flow === undefined) {
        ends.push(this.variables);
        moved ||= this.positional !== positional || this.umask !== umask || this.cwd !== cwd;
        drained ||= this.stdin !== stdin;
      } else if (flow.kind !== 'exit' || this.#subshells > 0) left = true;
      // Ending with an error would have failed the installation: otherwise this way was not taken.
      else if (flow.status === 0 || flow.status === undefined) this.#mayHaveEnded = true;
      Object.assign(this, { positional, stdin, umask, cwd });
    }
    this.variables = merged(ends.length === 0 ? [start] : ends);
    if (drained) this.stdin = UNKNOWN;
    // Still in doubt for the rest of the function or loop when one of the ways left it.
    if (!left && !moved) this.doubt -= 1;
  }
}

function merged(maps: readonly Map<string, string>[]): Map<string, string> {
  const [first, ...rest] = maps;
  const result = new Map(first);
  for (const other of rest) {
    for (const name of new Set([...result.keys(), ...other.keys()])) {
      if (result.get(name) !== other.get(name)) result.set(name, UNKNOWN);
    }
  }
  return result;
}
