/** Commands that change the shell itself: its flow, variables and arguments; and those that run other commands. */
import type { Command } from 'unbash';
import type { ShellState } from './state.ts';
import { testExpression } from './test-command.ts';
import { isKnown, type Status, UNKNOWN } from './unknown.ts';

/** What a builtin can have done by the shell that it is in. */
export interface Walker {
  readonly state: ShellState;
  /** Runs the text of a file, or text that the command `from` evaluates. */
  readonly file: (text: string, from?: Command) => Status;
  /** Runs a command in place of `from`. */
  readonly call: (argv: readonly string[], from: Command) => Status;
}

type Builtin = (args: readonly string[], walker: Walker, node: Command, name: string) => Status | 'none';

/** `none` if it is none, or leaves the call to a model. */
export function runBuiltin(argv: readonly string[], walker: Walker, node: Command): Status | 'none' {
  const [name = '', ...args] = argv;
  const builtin = Object.hasOwn(BUILTINS, name) ? BUILTINS[name] : undefined;
  return builtin === undefined ? 'none' : builtin(args, walker, node, name);
}

const leave: Builtin = ([status], { state }, _, name) => {
  const kind = name as 'exit' | 'return';
  state.flow = { kind, status: status === undefined ? state.lastStatus : numberOr(status) };
  return state.flow.status;
};

const leaveLoop: Builtin = (_, { state }, __, name) => {
  state.flow = { kind: name as 'break' | 'continue', status: 0 };
  return 0;
};

const shift: Builtin = ([count], { state }) => {
  state.positional = state.positional.slice(count === undefined ? 1 : Number(count));
  return 0;
};

const set: Builtin = (args, { state }) => {
  const [first] = args;
  if (first !== undefined && !/^[-+]/.test(first)) state.positional = args;
  else if (args.includes('--')) state.positional = args.slice(args.indexOf('--') + 1);
  return 0;
};

/** A file of the root is walked; for others a model may stand. */
const takeOver: Builtin = ([path = ''], { state, file }) => {
  const text = isKnown(path) ? state.host.readScript(path) : undefined;
  if (text === undefined) return 'none';
  const status = file(text);
  if (state.flow?.kind === 'return') state.flow = undefined;
  return status ?? 0;
};

const umask: Builtin = ([mode], { state }) => {
  if (mode !== undefined && /^[0-7]+$/.test(mode)) state.umask = Number.parseInt(mode, 8);
  return 0;
};

/** A directory that is not there fails; `cd -` and the like lead to where nobody knows. */
const cd: Builtin = (args, { state }) => {
  const [written = '/root'] = args.filter((arg) => !/^-[LPe]$|^--$/.test(arg));
  const path = written.startsWith('/') ? written : `${state.cwd}/${written}`;
  const kind = isKnown(path) && written !== '-' ? state.host.files.kind(path) : 'unknown';
  if (kind !== 'directory' && kind !== 'unknown') return 1;
  state.cwd = written === '-' ? UNKNOWN : path;
  return kind === 'unknown' ? undefined : 0;
};

const trap: Builtin = (args, { state }) => {
  const [action, ...signals] = args.filter((arg) => arg !== '--');
  if (!signals.some((signal) => signal === 'EXIT' || signal === '0')) return 0;
  state.atExit = action === '-' ? undefined : action;
  return 0;
};

const evaluate: Builtin = (args, { state, file }, node) => {
  const text = args.join(' ');
  if (isKnown(text)) return file(text, node);
  state.problem(node.pos, node.end, ['eval', ...args], 'what it evaluates is not known before it runs');
  return undefined;
};

/** `command -v` asks, which a model answers. */
const command: Builtin = (args, { call }, node) => {
  if (args[0] === '-v' || args[0] === '-V') return 'none';
  return call(args[0] === '-p' ? args.slice(1) : args, node);
};

const execute: Builtin = (args, { call }, node) => (args.length === 0 ? 0 : call(args, node));

/** `env`, `nice`, `runuser`: options, then a command; `su -c`: a text. */
const wrapper: Builtin = (args, { state, file, call }, node, name) => {
  if (name === 'su' || (name === 'runuser' && args.includes('-c'))) {
    const text = args.includes('-c') ? args[args.indexOf('-c') + 1] : undefined;
    if (text !== undefined && isKnown(text)) return file(text, node);
    state.problem(node.pos, node.end, [name, ...args], 'what it runs is not known before');
    return undefined;
  }
  const end = args.indexOf('--');
  const first = args.findIndex((arg) => !arg.startsWith('-') && !/^\w+=/.test(arg));
  const inner = end >= 0 ? args.slice(end + 1) : first < 0 ? [] : args.slice(first);
  return inner.length === 0 ? 0 : call(inner, node);
};

const declare: Builtin = (args, { state }, _, name) => {
  for (const arg of args) {
    const [variable = '', ...value] = arg.split('=');
    if (name === 'local') state.hide(variable);
    if (value.length > 0) state.variables.set(variable, value.join('='));
    else if (name === 'local') state.variables.set(variable, '');
  }
  return 0;
};

const unset: Builtin = (args, { state }) => {
  for (const arg of args) state.variables.delete(arg);
  return 0;
};

/** Takes a line of standard input; the last name takes what is left of it. */
const read: Builtin = (args, { state }) => {
  const names = args.filter((one) => !one.startsWith('-'));
  const text = state.stdin ?? UNKNOWN;
  if (!isKnown(text)) {
    for (const name of names) state.variables.set(name, UNKNOWN);
    return undefined;
  }
  const end = text.indexOf('\n');
  state.stdin = end < 0 ? '' : text.slice(end + 1);
  let rest = (end < 0 ? text : text.slice(0, end)).trim();
  for (const [index, name] of names.entries()) {
    const word = index === names.length - 1 ? rest : (/^\S*/.exec(rest)?.[0] ?? '');
    state.variables.set(name, word);
    rest = rest.slice(word.length).trimStart();
  }
  return text === '' ? 1 : 0;
};

const test: Builtin = (args, { state }, _, name) =>
  testExpression(name === '[' ? args.slice(0, -1) : args, state.host.files);

const BUILTINS: Readonly<Record<string, Builtin>> = {
  exit: leave,
  return: leave,
  break: leaveLoop,
  continue: leaveLoop,
  shift,
  set,
  '.': takeOver,
  source: takeOver,
  umask,
  cd,
  trap,
  eval: evaluate,
  command,
  exec: execute,
  env: wrapper,
  nice: wrapper,
  nohup: wrapper,
  runuser: wrapper,
  su: wrapper,
  export: declare,
  readonly: declare,
  local: declare,
  declare,
  typeset: declare,
  unset,
  read,
  test,
  '[': test,
};

function numberOr(text: string): Status {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
