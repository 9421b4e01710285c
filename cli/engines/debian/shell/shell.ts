/**
 * Runs a maintainer script as it would run on a fresh installation, without running anything: conditions are decided by
 * the root tree and the arguments, and every command goes to a model of it (commands/). Where a condition cannot be
 * decided, both ways are walked *in doubt*: a model may then do nothing that changes the root. What has no model, or would
 * have to act in doubt or on unknown values, becomes a problem; a script without problems is fully accounted for.
 */
import type {
  AndOr,
  Command,
  CompoundCommand,
  CompoundList,
  For,
  If,
  PipelineNode,
  parse,
  Redirection,
  Statement,
  While,
  Word,
} from 'unbash';
import { runBuiltin, type Walker } from './builtins.ts';
import { expandFields, expandPattern, expandText, expandWord, type Surroundings } from './expand.ts';
import type { Host, Problem } from './host.ts';
import { matchesPattern } from './pattern.ts';
import { withRedirects } from './redirects.ts';
import { ShellState } from './state.ts';
import { isKnown, negate, type Status, UNKNOWN } from './unknown.ts';

/** `if` and `elif` alike. */
type Branch = Pick<If, 'clause' | 'then'>;
type AssignedValue = Word | { readonly type: 'ArrayValue' };

const MAX_PASSES = 1000;

export class Shell {
  readonly #state: ShellState;
  readonly #parse: typeof parse;
  readonly #around: Surroundings;
  readonly #walker: Walker;

  constructor(parser: typeof parse, args: readonly string[], variables: ReadonlyMap<string, string>, host: Host) {
    const state = new ShellState(args, variables, host);
    this.#state = state;
    this.#parse = parser;
    this.#around = {
      variable: (name) => state.variable(name),
      assign: (name, value) => state.variables.set(name, value),
      positional: () => state.positional,
      substitute: (script) =>
        state.captured(() => {
          state.lastStatus = state.subshell(() => this.#statements(script.commands));
        }),
      list: host.list,
    };
    this.#walker = {
      state,
      file: (text, from) => this.#file(text, from),
      call: (argv, from) => this.#call(argv, new Map(), from),
    };
  }

  get problems(): readonly Problem[] {
    return this.#state.problems;
  }

  run(source: string): void {
    const state = this.#state;
    const { flow } = this.#wholeFile(source);
    if (flow?.kind !== 'exit' || flow.status === undefined || flow.status === 0) return;
    state.source = source;
    state.problem(source.length, source.length, [`exit ${flow.status}`], 'the script would fail');
  }

  #wholeFile(source: string): Pick<ShellState, 'flow'> {
    const state = this.#state;
    try {
      this.#file(source);
      const { flow, atExit } = state;
      state.flow = undefined;
      if (atExit !== undefined) this.#file(atExit);
      return { flow };
    } catch (error) {
      // Loops and recursion without an end; ours is counted, JavaScript's own limit says the same.
      if (!(error instanceof RangeError)) throw error;
      state.problem(0, 0, [], error.message);
      return { flow: undefined };
    }
  }

  /** Runs the text of a file in this shell: the script itself, one that it takes over with `.`, or what it evaluates. */
  #file(text: string, from?: Command): Status {
    const state = this.#state;
    const before = state.source;
    // What is evaluated is named by the line that evaluates it.
    const line = from === undefined ? 0 : before.slice(0, from.pos).split('\n').length - 1;
    state.source = '\n'.repeat(line) + text;
    const script = this.#parse(state.source);
    for (const error of script.errors ?? []) state.problem(error.pos, error.pos, [], `syntax: ${error.message}`);
    const status = this.#statements(script.commands);
    state.source = before;
    return status;
  }

  #statements(statements: readonly Statement[]): Status {
    const state = this.#state;
    let status: Status = 0;
    for (const statement of statements) {
      status = this.#node(statement.command);
      state.lastStatus = status;
      if (state.flow !== undefined) break;
    }
    return status;
  }

  #list(list: CompoundList): Status {
    return this.#statements(list.commands);
  }

  #node(node: PipelineNode | AndOr | CompoundList): Status {
    const state = this.#state;
    state.step();
    switch (node.type) {
      case 'AndOr':
        return this.#andOr(node);
      case 'Pipeline':
        return this.#pipeline(node);
      case 'CompoundList':
        return this.#list(node);
      case 'Command':
        return this.#command(node);
      case 'Redirected':
        return this.#redirected(node.redirects, node, () => this.#node(node.command));
      case 'Function':
        state.functions.set(node.name.value, node);
        return 0;
      case 'Coproc':
        state.problem(node.pos, node.end, ['coproc'], 'coprocesses are not modelled');
        return undefined;
      default:
        return this.#compound(node);
    }
  }

  #compound(node: CompoundCommand): Status {
    switch (node.type) {
      case 'If':
        return this.#if(node, node.elif, node.else);
      case 'For':
        return this.#for(node);
      case 'While':
        return this.#while(node);
      case 'Case':
        return this.#case(node);
      case 'BraceGroup':
        return this.#list(node.body);
      case 'Subshell':
        return this.#state.subshell(() => this.#list(node.body));
      case 'TestCommand':
        return undefined;
      default:
        this.#state.problem(node.pos, node.end, [node.type], 'this kind of loop is not modelled');
        return undefined;
    }
  }

  #andOr(node: AndOr): Status {
    const state = this.#state;
    let status: Status = 0;
    for (const [index, command] of node.commands.entries()) {
      const operator = node.operators[index - 1];
      if (operator === undefined) status = this.#node(command);
      else if (status === undefined) state.inDoubt(() => this.#node(command));
      else if ((operator === '&&') === (status === 0)) status = this.#node(command);
      if (state.flow !== undefined) return status;
    }
    return status;
  }

  #pipeline(node: Extract<PipelineNode, { type: 'Pipeline' }>): Status {
    const state = this.#state;
    const before = state.stdin;
    let status: Status = 0;
    const [first, ...rest] = node.commands;
    if (first !== undefined && rest.length === 0) status = this.#node(first);
    else {
      const last = node.commands.at(-1);
      for (const command of node.commands) {
        if (command === last) status = state.subshell(() => this.#node(command));
        else state.stdin = state.captured(() => state.subshell(() => this.#node(command)));
      }
      state.stdin = before;
    }
    const negations = node.prefixes.filter((prefix) => prefix.type === 'Negation').length;
    return negations % 2 === 1 ? negate(status) : status;
  }

  #if(branch: Branch, rest: readonly Branch[], otherwise: CompoundList | undefined): Status {
    const state = this.#state;
    const decided = this.#list(branch.clause);
    if (state.flow !== undefined) return decided;
    const [next, ...others] = rest;
    const elsewhere = (): Status => {
      if (next !== undefined) return this.#if(next, others, otherwise);
      return otherwise === undefined ? 0 : this.#list(otherwise);
    };
    if (decided === 0) return this.#list(branch.then);
    if (decided !== undefined) return elsewhere();
    state.eitherWay([() => this.#list(branch.then), elsewhere]);
    return undefined;
  }

  #for(node: For): Status {
    const state = this.#state;
    const words = node.wordlist === undefined ? state.positional : expandFields(node.wordlist, this.#around);
    const { doubt } = state;
    for (const word of words) {
      const pass = (): Status => {
        state.variables.set(node.name.value, word);
        return this.#list(node.body);
      };
      // An unknown word may be no word at all, or many.
      if (isKnown(word)) pass();
      else state.inDoubt(pass);
      if (this.#leavesLoop()) break;
    }
    state.doubt = doubt;
    return 0;
  }

  #while(node: While): Status {
    const { doubt } = this.#state;
    const status = this.#passes(node);
    this.#state.doubt = doubt;
    return status;
  }

  #passes(node: While): Status {
    const state = this.#state;
    for (let passes = 0; ; passes += 1) {
      const decided = this.#list(node.clause);
      if (state.flow !== undefined) return decided;
      const goes = node.kind === 'until' ? negate(decided) : decided;
      if (goes === undefined || passes > MAX_PASSES) {
        state.inDoubt(() => this.#list(node.body));
        return undefined;
      }
      if (goes !== 0) return 0;
      this.#list(node.body);
      if (this.#leavesLoop()) return 0;
    }
  }

  #leavesLoop(): boolean {
    const kind = this.#state.flow?.kind;
    if (kind === 'break' || kind === 'continue') this.#state.flow = undefined;
    return kind !== undefined && kind !== 'continue';
  }

  #case(node: Extract<CompoundCommand, { type: 'Case' }>): Status {
    const subject = expandText(node.word, this.#around);
    const possible: (() => Status)[] = [];
    let falls = true;
    for (const item of node.items) {
      const matches = item.pattern.map((word) => matchesPattern(expandPattern(word, this.#around), subject));
      if (!matches.includes(true) && !matches.includes(undefined)) continue;
      possible.push(() => this.#list(item.body));
      if (!matches.includes(true)) continue;
      falls = false;
      break;
    }
    const [only] = possible;
    if (only === undefined) return 0;
    if (possible.length === 1 && !falls) return only();
    this.#state.eitherWay(falls ? [...possible, () => 0] : possible);
    return undefined;
  }

  #command(node: Command): Status {
    const state = this.#state;
    const assignments = node.prefix.filter((item) => item.type === 'Assignment');
    if (node.name === undefined) {
      return this.#redirected(node.redirects, node, () => {
        state.lastStatus = 0;
        for (const { name, value, append } of assignments) {
          const text = this.#value(value);
          state.variables.set(name, append ? (state.variables.get(name) ?? '') + text : text);
        }
        // That of the last substitution in the values.
        return state.lastStatus;
      });
    }
    const argv = expandWord(node.name, this.#around);
    for (const arg of node.args) {
      if (arg.type === 'Word') argv.push(...expandWord(arg, this.#around));
      else argv.push(`${arg.name}=${this.#value(arg.value)}`);
    }
    const environment = new Map(assignments.map((one) => [one.name, this.#value(one.value)]));
    return this.#redirected(node.redirects, node, () => this.#call(argv, environment, node));
  }

  #value(value: AssignedValue): string {
    return value.type === 'Word' ? expandText(value, this.#around) : UNKNOWN;
  }

  #call(argv: readonly string[], environment: ReadonlyMap<string, string>, node: Command): Status {
    const state = this.#state;
    const [name] = argv;
    if (name === undefined) return state.lastStatus;
    const definition = state.functions.get(name);
    if (definition !== undefined) return state.inFunction(argv.slice(1), () => this.#node(definition.body));
    const own = runBuiltin(argv, this.#walker, node);
    if (own !== 'none') return own;
    const { stdin, certain, umask } = state;
    const outcome = state.host.command({
      argv,
      stdin,
      certain,
      environment,
      umask,
      set: (variable, value) => state.variables.set(variable, value),
    });
    if (outcome.problem !== undefined) state.problem(node.pos, node.end, argv, outcome.problem);
    if (outcome.output !== undefined) state.output.push(outcome.output);
    return outcome.status;
  }

  #redirected(
    redirects: readonly Redirection[],
    at: { readonly pos: number; readonly end: number },
    run: () => Status,
  ): Status {
    return withRedirects(redirects, this.#state, this.#around, run, at);
  }
}
