/**
 * Runs SkiffOS's own scripts on a copy of a checkout, and reads what they make of a list of layers: the order, the merged
 * fragments, and what they tell Buildroot. Buildroot itself is a stand-in that keeps what it is given.
 *
 * Listing the layers is what takes SkiffOS most of its time, so that is done once. The runs then get the paths in the
 * variables that SKIFF_EXTRA_CONFIGS_PATH and `configs/` are turned into, which SkiffOS lets a user set beforehand.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Namespace } from '../../cli/kconfig/assignment.ts';
import { PREFIX } from '../../cli/kconfig/namespace.ts';
import { type Tree, writeTree } from './files.ts';

const run = promisify(execFile);

/** Makes an output directory whose `defconfig` keeps its arguments. */
const BUILDROOT = `defconfig:
	mkdir -p $(O)
	printf 'defconfig:\\n\\tcp "$$(BR2_DEFCONFIG)" .config\\n\\tprintf "%%s" "$$(BR2_EXTERNAL)" > external\\n' > $(O)/Makefile
`;

export interface TheirResult {
  /** Names of the layers, in order. */
  readonly chain: readonly string[];
  /** Merged fragments: symbol → last value as it is written, `n` where it is not set. */
  readonly symbols: Readonly<Record<Namespace, ReadonlyMap<string, string>>>;
  /** Directories of BR2_EXTERNAL, in order. */
  readonly externals: readonly string[];
  readonly users: string;
  /** Directories and programs, in the order in which they are run. */
  readonly hooks: Readonly<Record<'pre' | 'post', readonly { readonly layer: string; readonly program: string }[]>>;
}

export class SkiffosScripts {
  /** The copy of the checkout. */
  readonly checkout: string;
  readonly #directory: string;
  readonly #bare: string;
  readonly #variables: Readonly<Record<string, string>>;
  /** Names of all layers. */
  readonly layers: readonly string[];

  private constructor(directory: string, variables: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.checkout = join(directory, 'skiffos');
    this.#bare = join(directory, 'bare');
    this.#variables = variables;
    this.layers = Object.entries(variables)
      .flatMap(([name, value]) => (name.startsWith('SKIFF_CONFIG_NAME_') ? [value] : []))
      .sort();
  }

  /** @param extension layers of an extension repository besides those of the checkout */
  static async on(checkout: string, extension: Tree): Promise<SkiffosScripts> {
    // Its scripts take a space for the end of a path.
    const directory = mkdtempSync(join(tmpdir(), 'coracle-skiffos-'));
    const copy = join(directory, 'skiffos');
    for (const name of ['Makefile', 'build', 'configs', 'configs-base', 'overrides', 'resources', 'scripts']) {
      cpSync(join(checkout, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
      if (name !== 'configs') cpSync(join(copy, name), join(directory, 'bare', name), { recursive: true });
    }
    mkdirSync(join(directory, 'bare/configs'));
    for (const root of ['skiffos', 'bare']) {
      writeTree(join(directory, root), { 'buildroot/Makefile': BUILDROOT, 'workspaces/': '' });
    }
    writeTree(join(directory, 'extension'), extension);
    const { stdout } = await run('make', ['--silent', 'env'], {
      cwd: copy,
      env: environment({ SKIFF_EXTRA_CONFIGS_PATH: join(directory, 'extension/configs') }),
    });
    const lines = stdout.matchAll(/^(SKIFF_CONFIG_(?:PATH|NAME)_[A-Z0-9_]+)=(.*)$/gm);
    return new SkiffosScripts(
      directory,
      Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value])),
    );
  }

  get extension(): string {
    return join(this.#directory, 'extension');
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** `make configure` of each list, several at a time; the results are in the order of the lists. */
  async configureAll(lists: readonly string[]): Promise<ReadonlyMap<string, TheirResult>> {
    const results: (readonly [string, TheirResult])[] = [];
    const waiting = [...lists.entries()];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, list] = next;
        results[index] = [list, await this.#configure(list, `w${index}`)];
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    return new Map(results);
  }

  async #configure(list: string, workspace: string): Promise<TheirResult> {
    await run('make', ['configure'], {
      cwd: this.#bare,
      env: environment({ ...this.#variables, SKIFF_CONFIG: list, SKIFF_WORKSPACE: workspace }),
      maxBuffer: 1 << 26,
    });
    const made = join(this.#bare, 'workspaces', `.config_${workspace}`);
    const text = (file: string): string =>
      readFileSync(file, 'utf8').replaceAll(/(\/bare)(?=\/(?:configs-base|overrides)\/)/g, '/skiffos');
    const symbols = (namespace: Namespace) => lastValues(text(join(made, namespace, 'config')), PREFIX[namespace]);
    return {
      chain: text(join(made, 'skiff_config')).trim().split(','),
      symbols: {
        buildroot: symbols('buildroot'),
        kernel: symbols('kernel'),
        uboot: symbols('uboot'),
        busybox: symbols('busybox'),
      },
      externals: words(text(join(this.#bare, 'workspaces', workspace, 'external')), ':'),
      users: text(join(made, 'users')),
      hooks: { pre: hooks(text(join(made, 'pre_build.sh'))), post: hooks(text(join(made, 'post_build.sh'))) },
    };
  }
}

function environment(more: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), TERM: 'xterm', ...more };
}

/**
 * As Kconfig reads a file: the last assignment to a symbol counts, of a switch its first letter, of a text what is between
 * the quotes; a text without quotes is none, and neither is a line without the prefix of the namespace.
 */
function lastValues(text: string, prefix: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, symbol, value] = /^([A-Za-z0-9_]+)=([ymn]|-?\d+$|0[xX][0-9a-fA-F]+$|"(?:[^"\\]|\\.)*")/.exec(line) ?? [];
    const [, unset] = /^# ([A-Za-z0-9_]+) is not set$/.exec(line) ?? [];
    if (symbol?.startsWith(prefix) === true && value !== undefined) values.set(symbol, value);
    if (unset?.startsWith(prefix) === true) values.set(unset, 'n');
  }
  return values;
}

function hooks(script: string): readonly { readonly layer: string; readonly program: string }[] {
  return [...script.matchAll(/^SKIFF_CURRENT_CONF_DIR="(.*)" (.*)$/gm)].map(([, layer = '', program = '']) => ({
    layer,
    program,
  }));
}

/** Without empty ones. */
export function words(text: string, separator: string): readonly string[] {
  return text.split(separator).filter((word) => word !== '');
}
