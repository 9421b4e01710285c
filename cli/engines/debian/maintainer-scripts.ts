/**
 * The maintainer scripts of a set of packages, walked in the order in which dpkg would run them on an empty root. Comes in:
 * unpacked packages and the root; goes out: the configured root, and what was not accounted for.
 */
import type { parse as parseShell } from 'unbash';
import { runModel } from './commands/all-commands.ts';
import { isModelledModule, isProvidedProgram } from './commands/packaging.ts';
import type { ConfiguredRoot } from './configured-root.ts';
import { type AccountedCommand, PACKAGE_MODELS } from './package-models.ts';
import type { Call, Host, Outcome, Problem } from './shell/host.ts';
import { matchesPattern } from './shell/pattern.ts';
import { Shell } from './shell/shell.ts';
import { isKnown, showUnknown, UNKNOWN } from './shell/unknown.ts';
import type { UnpackedPackage } from './unpacked.ts';

export interface ScriptProblem extends Problem {
  readonly package: string;
  readonly version: string;
  readonly script: string;
}

export type ScriptName = 'preinst' | 'postinst';

export interface ScriptRun {
  readonly script: ScriptName;
  /** As dpkg calls it: `['configure', '']`. */
  readonly args: readonly string[];
}

export class MaintainerScripts {
  readonly problems: ScriptProblem[] = [];
  readonly #root: ConfiguredRoot;
  readonly #parse: typeof parseShell;
  readonly #accounted: ReadonlyMap<string, readonly AccountedCommand[]>;

  private constructor(
    root: ConfiguredRoot,
    parse: typeof parseShell,
    declared: ReadonlyMap<string, readonly AccountedCommand[]>,
  ) {
    this.#root = root;
    this.#parse = parse;
    this.#accounted = declared;
  }

  /** @param declared what layers account for, by package */
  static async load(
    root: ConfiguredRoot,
    declared: ReadonlyMap<string, readonly AccountedCommand[]>,
  ): Promise<MaintainerScripts> {
    const { parse } = await import('unbash');
    return new MaintainerScripts(root, parse, declared);
  }

  /** Walks one script of a package, if it has it. */
  run(one: UnpackedPackage, { script, args }: ScriptRun): void {
    const data = one.scripts.get(script);
    if (data === undefined) return;
    const note = (problem: Problem): void => {
      const { name: own, version } = one.locked;
      this.problems.push({ ...problem, package: own, version, script });
    };
    const source = data.toString('utf8');
    if (!/^#!\s*\/(?:usr\/)?bin\/(?:sh|bash|dash)\b/.test(source)) {
      const [first = ''] = data.subarray(0, 64).toString('latin1').split('\n');
      const text = first.startsWith('#!') ? first : 'a program';
      if (this.#account(one, [script]) === undefined) {
        note({ line: 1, text, argv: [script], reason: 'it is not a shell script' });
      }
      return;
    }
    const { architecture } = this.#root;
    const variables = new Map([
      ['DPKG_ROOT', ''],
      ['DPKG_MAINTSCRIPT_PACKAGE', one.locked.name],
      ['DPKG_MAINTSCRIPT_ARCH', architecture],
      ['DPKG_MAINTSCRIPT_NAME', script],
      ['DEBIAN_FRONTEND', 'noninteractive'],
      ['DPKG_ADMINDIR', '/var/lib/dpkg'],
      ['HOME', '/root'],
      ['PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    ]);
    this.#root.cwd = '/';
    const shell = new Shell(this.#parse, args, variables, this.#host(one));
    shell.run(source);
    shell.problems.forEach(note);
  }

  #host(one: UnpackedPackage): Host {
    const root = this.#root;
    const origin = `package ${one.locked.name}`;
    return {
      files: {
        kind: (path) => root.kind(path),
        linkKind: (path) => root.linkKind(path),
        isExecutable: (path) => (isProvidedProgram(path, root.assumed) ? true : root.isExecutable(path)),
        size: (path) => root.size(path),
        mode: (path) => root.resolve(path)?.mode,
      },
      list: (directory) => root.list(directory),
      move: (directory) => {
        root.cwd = directory;
      },
      readFile: (path) => (root.isPlaced(path) ? root.readFile(path) : UNKNOWN),
      readScript: (path) => (isModelledModule(path) ? undefined : root.readFile(path)),
      writeFile: (path, text, { append, certain, umask }) => {
        if (!root.isPlaced(path)) return 'where it writes to is not known before it runs';
        if (root.isOutside(path)) return undefined;
        const before = append ? (root.readFile(path) ?? '') : '';
        if (root.isVolatile(path)) {
          root.writeFile(path, certain ? before + text : UNKNOWN, { origin });
          return undefined;
        }
        if (this.#account(one, ['>', path]) !== undefined) return undefined;
        if (!isKnown(text)) return `what it writes to ${path} is not known before it runs`;
        if (!certain) return `whether it writes to ${path} is not known before`;
        root.writeFile(path, before + text, { origin, umask });
        return undefined;
      },
      command: (call) => this.#command(call, one, origin),
    };
  }

  #command(call: Call, one: UnpackedPackage, origin: string): Outcome {
    const accounted = this.#account(one, call.argv);
    if (accounted !== undefined) return { status: accounted.status, output: accounted.prints ?? UNKNOWN };
    return runModel(call, { root: this.#root, package: one, origin });
  }

  /** What the package's model or a layer says of a command that needs no model. */
  #account(one: UnpackedPackage, argv: readonly string[]): AccountedCommand | undefined {
    const { name } = one.locked;
    const text = showUnknown(argv.join(' '));
    const accounted = [...(PACKAGE_MODELS[name]?.accounts ?? []), ...(this.#accounted.get(name) ?? [])];
    return accounted.find((each) => matchesPattern(each.command, text) === true);
  }
}
