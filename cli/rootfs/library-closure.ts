/**
 * The gate over a finished root: every library that a program or library asks for, and every program's loader, must be in
 * the root where the loader will look, and be for the same machine. A root composed of packages that were taken for
 * installed, or thinned by globs, breaks exactly here, and otherwise only on the device.
 *
 * Programs and libraries in the loader's own directories are held to the loader's rules (ld.so(8): RPATH, RUNPATH,
 * ld.so.conf, built-in directories). Other shared objects are mostly opened at run time by a program that has its own
 * libraries loaded by then, so for those it is enough that the root has the library somewhere. A library that only such
 * plugins ask for is often one that their package merely recommends: what works without them must not fail.
 */
import { Failure } from '../failure.ts';
import { ContentReader, contentSize } from './content.ts';
import { ElfDamage, type ElfFacts, readElf } from './elf.ts';
import { lastName, parentPath } from './path.ts';
import { SearchPath } from './search-path.ts';
import type { FileEntry, RootTree } from './tree.ts';

export interface MissingLibrary {
  /** As asked for: `libfoo.so.1`, or a loader's path. */
  readonly library: string;
  readonly machine: string;
  readonly neededBy: readonly { readonly path: string; readonly origin: string }[];
  /** No program and no library of the loader's directories needs it. */
  readonly onlyPlugins: boolean;
}

/**
 * @returns what plugins miss, a sentence each
 * @throws Failure `missing-libraries`, one for all that programs and libraries miss
 */
export async function checkLibraryClosure(tree: RootTree): Promise<readonly string[]> {
  const found = await findMissingLibraries(tree);
  const missing = found.filter(({ onlyPlugins }) => !onlyPlugins);
  if (missing.length === 0) return found.map((each) => `${describe(each)}, which cannot be loaded without it`);
  const names = missing.map((each) => each.library).join(', ');
  throw new Failure({
    code: 'missing-libraries',
    message: `the root has programs that cannot start: ${missing.length === 1 ? 'a library is' : `${missing.length} libraries are`} missing: ${names}`,
    cause: missing.map(describe).join('\n'),
    hint: 'add the package that has the library, or stop leaving it out (assume, exclude)',
  });
}

const SHOWN = 3;

function describe({ library, neededBy }: MissingLibrary): string {
  const shown = neededBy.slice(0, SHOWN).map(({ path, origin }) => `${path} (${origin})`);
  const more = neededBy.length > SHOWN ? ` and ${neededBy.length - SHOWN} more` : '';
  return `${library} is needed by ${shown.join(', ')}${more}`;
}

/** Missing libraries by name, each with everyone who needs it. */
export async function findMissingLibraries(tree: RootTree): Promise<MissingLibrary[]> {
  using objects = new Objects(tree);
  const search = await SearchPath.read(tree);
  const missing = new Map<
    string,
    { readonly library: string; readonly machine: string; readonly neededBy: FileEntry[]; onlyPlugins: boolean }
  >();
  const miss = (library: string, machine: string, file: FileEntry, isPlugin: boolean): void => {
    const key = `${machine}\0${library}`;
    const known = missing.get(key) ?? { library, machine, neededBy: [], onlyPlugins: true };
    known.neededBy.push(file);
    known.onlyPlugins &&= isPlugin;
    missing.set(key, known);
  };
  const found = (path: string, machine: string): boolean => objects.at(path)?.machine === machine;
  for (const { file, facts } of objects.all()) {
    const { machine, interpreter } = facts;
    if (interpreter !== undefined && !found(interpreter, machine)) miss(interpreter, machine, file, false);
    const isStrict = interpreter !== undefined || search.isDefault(parentPath(file.path), machine);
    for (const library of facts.needed) {
      const where = search.candidates(library, file.path, facts);
      if (where.some((path) => found(path, machine))) continue;
      if (!isStrict && objects.has(library, machine)) continue;
      miss(library, machine, file, !isStrict);
    }
  }
  return [...missing.values()].sort((a, b) => (a.library < b.library ? -1 : 1));
}

/** The ELF files of a tree, each read once. */
class Objects {
  readonly #tree: RootTree;
  readonly #reader = new ContentReader();
  readonly #facts = new Map<string, ElfFacts | undefined>();
  readonly #byPath = new Map<string, ElfFacts | undefined>();
  #names: ReadonlySet<string> | undefined;

  constructor(tree: RootTree) {
    this.#tree = tree;
  }

  /** Programs and libraries; what is neither executable nor named as a library is not looked into. */
  all(): { readonly file: FileEntry; readonly facts: ElfFacts }[] {
    return this.#tree.entries().flatMap((file) => {
      if (file.type !== 'file' || ((file.mode & 0o111) === 0 && !/\.so(?:\.|$)/.test(file.path))) return [];
      const facts = this.#read(file);
      return facts === undefined ? [] : [{ file, facts }];
    });
  }

  /** The ELF file that a path means on the target, links followed. */
  at(path: string): ElfFacts | undefined {
    if (this.#byPath.has(path)) return this.#byPath.get(path);
    const file = this.#lookUp(path);
    const facts = file && this.#read(file);
    this.#byPath.set(path, facts);
    return facts;
  }

  /** Whether a library of this name is anywhere. */
  has(library: string, machine: string): boolean {
    this.#names ??= new Set(
      this.all().flatMap(({ file, facts }) => [
        `${facts.machine}\0${lastName(file.path)}`,
        `${facts.machine}\0${facts.soname ?? ''}`,
      ]),
    );
    return this.#names.has(`${machine}\0${library}`);
  }

  #lookUp(path: string): FileEntry | undefined {
    try {
      return this.#tree.file(path);
    } catch (error) {
      // A loop or an escape on the way: the loader would find nothing there either.
      if (error instanceof Failure) return undefined;
      throw error;
    }
  }

  #read(file: FileEntry): ElfFacts | undefined {
    if (this.#facts.has(file.path)) return this.#facts.get(file.path);
    const facts = this.#parse(file);
    this.#facts.set(file.path, facts);
    return facts;
  }

  #parse(file: FileEntry): ElfFacts | undefined {
    const size = contentSize(file.content);
    try {
      return readElf((offset, length) => {
        const available = Math.max(0, Math.min(length, size - offset));
        return this.#reader.read(file.content, offset, available);
      });
    } catch (error) {
      if (!(error instanceof ElfDamage)) throw error;
      throw new Failure({
        code: 'damaged-program',
        message: `${file.path} from ${file.origin} is a damaged program: ${error.message}`,
        hint: 'remove it from the cache, or leave it out of the root',
      });
    }
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}
