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
  /** Globs that match nothing in this kernel. */
  readonly idle: readonly ModuleRequest[];
}

/**
 * @param more modules to keep that no layer names as such, by name: those behind symbols that fragments ask for
 * @throws Failure `unknown-module`
 */
export function selectModules(
  tree: KernelTree,
  modinfo: ModinfoIndex,
  requests: ModuleRequests,
  more: Iterable<string> = [],
): ModuleSelection {
  const failures: Failure[] = [];
  const idle: ModuleRequest[] = [];
  const find = (request: ModuleRequest): readonly KernelModule[] => {
    if (request.glob !== undefined) {
      const matched = matchGlob(tree, request.pattern, request.glob);
      if (matched.modules.length === 0 && !matched.builtIn) idle.push(request);
      return matched.modules;
    }
    const found = findModule(tree, request.pattern);
    if (found === 'unknown') failures.push(unknownModule(tree, request));
    return typeof found === 'string' ? [] : [found];
  };
  const initramfs = requests.initramfs.flatMap(find);
  const early = requests.early.flatMap(find);
  const root = requests.root.flatMap(find);
  throwAny(failures);
  const named = [...more].flatMap((name) => tree.modules.get(moduleName(name)) ?? []);
  const kept = closure(tree, modinfo, [...initramfs, ...early, ...root, ...named], 'all');
  return {
    root: [...kept].sort((a, b) => (a.path < b.path ? -1 : 1)),
    initramfs: [...closure(tree, modinfo, initramfs, 'portable')],
    early: [...new Set(early.map((module) => module.name))],
    idle,
  };
}

function findModule(tree: KernelTree, pattern: string): KernelModule | 'built in' | 'unknown' {
  const name = moduleName(pattern.slice(pattern.lastIndexOf('/') + 1));
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

function unknownModule(tree: KernelTree, { pattern, layer, place }: ModuleRequest): Failure {
  const byPath = pattern.includes('/');
  const known = byPath
    ? [...[...tree.modules.values()].map(({ path }) => path), ...tree.builtIn.values()]
    : [...tree.modules.keys(), ...tree.builtIn.keys()];
  const near = nearestNames(byPath ? pattern : moduleName(pattern), known);
  return new Failure({
    code: 'unknown-module',
    message: `${tree.origin} has no module ${pattern}`,
    place,
    layer,
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}? For a module of one architecture only, write ${pattern} [x86_64]`
        : `another kernel package may have it, or kernel: source with its symbol in a kernel/ fragment`,
  });
}
