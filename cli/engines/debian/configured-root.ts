/**
 * The root while its packages are configured: the tree, its accounts, and what dpkg and debconf would remember. Models of
 * commands and declared effects change the root through this and nothing else.
 */
import { Failure } from '../../failure.ts';
import { readContent } from '../../rootfs/content.ts';
import type { Entry } from '../../rootfs/entry.ts';
import { joinPath, lastName, parentPath } from '../../rootfs/path.ts';
import type { RootTree } from '../../rootfs/tree.ts';
import { Accounts } from './accounts.ts';
import type { FileKind } from './shell/test-command.ts';
import { isKnown, UNKNOWN } from './shell/unknown.ts';

export interface AlternativeChoice {
  readonly link: string;
  readonly path: string;
  readonly priority: number;
  readonly slaves: readonly { readonly name: string; readonly link: string; readonly path: string }[];
}

export class ConfiguredRoot {
  readonly tree: RootTree;
  readonly accounts = Accounts.debian();
  /** Debian's architecture, `arm64`. */
  readonly architecture: string;
  /** Packages of the root with their versions. */
  readonly packages: ReadonlyMap<string, string>;
  /** Packages that are taken for installed; what they bring is there for a script's eyes. */
  readonly assumed: ReadonlySet<string>;
  /** Name of an alternative → its choices. */
  readonly alternatives = new Map<string, AlternativeChoice[]>();
  /** Answers to debconf's questions. */
  readonly answers = new Map<string, string>();
  /** Path → where another package's file of that path goes, and whose diversion it is. */
  readonly diversions = new Map<string, { readonly to: string; readonly by: string }>();
  readonly statOverrides = new Set<string>();
  /** Where the script that is walked is; dpkg starts it in the root. */
  cwd = '/';
  #names = 0;

  constructor(
    tree: RootTree,
    architecture: string,
    packages: ReadonlyMap<string, string>,
    assumed: ReadonlySet<string>,
  ) {
    this.tree = tree;
    this.architecture = architecture;
    this.packages = packages;
    this.assumed = assumed;
  }

  /** Whether it is known where a path is. */
  isPlaced(written: string): boolean {
    return isKnown(written) && (written.startsWith('/') || isKnown(this.cwd));
  }

  /** A path as a script writes it, from where the script is. @throws Failure `unknown-directory` */
  path(written: string): string {
    if (!written.startsWith('/') && !isKnown(this.cwd)) {
      throw new Failure({ code: 'unknown-directory', message: 'which directory it runs in is not known before' });
    }
    return cleanPath(written.startsWith('/') ? written : `${this.cwd}/${written}`);
  }

  /** What the kernel has there is not part of the root. */
  isOutside(written: string): boolean {
    return /^\/(?:proc|sys|dev)(?:\/|$)/.test(this.path(written));
  }

  /** Kept in memory while the system runs; what is put there is gone at the next start. */
  isVolatile(written: string): boolean {
    return /^\/(?:tmp|run|var\/run|var\/lock|var\/tmp|dev|proc|sys)(?:\/|$)/.test(this.path(written));
  }

  /** What a path is, its last link not followed. */
  entry(path: string): Entry | undefined {
    const clean = this.path(path);
    if (clean === '/') return this.tree.get('/');
    const parent = this.#resolve(parentPath(clean));
    return parent === undefined ? undefined : this.tree.get(joinPath(parent.path, lastName(clean)));
  }

  /** What a path means, links followed. */
  resolve(path: string): Entry | undefined {
    return this.#resolve(this.path(path));
  }

  kind(path: string): FileKind {
    return this.#kindOf(path, (clean) => this.#resolve(clean));
  }

  linkKind(path: string): FileKind {
    return this.#kindOf(path, (clean) => this.entry(clean));
  }

  isExecutable(path: string): boolean | undefined {
    const entry = this.resolve(path);
    if (entry === undefined) return this.isOutside(path) ? undefined : false;
    return (entry.mode & 0o111) !== 0;
  }

  size(path: string): number | undefined {
    const text = this.readFile(path);
    return text === undefined || !isKnown(text) ? undefined : Buffer.byteLength(text);
  }

  list(directory: string): string[] {
    const entry = this.resolve(directory);
    return entry?.type === 'directory' ? this.tree.children(entry.path).map((child) => lastName(child.path)) : [];
  }

  /** Text of a file; UNKNOWN outside of the root, undefined if there is none. */
  readFile(path: string): string | undefined {
    if (this.isOutside(path)) return UNKNOWN;
    const entry = this.resolve(path);
    const file = entry === undefined ? undefined : this.tree.file(entry.path);
    return file === undefined ? undefined : readContent(file.content).toString('utf8');
  }

  writeFile(path: string, text: string, options: { readonly origin: string; readonly umask?: number }): void {
    const there = this.resolve(path);
    const owner = there === undefined ? {} : { uid: there.uid, gid: there.gid };
    const mode = there?.mode ?? 0o666 & ~(options.umask ?? 0o022);
    this.tree.addFile(there?.path ?? this.path(path), text, { origin: options.origin, mode, ...owner });
  }

  /** A name in /tmp that nobody has. */
  temporaryName(): string {
    this.#names += 1;
    return `/tmp/maintainer-script.${this.#names}`;
  }

  /** Whether a program is there for a script: in the root, or of a package that is taken for installed. */
  findProgram(name: string): string | undefined {
    if (name.includes('/')) return this.isExecutable(name) === true ? name : undefined;
    for (const directory of ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']) {
      if (this.isExecutable(`${directory}/${name}`) === true) return `${directory}/${name}`;
    }
    return undefined;
  }

  #resolve(clean: string): Entry | undefined {
    try {
      return this.tree.resolve(clean);
    } catch {
      // A loop or a link out of the root: nothing that a script could see there.
      return undefined;
    }
  }

  #kindOf(path: string, look: (clean: string) => Entry | undefined): FileKind {
    if (!this.isPlaced(path)) return 'unknown';
    const entry = look(this.path(path));
    if (entry === undefined) return this.isOutside(path) ? 'unknown' : 'none';
    switch (entry.type) {
      case 'file':
      case 'hardlink':
        return 'file';
      case 'directory':
      case 'symlink':
        return entry.type;
      default:
        return 'other';
    }
  }
}

/** `//a/./b/` → `/a/b`. */
export function cleanPath(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}
