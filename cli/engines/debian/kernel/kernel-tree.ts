/**
 * A kernel as data: what a linux-image package, or a kernel that was compiled here and packed in the same way, holds. Its
 * configuration, its image, its modules by name, and what is built in.
 */
import { Failure } from '../../../failure.ts';
import { type DotConfig, parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { ContentReader, contentSize } from '../../../rootfs/content.ts';
import type { Content, Entry } from '../../../rootfs/entry.ts';
import { type Modinfo, moduleName, parseModinfo, readModinfo } from './modinfo.ts';

export interface KernelModule {
  /** With underscores: `dm_verity`. */
  readonly name: string;
  /** Below `kernel/`, without its ending: `drivers/md/dm-verity`. */
  readonly path: string;
  /** `.ko`, or `.ko.xz` and the like as it was packed. */
  readonly suffix: string;
  readonly content: Content;
}

export interface KernelTree {
  /** Who ships it, for messages: `linux-image-6.1.0-56-cloud-amd64`. */
  readonly origin: string;
  /** `uname -r`. */
  readonly release: string;
  readonly image: Content;
  readonly config: DotConfig;
  /** By name. */
  readonly modules: ReadonlyMap<string, KernelModule>;
  /** Path below `kernel/` of what is built in and could be a module, by name. */
  readonly builtIn: ReadonlyMap<string, string>;
  /** Aliases of what is built in: `crc32c` is given by crc32c_generic. */
  readonly builtInAliases: ReadonlySet<string>;
  /** modules.order, modules.builtin, modules.builtin.modinfo: what depmod wants beside the modules. */
  readonly moduleLists: ReadonlyMap<string, Content>;
  /** `symbol-modules` of a kernel that was compiled here. */
  readonly symbolModules?: Content;
}

const MODULE_PATH = /^(?:\/usr)?\/lib\/modules\/([^/]+)\/(.+)$/;
const MODULE_FILE = /^kernel\/(.+?)(\.ko(?:\.(?:xz|zst|gz))?)$/;
const MODULE_LISTS: readonly string[] = ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'];

/**
 * Finds the kernel among the files of a package.
 *
 * @throws Failure `no-kernel` if there is none, or more than one
 */
export function readKernelTree(entries: readonly Entry[], origin: string): KernelTree {
  using reader = new ContentReader();
  const files = new Map(
    entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry.content] as const] : [])),
  );
  const releases = [...files.keys()].flatMap((path) => /^\/boot\/vmlinuz-(.+)$/.exec(path)?.[1] ?? []);
  const [release] = releases;
  const image = files.get(`/boot/vmlinuz-${release}`);
  const configFile = files.get(`/boot/config-${release}`);
  if (release === undefined || image === undefined || configFile === undefined || releases.length > 1) {
    throw new Failure({
      code: 'no-kernel',
      message: `${origin} does not hold one kernel with its configuration`,
      cause:
        releases.length > 1 ? `it holds ${releases.join(', ')}` : 'there is no /boot/vmlinuz-… with a /boot/config-…',
      hint: 'name a package such as linux-image-cloud-amd64 in engines.debian.kernel of a layer',
    });
  }
  const modules = new Map<string, KernelModule>();
  const moduleLists = new Map<string, Content>();
  for (const [file, content] of files) {
    const [, of, below = ''] = MODULE_PATH.exec(file) ?? [];
    if (of !== release) continue;
    const [, path, suffix] = MODULE_FILE.exec(below) ?? [];
    if (path !== undefined && suffix !== undefined) {
      const name = moduleName(path.slice(path.lastIndexOf('/') + 1));
      modules.set(name, { name, path, suffix, content });
    } else if (MODULE_LISTS.includes(below)) {
      moduleLists.set(below, content);
    }
  }
  const textOf = (content: Content | undefined): string =>
    content === undefined ? '' : reader.read(content, 0, contentSize(content)).toString('utf8');
  const symbolModules = files.get(`/boot/symbol-modules-${release}`);
  return {
    origin,
    release,
    image,
    config: parseDotConfig(textOf(configFile), { layer: origin, file: `/boot/config-${release}` }),
    modules,
    builtIn: readBuiltIn(textOf(moduleLists.get('modules.builtin'))),
    builtInAliases: new Set(builtInModinfo(textOf(moduleLists.get('modules.builtin.modinfo'))).aliases),
    moduleLists,
    ...(symbolModules === undefined ? {} : { symbolModules }),
  };
}

/** Lines like `kernel/fs/ext4/ext4.ko`. */
function readBuiltIn(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const path = MODULE_FILE.exec(line.trim())?.[1];
    if (path !== undefined) names.set(moduleName(path.slice(path.lastIndexOf('/') + 1)), path);
  }
  return names;
}

/** Strings like `crc32c_generic.alias=crc32c`. */
function builtInModinfo(text: string): Modinfo {
  return parseModinfo(text.split('\0').map((line) => line.slice(line.indexOf('.') + 1)));
}

/** Modules' own words, each read once. */
export class ModinfoIndex {
  readonly #tree: KernelTree;
  readonly #reader: ContentReader;
  readonly #known = new Map<string, Modinfo>();
  #providers: Map<string, string[]> | undefined;

  constructor(tree: KernelTree, reader: ContentReader) {
    this.#tree = tree;
    this.#reader = reader;
  }

  /** @throws Failure `bad-module` */
  of(module: KernelModule): Modinfo {
    const known = this.#known.get(module.name);
    if (known !== undefined) return known;
    const read = readModinfo(this.#reader, module.content);
    if (read === undefined) {
      throw new Failure({
        code: 'bad-module',
        message: `${module.path}${module.suffix} of ${this.#tree.origin} is no kernel module that can be read`,
        cause: 'it is no 64-bit ELF file with a .modinfo section',
        hint: 'the cached package may be damaged: remove it and build again',
      });
    }
    this.#known.set(module.name, read);
    return read;
  }

  /** Names of the modules that say they are `alias`; patterns in aliases (hardware ids) are not looked at. */
  providersOf(alias: string): readonly string[] {
    if (this.#providers === undefined) {
      this.#providers = new Map();
      for (const module of this.#tree.modules.values()) {
        for (const one of this.of(module).aliases) {
          this.#providers.set(one, [...(this.#providers.get(one) ?? []), module.name]);
        }
      }
    }
    return this.#providers.get(alias) ?? [];
  }
}
