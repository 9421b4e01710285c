/**
 * Compares what the layers' kernel fragments ask for with the configuration that the kernel really has. Whatever is not
 * honoured is a failure, unless a layer or the workspace accepts the difference and says why.
 *
 * Honoured is: the same value by meaning; built in where a module was asked; a module where built in was asked, once it is
 * loaded early; a module where nothing was asked (`n`), since the image has only modules that somebody wants.
 */
import { Failure } from '../../../failure.ts';
import type { Assignment, Value } from '../../../kconfig/assignment.ts';
import { winner } from '../../../kconfig/merge.ts';
import { didYouMean } from '../../../kconfig/nearest.ts';
import { formatValue, sameValue } from '../../../kconfig/value.ts';
import type { AcceptedDifference } from '../../../layers/layer.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { guessModule, type SymbolModules } from './kbuild-modules.ts';
import type { KernelTree } from './kernel-tree.ts';

export interface SymbolCheck {
  /** How many symbols are as asked. */
  readonly honoured: number;
  readonly failures: readonly Failure[];
  readonly accepted: readonly AcceptedDifference[];
  /** Accepted differences that this kernel does not have. */
  readonly needless: readonly AcceptedDifference[];
  /** Modules behind symbols that are asked for, to keep in the root. */
  readonly keep: readonly string[];
  /** Symbols that are modules as asked, but nobody knows of what name; the image lacks those. */
  readonly nameless: readonly Assignment[];
}

export interface CheckOptions {
  readonly tree: KernelTree;
  readonly symbolModules: SymbolModules;
  /** Names of modules that the initramfs or the root loads early. */
  readonly early: Pick<ReadonlySet<string>, 'has'>;
  /** Every symbol that there is, for nearest names; those of the kernel's configuration unless given. */
  readonly known?: Iterable<string>;
  /** Why a symbol is not as wanted, where that can be told; undefined if the symbol does not exist. */
  readonly explain?: (symbol: string, wanted: Value) => string | undefined;
}

export function checkSymbols(config: ResolvedConfig, options: CheckOptions): SymbolCheck {
  const { tree } = options;
  const accepts = acceptedDifferences(config);
  const used = new Set<AcceptedDifference>();
  const failures: Failure[] = [];
  const keep = new Set<string>();
  const nameless: Assignment[] = [];
  let honoured = 0;
  for (const chain of config.symbols.kernel.values()) {
    const wanted = winner(chain);
    const actual = tree.config.get(wanted.symbol);
    const modules = isOn(wanted.value) && isModule(actual) ? modulesOf(wanted.symbol, options) : undefined;
    for (const name of modules ?? []) keep.add(name);
    const problem = problemOf(wanted, actual, modules, options);
    if (problem === undefined) {
      honoured++;
      if (isModule(wanted.value) && isModule(actual) && modules === undefined) nameless.push(wanted);
      continue;
    }
    const accept = accepts.get(wanted.symbol);
    if (accept === undefined) failures.push(dishonoured(config, wanted, actual, problem, options));
    else used.add(accept);
  }
  const accepted = [...accepts.values()];
  return {
    honoured,
    failures: failures.length > FEW ? [...failures.map(withoutWays), tooMany(failures, config, tree)] : failures,
    accepted: accepted.filter((one) => used.has(one)),
    needless: accepted.filter((one) => !used.has(one)),
    keep: [...keep].sort(),
    nameless,
  };
}

/** By symbol with its prefix; the workspace's own come last and win. */
function acceptedDifferences(config: ResolvedConfig): ReadonlyMap<string, AcceptedDifference> {
  const all = [...config.layers.flatMap(({ layer }) => layer.accept), ...(config.settings.accept ?? [])];
  const kernel = all.filter(({ namespace }) => namespace === 'kernel');
  return new Map(kernel.map((one) => [one.symbol.startsWith('CONFIG_') ? one.symbol : `CONFIG_${one.symbol}`, one]));
}

type Problem = { readonly cause: string; readonly hint?: string | undefined };

function problemOf(
  { symbol, value }: Assignment,
  actual: Value | undefined,
  modules: readonly string[] | undefined,
  { tree, early, known, explain }: CheckOptions,
): Problem | undefined {
  if (sameValue(value, actual)) return undefined;
  if (value.kind === 'tristate' && actual?.kind === 'tristate') {
    // Asked m, is y: more than was asked. Asked n, is m: not in the image unless somebody wants the module.
    if (value.value === 'm' && actual.value === 'y') return undefined;
    if (value.value === 'n' && actual.value === 'm') return undefined;
    if (value.value === 'y' && actual.value === 'm') return moduleProblem(modules, early);
  }
  const explained = explain?.(symbol, value);
  if (explained !== undefined) return { cause: `Kconfig decided otherwise: ${explained}` };
  if (actual !== undefined) return { cause: `the kernel has ${describe(actual)}` };
  const why = explain === undefined ? UNKNOWN_IN_PACKAGE : UNKNOWN_IN_SOURCE;
  return {
    cause: `its configuration does not know the symbol: ${why}`,
    hint: didYouMean(symbol, known ?? tree.config.keys()),
  };
}

const UNKNOWN_IN_PACKAGE = 'it is misspelt, of another version, or depends on what is off';
const UNKNOWN_IN_SOURCE = 'no Kconfig file of this architecture defines it';

function moduleProblem(modules: readonly string[] | undefined, early: CheckOptions['early']): Problem | undefined {
  if (modules === undefined) {
    return { cause: 'the kernel has it as a module, and Coracle does not know the name of that module' };
  }
  const missing = modules.filter((name) => !early.has(name));
  if (missing.length === 0) return undefined;
  const names = missing.join(' and ');
  return {
    cause: `the kernel has it as a module (${names}), which nothing loads early`,
    hint: `add ${names} to initramfsModules or earlyModules under engines: debian:`,
  };
}

/** Those of the symbol's modules that this kernel has as files; undefined if none is known. */
function modulesOf(symbol: string, { tree, symbolModules }: CheckOptions): readonly string[] | undefined {
  const known = symbolModules.get(symbol) ?? [guessModule(symbol)];
  const found = known.filter((name) => tree.modules.has(name));
  return found.length > 0 ? found : undefined;
}

function dishonoured(
  config: ResolvedConfig,
  wanted: Assignment,
  actual: Value | undefined,
  problem: Problem,
  { tree }: CheckOptions,
): Failure {
  const { origin, symbol } = wanted;
  return new Failure({
    code: 'kernel-symbol',
    message: `${tree.origin} does not honour ${symbol}: asked for ${describe(wanted.value)}, is ${describe(actual)}`,
    place: { file: origin.file, line: origin.line },
    layer: origin.layer,
    cause: problem.cause,
    hint: [...(problem.hint === undefined ? [] : [problem.hint]), ...waysOut(symbol, config)].join('\n'),
  });
}

const ACCEPT = 'accept it: under accept: write';

function waysOut(symbol: string, config: ResolvedConfig): readonly string[] {
  const accept = `${ACCEPT} {namespace: kernel, symbol: ${symbol}, reason: …}`;
  if (config.settings.kernel === 'source') return [accept];
  return [accept, 'kernel: source in the workspace compiles a kernel with it; or choose another kernel package'];
}

/** More than these are told with the ways out only once, at the end, where they are read. */
const FEW = 5;

function withoutWays(failure: Failure): Failure {
  const [first = ''] = failure.parts.hint?.split('\n') ?? [];
  return new Failure({ ...failure.parts, hint: first.startsWith(ACCEPT) ? undefined : first });
}

function tooMany(failures: readonly Failure[], config: ResolvedConfig, tree: KernelTree): Failure {
  const layers = [...new Set(failures.map(({ parts }) => parts.layer ?? ''))];
  return new Failure({
    code: 'kernel-symbols',
    message: `${tree.origin} does not honour ${failures.length} symbols of ${layers.join(', ')}`,
    hint: [
      'where a difference is fine, accept it in layer.yaml: under accept: write {namespace: kernel, symbol: …, reason: …}',
      config.settings.kernel === 'source'
        ? 'where it is not: ask for what the symbol depends on as well'
        : 'where it is not: another kernel package, or kernel: source in the workspace, which compiles a kernel',
    ].join('\n'),
  });
}

function describe(value: Value | undefined): string {
  if (value === undefined) return 'unknown';
  return value.kind === 'tristate' && value.value === 'n' ? 'not set' : formatValue(value);
}

function isOn(value: Value): boolean {
  return value.kind === 'tristate' && value.value !== 'n';
}

function isModule(value: Value | undefined): boolean {
  return value?.kind === 'tristate' && value.value === 'm';
}
