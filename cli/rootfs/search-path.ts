/**
 * Where the dynamic loader of a root looks for libraries: an object's own RPATH or RUNPATH, /etc/ld.so.conf, and the
 * directories built into glibc (Debian's with the machine's triplet) and musl.
 */
import type { ElfFacts } from './elf.ts';
import { joinPath, lastName, parentPath } from './path.ts';
import type { RootTree } from './tree.ts';

const TRIPLETS: Readonly<Record<string, string>> = {
  'x86_64-64': 'x86_64-linux-gnu',
  'aarch64-64': 'aarch64-linux-gnu',
  '386-32': 'i386-linux-gnu',
  'arm-32': 'arm-linux-gnueabihf',
  'riscv-64': 'riscv64-linux-gnu',
};

const PLAIN = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/lib32', '/usr/lib32', '/usr/local/lib'];

export class SearchPath {
  readonly #configured: readonly string[];
  readonly #byMachine = new Map<string, readonly string[]>();

  private constructor(configured: readonly string[]) {
    this.#configured = configured;
  }

  static async read(tree: RootTree): Promise<SearchPath> {
    return new SearchPath(await readConfiguration(tree, '/etc/ld.so.conf', 0));
  }

  /** Directories that every program of this machine searches. */
  defaults(machine: string): readonly string[] {
    const known = this.#byMachine.get(machine);
    if (known !== undefined) return known;
    const triplet = TRIPLETS[machine];
    const own = triplet === undefined ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`];
    const directories = [...this.#configured, ...own, ...PLAIN];
    this.#byMachine.set(machine, directories);
    return directories;
  }

  isDefault(directory: string, machine: string): boolean {
    return this.defaults(machine).includes(directory);
  }

  /** Paths that the loader tries, in order, for a library that the object at `path` needs. */
  candidates(library: string, path: string, facts: ElfFacts): string[] {
    // A name with a slash is a path, and nothing is searched.
    if (library.includes('/')) return [library.startsWith('/') ? library : joinPath('/', library)];
    // RUNPATH, where there is one, makes the loader ignore RPATH.
    const own = facts.runpath.length > 0 ? facts.runpath : facts.rpath;
    const directories = own.flatMap((directory) => expand(directory, path, facts.machine));
    return [...directories, ...this.defaults(facts.machine)].map((directory) => `${directory}/${library}`);
  }
}

/** `$ORIGIN` is the object's directory; `$LIB` and `$PLATFORM` depend on how the loader was built, so all are tried. */
function expand(directory: string, path: string, machine: string): string[] {
  const origin = directory.replace(/\$ORIGIN\b|\$\{ORIGIN\}/g, () => parentPath(path));
  if (!/\$\{?LIB/.test(origin)) return [origin];
  return ['lib', 'lib64', `lib/${TRIPLETS[machine] ?? machine}`].map((lib) =>
    origin.replace(/\$LIB\b|\$\{LIB\}/g, () => lib),
  );
}

const MAX_INCLUDES = 8;

async function readConfiguration(tree: RootTree, file: string, depth: number): Promise<string[]> {
  if (depth > MAX_INCLUDES || tree.file(file) === undefined) return [];
  const directories: string[] = [];
  for (const raw of (await tree.read(file)).toString('utf8').split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    const include = /^include\s+(.*)$/.exec(line)?.[1];
    if (include === undefined) {
      if (line.startsWith('/')) directories.push(line.replace(/\/+$/, ''));
      continue;
    }
    for (const each of matching(tree, include.startsWith('/') ? include : joinPath(parentPath(file), include))) {
      directories.push(...(await readConfiguration(tree, each, depth + 1)));
    }
  }
  return directories;
}

/** Only the last part of an include is ever a pattern, and only with `*`. */
function matching(tree: RootTree, pattern: string): string[] {
  const parts = lastName(pattern).split('*');
  const [first = '', ...rest] = parts;
  return tree
    .children(parentPath(pattern))
    .map((entry) => entry.path)
    .filter((path) => {
      const name = lastName(path);
      if (rest.length === 0) return name === first;
      const last = rest.at(-1) ?? '';
      return name.startsWith(first) && name.endsWith(last) && name.length >= first.length + last.length;
    });
}
