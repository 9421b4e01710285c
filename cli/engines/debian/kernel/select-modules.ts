/**
 * Which modules of a kernel an image gets: those that layers name, and all that those need. What is built in needs no
 * module; a name that the kernel does not have is a failure with the nearest names.
 */
import { Failure, throwAny } from '../../../failure.ts';
import { nearestNames } from '../../../kconfig/nearest.ts';
import type { KernelModule, KernelTree, ModinfoIndex } from './kernel-tree.ts';
import { moduleName } from './modinfo.ts';
import type { ModuleRequest, ModuleRequests } from './module-requests.ts';

export interface ModuleSelection {
  /** For the root, sorted by path, with what they depend on. */
  readonly root: readonly KernelModule[];
  /** In the order of loading: each behind what it depends on. */
  readonly initramfs: readonly KernelModule[];
  /** Names to load early in the root; modprobe brings what they depend on. */
  readonly early: readonly string[];
  /** Globs that match nothing, and modules to keep that the kernel could have but was compiled without. */
  readonly idle: readonly ModuleRequest[];
}

export interface SelectOptions {
  /** Modules to keep that no layer names as such, by name: those behind symbols that fragments ask for. */
  readonly keep?: Iterable<string>;
  /**
   * Of a kernel that was compiled here, module name → symbols that make it. What such a kernel has is for the fragments to
   * say: a module that is only to be kept, and was not asked for, is no mistake.
   */
  readonly possible?: ReadonlyMap<string, readonly string[]>;
}

/** @throws Failure `unknown-module` */
export function selectModules(
  tree: KernelTree,
  modinfo: ModinfoIndex,
  requests: ModuleRequests,
  { keep = [], possible = new Map() }: SelectOptions = {},
): ModuleSelection {
  const failures: Failure[] = [];
  const idle: ModuleRequest[] = [];
  const find = (request: ModuleRequest, needed: boolean): readonly KernelModule[] => {
    if (request.glob !== undefined) {
      const matched = matchGlob(tree, request.pattern, request.glob);
      if (matched.modules.length === 0 && !matched.builtIn) idle.push(request);
      return matched.modules;
    }
    const found = findModule(tree, request.pattern);
    const symbols = possible.get(baseName(request.pattern));
    if (found === 'unknown' && symbols !== undefined && !needed) idle.push(request);
    else if (found === 'unknown') failures.push(unknownModule(tree, request, symbols));
    return typeof found === 'string' ? [] : [found];
  };
  const initramfs = requests.initramfs.flatMap((request) => find(request, true));
  const early = requests.early.flatMap((request) => find(request, true));
  const root = requests.root.flatMap((request) => find(request, false));
  throwAny(failures);
  const named = [...keep].flatMap((name) => tree.modules.get(moduleName(name)) ?? []);
  const kept = closure(tree, modinfo, [...initramfs, ...early, ...root, ...named], 'all');
  return {
    root: [...kept].sort((a, b) => (a.path < b.path ? -1 : 1)),
    initramfs: [...closure(tree, modinfo, initramfs, 'portable')],
    early: [...new Set(early.map((module) => module.name))],
    idle,
  };
}

/** The module that a pattern without wildcards stands for. */
export function baseName(pattern: string): string {
  return moduleName(pattern.slice(pattern.lastIndexOf('/') + 1));
}

function findModule(tree: KernelTree, pattern: string): KernelModule | 'built in' | 'unknown' {
  const name = baseName(pattern);
  const fits = (path: string): boolean => !pattern.includes('/') || moduleName(path) === moduleName(pattern);
  const module = tree.modules.get(name);
  if (module !== undefined && fits(module.path)) return module;
  const builtIn = tree.builtIn.get(name);
  if (builtIn !== undefined && fits(builtIn)) return 'built in';
  return tree.builtInAliases.has(pattern) ? 'built in' : 'unknown';
}

function matchGlob(
  tree: KernelTree,
  pattern: string,
  glob: RegExp,
): { modules: readonly KernelModule[]; builtIn: boolean } {
  const byName = !pattern.includes('/');
  const fits = (name: string, path: string): boolean => glob.test(byName ? name : moduleName(path));
  return {
    modules: [...tree.modules.values()].filter((module) => fits(module.name, module.path)),
    builtIn: [...tree.builtIn].some(([name, path]) => fits(name, path)),
  };
}

/**
 * Soft dependencies may name an alias that several modules have, some only for certain hardware. `portable` takes those
 * that work anywhere: in the initramfs nobody chooses at run time, and a module without its hardware fails to load.
 */
type Aliases = 'all' | 'portable';

/** The modules with all that they need, each behind its needs. */
function closure(
  tree: KernelTree,
  modinfo: ModinfoIndex,
  modules: readonly KernelModule[],
  aliases: Aliases,
): ReadonlySet<KernelModule> {
  const done = new Set<KernelModule>();
  const begun = new Set<KernelModule>();
  const add = (module: KernelModule): void => {
    if (begun.has(module)) return;
    begun.add(module);
    const info = modinfo.of(module);
    for (const name of info.depends) for (const need of strictNeed(tree, module, name)) add(need);
    for (const name of info.softBefore) for (const need of softNeeds(tree, modinfo, name, aliases)) add(need);
    done.add(module);
    for (const name of info.softAfter) for (const need of softNeeds(tree, modinfo, name, aliases)) add(need);
  };
  for (const module of modules) add(module);
  return done;
}

function strictNeed(tree: KernelTree, module: KernelModule, name: string): readonly KernelModule[] {
  const need = tree.modules.get(name);
  if (need !== undefined) return [need];
  if (tree.builtIn.has(name)) return [];
  throw new Failure({
    code: 'unknown-module',
    message: `${module.name} of ${tree.origin} depends on ${name}, which that kernel does not have`,
    hint: 'the kernel package is broken: choose another version',
  });
}

function softNeeds(tree: KernelTree, modinfo: ModinfoIndex, name: string, aliases: Aliases): readonly KernelModule[] {
  const module = tree.modules.get(moduleName(name));
  if (module !== undefined) return [module];
  if (tree.builtIn.has(moduleName(name))) return [];
  const providers = modinfo.providersOf(name).flatMap((provider) => tree.modules.get(provider) ?? []);
  if (aliases === 'all') return providers;
  if (tree.builtInAliases.has(name)) return [];
  const portable = providers.filter(({ path }) => !path.startsWith('arch/') && !path.startsWith('drivers/'));
  return portable.length > 0 ? portable : providers;
}

export function unknownModule(
  tree: Pick<KernelTree, 'origin' | 'modules' | 'builtIn'>,
  { pattern, layer, place }: ModuleRequest,
  symbols: readonly string[] = [],
): Failure {
  const byPath = pattern.includes('/');
  const known = byPath
    ? [...[...tree.modules.values()].map(({ path }) => path), ...tree.builtIn.values()]
    : [...tree.modules.keys(), ...tree.builtIn.keys()];
  const near = symbols.length > 0 ? [] : nearestNames(byPath ? pattern : moduleName(pattern), known);
  const hints = [
    ...symbols.slice(0, 1).map((symbol) => `${symbol} makes it: ask for it in a kernel/ fragment`),
    ...(near.length > 0 ? [`did you mean ${near.join(' or ')}?`] : []),
    `for one architecture only, write ${pattern} [x86_64]`,
    ...(near.length + symbols.length === 0 ? ['another kernel package may have it'] : []),
  ];
  return new Failure({
    code: 'unknown-module',
    message: `${tree.origin} has no module ${pattern}`,
    place,
    layer,
    hint: hints.join('\n'),
  });
}
