/**
 * Runs a maintainer script as it would run on a fresh installation, without running anything: conditions are decided by
 * the root tree and the arguments, and every command goes to a model of it (commands/). Where a condition cannot be
 * decided, both ways are walked *in doubt*: a model may then do nothing that changes the root. What has no model, or would
 * have to act in doubt or on unknown values, becomes a {@link Problem}; a script without problems is fully accounted for.
 */
import type {
  AndOr,
  Command,
  CompoundCommand,
  CompoundList,
  For,
  Function as FunctionNode,
  If,
  ParsedScript,
  PipelineNode,
  parse,
  Redirection,
  Statement,
  While,
  Word,
} from 'unbash';
import { expandFields, expandParts, expandPattern, expandText, expandWord, type Surroundings } from './expand.ts';
import { matchesPattern } from './pattern.ts';
import { type TestFiles, testExpression } from './test-command.ts';
import { isKnown, negate, type Status, UNKNOWN } from './unknown.ts';

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
  /** Variables of the shell; models of builtins change them. */
  readonly shell: ShellVariables;
}

export interface ShellVariables {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** Runs `argv` as if it stood there. */
  run(argv: readonly string[]): Outcome;
}

export interface Outcome {
  readonly status: Status;
  readonly output?: string;
  /** Why the command is not accounted for; it then counts as one that nobody knows. */
  readonly problem?: string;
}

export type CommandModel = (call: Call) => Outcome;

export interface Writing {
  readonly append: boolean;
  readonly certain: boolean;
  readonly umask: number;
}

/** What a script can see and touch; the interpreter itself changes nothing. */
export interface Host {
  readonly files: TestFiles;
  readonly list: (directory: string) => readonly string[];
  /** Text of a file; UNKNOWN if it has content that is not known, undefined if there is none. */
  readonly readFile: (path: string) => string | undefined;
  /** Text of a file that the script takes over, unless a model stands for it. */
  readonly readScript: (path: string) => string | undefined;
  /** Writes or appends; returns a problem if that cannot be. */
  readonly writeFile: (path: string, text: string, how: Writing) => string | undefined;
  readonly command: (call: Call) => Outcome;
}

/** `if` and `elif` alike. */
type Branch = Pick<If, 'clause' | 'then'>;
type AssignedValue = Word | { readonly type: 'ArrayValue' };

type Flow = { readonly kind: 'exit' | 'return' | 'break' | 'continue'; readonly status: Status };

/** A script that takes more steps than this is in a loop. */
const MAX_STEPS = 200_000;
const MAX_DEPTH = 60;

export class Shell {
  readonly problems: Problem[] = [];
  #source: string;
  readonly #parse: typeof parse;
  readonly #host: Host;
  #variables: Map<string, string>;
  #positional: readonly string[];
  readonly #functions = new Map<string, FunctionNode>();
  #flow: Flow | undefined;
  /** Above 0: not sure whether we are here. */
  #doubt = 0;
  /** A way that was walked in doubt ended the script. */
  #mayHaveEnded = false;
  /** What `local` hid in the functions that are running, innermost last. */
  readonly #hidden: Map<string, string | undefined>[] = [];
  #output: string[] = [];
  #stdin: string | undefined;
  #lastStatus: Status = 0;
  #steps = 0;
  #depth = 0;
  #umask = 0o022;
  readonly #around: Surroundings;

  constructor(parser: typeof parse, args: readonly string[], variables: ReadonlyMap<string, string>, host: Host) {
    this.#source = '';
    this.#parse = parser;
    this.#host = host;
    this.#variables = new Map(variables);
    this.#positional = args;
    this.#around = {
      variable: (name) => this.#variable(name),
      assign: (name, value) => this.#variables.set(name, value),
      positional: () => this.#positional,
      substitute: (script) => this.#substitute(script),
      list: host.list,
    };
  }

  run(source: string): void {
    this.#file(source);
    const flow = this.#flow;
    if (flow?.kind !== 'exit' || flow.status === undefined || flow.status === 0) return;
    this.#source = source;
    this.#problem(source.length, source.length, [`exit ${flow.status}`], 'the script would fail');
  }

  get #certain(): boolean {
    return this.#doubt === 0 && !this.#mayHaveEnded;
  }

  #variable(name: string): string | undefined {
    if (name === '?') return this.#lastStatus === undefined ? UNKNOWN : String(this.#lastStatus);
    if (name === '$' || name === '!' || name === 'RANDOM') return UNKNOWN;
    if (name === '0') return 'script';
    return this.#variables.get(name);
  }

  /** Runs the text of a file in this shell: the script itself, or one that it takes over with `.`. */
  #file(text: string, from?: Command): Status {
    const before = this.#source;
    // What is evaluated is named by the line that evaluates it.
    const line = from === undefined ? 0 : before.slice(0, from.pos).split('\n').length - 1;
    this.#source = '\n'.repeat(line) + text;
    const script = this.#parse(this.#source);
    for (const error of script.errors ?? []) this.#problem(error.pos, error.pos, [], `syntax: ${error.message}`);
    const status = this.#statements(script.commands);
    this.#source = before;
    return status;
  }

  #statements(statements: readonly Statement[]): Status {
    let status: Status = 0;
    for (const statement of statements) {
      status = this.#node(statement.command);
      this.#lastStatus = status;
      if (this.#flow !== undefined) break;
    }
    return status;
  }

  #list(list: CompoundList): Status {
    return this.#statements(list.commands);
  }

  #node(node: PipelineNode | AndOr | CompoundList): Status {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new RangeError('the script does not end');
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
        return this.#redirected(node.redirects, () => this.#node(node.command));
      case 'Function':
        this.#functions.set(node.name.value, node);
        return 0;
      case 'Coproc':
        this.#problem(node.pos, node.end, ['coproc'], 'coprocesses are not modelled');
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
        return this.#subshell(() => this.#list(node.body));
      case 'TestCommand':
        return undefined;
      default:
        this.#problem(node.pos, node.end, [node.type], 'this kind of loop is not modelled');
        return undefined;
    }
  }

  #andOr(node: AndOr): Status {
    let status: Status = 0;
    for (const [index, command] of node.commands.entries()) {
      const operator = node.operators[index - 1];
      if (operator === undefined) status = this.#node(command);
      else if (status === undefined) {
        this.#inDoubt(() => this.#node(command));
        status = undefined;
      } else if ((operator === '&&') === (status === 0)) status = this.#node(command);
      if (this.#flow !== undefined) return status;
    }
    return status;
  }

  #pipeline(node: Extract<PipelineNode, { type: 'Pipeline' }>): Status {
    const before = this.#stdin;
    let status: Status = 0;
    for (const [index, command] of node.commands.entries()) {
      const isLast = index === node.commands.length - 1;
      if (node.commands.length === 1) status = this.#node(command);
      else if (isLast) status = this.#subshell(() => this.#node(command));
      else {
        const output = this.#captured(() => {
          this.#subshell(() => this.#node(command));
        });
        this.#stdin = output;
      }
      if (this.#flow !== undefined) break;
    }
    this.#stdin = before;
    const negations = node.prefixes.filter((prefix) => prefix.type === 'Negation').length;
    return negations % 2 === 1 ? negate(status) : status;
  }

  #if(branch: Branch, rest: readonly Branch[], otherwise: CompoundList | undefined): Status {
    const decided = this.#list(branch.clause);
    if (this.#flow !== undefined) return decided;
    const [next, ...others] = rest;
    const elsewhere = (): Status => {
      if (next !== undefined) return this.#if(next, others, otherwise);
      return otherwise === undefined ? 0 : this.#list(otherwise);
    };
    if (decided === 0) return this.#list(branch.then);
    if (decided !== undefined) return elsewhere();
    this.#eitherWay([() => this.#list(branch.then), elsewhere]);
    return undefined;
  }

  #for(node: For): Status {
    const words = node.wordlist === undefined ? this.#positional : expandFields(node.wordlist, this.#around);
    const name = node.name.value;
    const doubt = this.#doubt;
    for (const word of words) {
      const pass = (): Status => {
        this.#variables.set(name, word);
        return this.#list(node.body);
      };
      // An unknown word may be no word at all, or many.
      if (isKnown(word)) pass();
      else this.#inDoubt(pass);
      if (this.#leavesLoop()) break;
    }
    this.#doubt = doubt;
    return 0;
  }

  #while(node: While): Status {
    const doubt = this.#doubt;
    const status = this.#passes(node);
    this.#doubt = doubt;
    return status;
  }

  #passes(node: While): Status {
    for (let passes = 0; ; passes += 1) {
      const decided = this.#list(node.clause);
      if (this.#flow !== undefined) return decided;
      const goes = node.kind === 'until' ? negate(decided) : decided;
      if (goes === undefined || passes > 1000) {
        this.#inDoubt(() => this.#list(node.body));
        return undefined;
      }
      if (goes !== 0) return 0;
      this.#list(node.body);
      if (this.#leavesLoop()) return 0;
    }
  }

  #leavesLoop(): boolean {
    const kind = this.#flow?.kind;
    if (kind === 'break' || kind === 'continue') this.#flow = undefined;
    return kind !== undefined && kind !== 'continue';
  }

  #case(node: Extract<CompoundCommand, { type: 'Case' }>): Status {
    const subject = expandText(node.word, this.#around);
    const possible: CompoundList[] = [];
    for (const item of node.items) {
      const matches = item.pattern.map((word) => matchesPattern(expandPattern(word, this.#around), subject));
      if (matches.includes(true)) {
        possible.push(item.body);
        if (possible.length === 1) return this.#list(item.body);
        break;
      }
      if (matches.includes(undefined)) possible.push(item.body);
    }
    if (possible.length === 0) return 0;
    this.#eitherWay(possible.map((body) => () => this.#list(body)));
    return undefined;
  }

  #command(node: Command): Status {
    const words = node.args.map((arg) => (arg.type === 'Word' ? arg : undefined));
    const prefix = node.prefix.filter((item) => item.type === 'Assignment');
    if (node.name === undefined) {
      this.#lastStatus = 0;
      return this.#redirected(node.redirects, () => {
        for (const assignment of prefix) this.#assign(assignment.name, assignment.value, assignment.append);
        return prefix.length === 0 ? 0 : this.#lastStatus;
      });
    }
    const argv = [...expandWord(node.name, this.#around)];
    for (const [index, arg] of node.args.entries()) {
      const word = words[index];
      if (word !== undefined) argv.push(...expandWord(word, this.#around));
      else if (arg.type === 'Assignment') argv.push(`${arg.name}=${this.#value(arg.value)}`);
    }
    const environment = new Map(prefix.map((one) => [one.name, this.#value(one.value)]));
    return this.#redirected(node.redirects, () => this.#call(argv, environment, node), node);
  }

  #assign(name: string, value: AssignedValue, append: boolean | undefined): void {
    this.#lastStatus = 0;
    const text = this.#value(value);
    this.#variables.set(name, append ? (this.#variables.get(name) ?? '') + text : text);
  }

  #value(value: AssignedValue): string {
    return value.type === 'Word' ? expandText(value, this.#around) : UNKNOWN;
  }

  #call(argv: readonly string[], environment: ReadonlyMap<string, string>, node: Command): Status {
    const [name = ''] = argv;
    if (argv.length === 0) return this.#lastStatus;
    const definition = this.#functions.get(name);
    if (definition !== undefined) return this.#callFunction(definition, argv.slice(1));
    const own = this.#builtin(name, argv.slice(1), node);
    if (own !== 'none') return own;
    const outcome = this.#host.command({
      argv,
      stdin: this.#stdin,
      certain: this.#certain,
      environment,
      umask: this.#umask,
      shell: {
        get: (variable) => this.#variable(variable),
        set: (variable, value) => this.#variables.set(variable, value),
        run: (inner) => ({ status: this.#call(inner, environment, node) }),
      },
    });
    if (outcome.problem !== undefined) this.#problem(node.pos, node.end, argv, outcome.problem);
    if (outcome.output !== undefined) this.#output.push(outcome.output);
    return outcome.status;
  }

  #callFunction(definition: FunctionNode, args: readonly string[]): Status {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new RangeError('the script calls itself too often');
    const positional = this.#positional;
    this.#positional = args;
    const doubt = this.#doubt;
    const hidden = new Map<string, string | undefined>();
    this.#hidden.push(hidden);
    const status = this.#node(definition.body);
    this.#hidden.pop();
    for (const [name, value] of hidden) {
      if (value === undefined) this.#variables.delete(name);
      else this.#variables.set(name, value);
    }
    this.#positional = positional;
    this.#depth -= 1;
    // With a return in doubt it is not known which of the two statuses it was.
    const result = this.#doubt === doubt ? status : undefined;
    this.#doubt = doubt;
    const flow = this.#flow;
    if (flow?.kind !== 'return') return result;
    this.#flow = undefined;
    return flow.status;
  }

  /** What changes the flow of the script itself. */
  #builtin(name: string, args: readonly string[], node: Command): Status | 'none' {
    const [first] = args;
    switch (name) {
      case 'exit':
      case 'return':
        this.#flow = { kind: name, status: first === undefined ? this.#lastStatus : numberOr(first) };
        return this.#flow.status;
      case 'break':
      case 'continue':
        this.#flow = { kind: name, status: 0 };
        return 0;
      case 'shift':
        this.#positional = this.#positional.slice(first === undefined ? 1 : Number(first));
        return 0;
      case 'set':
        if (first !== undefined && !/^[-+]/.test(first)) this.#positional = args;
        else if (args.includes('--')) this.#positional = args.slice(args.indexOf('--') + 1);
        return 0;
      case '.':
      case 'source':
        return this.#takeOver(first ?? '') ?? 'none';
      case 'umask':
        if (first !== undefined && /^[0-7]+$/.test(first)) this.#umask = Number.parseInt(first, 8);
        return 0;
      case 'eval': {
        const text = args.join(' ');
        if (isKnown(text)) return this.#file(text, node);
        this.#problem(node.pos, node.end, [name, ...args], 'what it evaluates is not known before it runs');
        return undefined;
      }
      case 'command':
        if (first === '-v' || first === '-V') return 'none';
        return this.#call(first === '-p' ? args.slice(1) : args, new Map(), node);
      case 'exec':
        return args.length === 0 ? 0 : this.#call(args, new Map(), node);
      case 'env':
      case 'nice':
      case 'nohup':
      case 'runuser':
      case 'su':
        return this.#wrapped(name, args, node);
      case '[':
      case 'test':
        return testExpression(name === '[' ? args.slice(0, -1) : args, this.#host.files);
      case 'export':
      case 'readonly':
      case 'local':
      case 'declare':
      case 'typeset':
        for (const arg of args) {
          const [variable = '', ...value] = arg.split('=');
          const frame = name === 'local' ? this.#hidden.at(-1) : undefined;
          if (frame !== undefined && !frame.has(variable)) frame.set(variable, this.#variables.get(variable));
          if (value.length > 0) this.#variables.set(variable, value.join('='));
          else if (name === 'local') this.#variables.set(variable, '');
        }
        return 0;
      case 'unset':
        for (const arg of args) this.#variables.delete(arg);
        return 0;
      case 'read':
        return this.#read(args.filter((one) => !one.startsWith('-')));
      default:
        return 'none';
    }
  }

  /** A command that runs another one. */
  #wrapped(name: string, args: readonly string[], node: Command): Status {
    const text = args[args.indexOf('-c') + 1];
    if (name === 'su' || (name === 'runuser' && args.includes('-c'))) {
      if (args.includes('-c') && text !== undefined && isKnown(text)) return this.#file(text, node);
      this.#problem(node.pos, node.end, [name, ...args], 'what it runs is not known before');
      return undefined;
    }
    const end = args.indexOf('--');
    const first = args.findIndex((arg) => !arg.startsWith('-') && !/^\w+=/.test(arg));
    const inner = end >= 0 ? args.slice(end + 1) : first < 0 ? [] : args.slice(first);
    return inner.length === 0 ? 0 : this.#call(inner, new Map(), node);
  }

  /** Takes a line of standard input, and the last name takes what is left of it. */
  #read(names: readonly string[]): Status {
    const text = this.#stdin ?? UNKNOWN;
    if (!isKnown(text)) {
      for (const name of names) this.#variables.set(name, UNKNOWN);
      return undefined;
    }
    const end = text.indexOf('\n');
    const line = end < 0 ? text : text.slice(0, end);
    this.#stdin = end < 0 ? '' : text.slice(end + 1);
    let rest = line.trim();
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      const word = isLast ? rest : (/^\S*/.exec(rest)?.[0] ?? '');
      this.#variables.set(name, word);
      rest = rest.slice(word.length).trimStart();
    }
    return text === '' ? 1 : 0;
  }

  /** Undefined if the file is none of the root: a model may still know it. */
  #takeOver(path: string): Status | undefined {
    const text = isKnown(path) ? this.#host.readScript(path) : undefined;
    if (text === undefined) return undefined;
    const status = this.#file(text);
    const flow = this.#flow;
    if (flow?.kind === 'return') this.#flow = undefined;
    return status ?? 0;
  }

  /** Runs with standard input and output as the redirections say; other descriptors do not matter to a model. */
  #redirected(redirects: readonly Redirection[], run: () => Status, node?: Command): Status {
    if (redirects.length === 0) return run();
    const before = this.#stdin;
    let target: { path: string; append: boolean } | undefined;
    for (const redirect of redirects) {
      if (redirect.type === 'HereDoc') this.#stdin = this.#hereDocument(redirect);
      else if (redirect.type === 'HereString') this.#stdin = this.#word(redirect.target);
      else {
        const descriptor = redirect.descriptor?.type === 'FileDescriptor' ? redirect.descriptor.value : undefined;
        const path = this.#word(redirect.target);
        if (redirect.operator === '<') this.#stdin = path === '/dev/null' ? '' : (this.#host.readFile(path) ?? UNKNOWN);
        else if (redirect.operator === '>&' && (descriptor ?? 1) === 1) target = { path: '/dev/null', append: false };
        else if (redirect.operator === '&>') target = { path, append: false };
        else if (/^>(?:>|\|)?$/.test(redirect.operator) && (descriptor ?? 1) === 1) {
          target = { path, append: redirect.operator === '>>' };
        }
      }
    }
    let status: Status = 0;
    if (target === undefined) status = run();
    else {
      const output = this.#captured(() => {
        status = run();
      });
      const problem = this.#host.writeFile(target.path, output, {
        append: target.append,
        certain: this.#certain,
        umask: this.#umask,
      });
      const at = node ?? redirects[0];
      if (problem !== undefined && at !== undefined) {
        this.#problem(at.pos, redirects.at(-1)?.end ?? at.end, ['>', target.path], problem);
      }
    }
    this.#stdin = before;
    return status;
  }

  #word(word: Word | undefined): string {
    return word === undefined ? UNKNOWN : expandText(word, this.#around);
  }

  #hereDocument(document: Extract<Redirection, { type: 'HereDoc' }>): string {
    const parts = document.body.parts;
    const text =
      document.delimiter?.quoted || parts === undefined ? document.body.text : expandParts(parts, this.#around);
    return document.operator === '<<-' ? text.replace(/^\t+/gm, '') : text;
  }

  #substitute(script: ParsedScript): string {
    return this.#captured(() => {
      this.#lastStatus = this.#subshell(() => this.#statements(script.commands));
    });
  }

  #captured(run: () => void): string {
    const before = this.#output;
    this.#output = [];
    run();
    const text = this.#output.join('');
    this.#output = before;
    return text;
  }

  /** Variables and flow stay inside. */
  #subshell(run: () => Status): Status {
    const variables = new Map(this.#variables);
    const positional = this.#positional;
    const doubt = this.#doubt;
    const mayHaveEnded = this.#mayHaveEnded;
    const status = run();
    this.#variables = variables;
    this.#positional = positional;
    this.#doubt = doubt;
    this.#mayHaveEnded = mayHaveEnded;
    const flow = this.#flow;
    if (flow === undefined) return status;
    this.#flow = undefined;
    return flow.status;
  }

  #inDoubt(run: () => Status): void {
    this.#eitherWay([run, () => 0]);
  }

  /** Walks each way from the same start; what differs afterwards is unknown. A way that ends the script leaves doubt. */
  #eitherWay(ways: readonly (() => Status)[]): void {
    const start = this.#variables;
    const ends: Map<string, string>[] = [];
    let left = false;
    this.#doubt += 1;
    for (const way of ways) {
      this.#variables = new Map(start);
      const before = this.#output;
      this.#output = [];
      way();
      // What is printed in doubt is not known to be printed.
      if (this.#output.join('') !== '') before.push(UNKNOWN);
      this.#output = before;
      const flow: Flow | undefined = this.#flow;
      this.#flow = undefined;
      if (flow === undefined) ends.push(this.#variables);
      // Ending with an error would have failed the installation: this way was not taken.
      else if (flow.kind !== 'exit') left = true;
      else if (flow.status === 0 || flow.status === undefined) this.#mayHaveEnded = true;
    }
    this.#variables = merged(ends.length === 0 ? [start] : ends);
    // Still in doubt for the rest of the function or loop when one of the ways left it.
    if (!left) this.#doubt -= 1;
  }

  #problem(pos: number, end: number, argv: readonly string[], reason: string): void {
    const line = this.#source.slice(0, pos).split('\n').length;
    const text = this.#source.slice(pos, end).split('\n')[0]?.trim() ?? '';
    this.problems.push({ line, text, argv, reason });
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

function numberOr(text: string): Status {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
