/**
 * The tree's own Kconfig, called directly: in goes what is asked for, out comes the `.config` that Buildroot would build
 * from. It is called as the tree's makefile calls it (`olddefconfig`), with the same environment.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { runCommand } from '../../../host/process.ts';
import type { KconfigSource } from '../../../kconfig/language/read-kconfig.ts';
import type { BuildrootTree } from '../tree/buildroot-tree.ts';
import { type ExternalTree, externalVariable } from '../tree/external-trees.ts';
import { kconfigProgram } from '../tree/kconfig-programs.ts';
import type { HostGcc } from './host-gcc.ts';

export interface ConfOptions {
  readonly tree: BuildrootTree;
  readonly externals: readonly ExternalTree[];
  /** Directory for what conf reads and writes. */
  readonly scratch: string;
  readonly cache: string;
  /** `gcc --version` of the host, see host-gcc.ts. */
  readonly hostGcc: HostGcc;
  readonly log: string;
  readonly signal: AbortSignal;
}

export interface ConfResult {
  /** The final `.config`. */
  readonly text: string;
  /** The Kconfig files that conf read. */
  readonly kconfig: KconfigSource;
}

/** @throws Failure `kconfig-failed` */
export async function runConf(request: string, options: ConfOptions): Promise<ConfResult> {
  const variables = await callConf(request, '--olddefconfig', options);
  const kconfig: KconfigSource = {
    tree: options.tree.directory,
    file: 'Config.in',
    dialect: 'symbols',
    prefix: '',
    variables,
  };
  return { text: await readFile(join(options.scratch, '.config'), 'utf8'), kconfig };
}

/** @returns a final `.config` without what follows from defaults (`savedefconfig`). @throws Failure `kconfig-failed` */
export async function compactConfig(dotConfig: string, options: ConfOptions): Promise<string> {
  const file = join(options.scratch, 'defconfig');
  await callConf(dotConfig, `--savedefconfig=${file}`, options);
  return readFile(file, 'utf8');
}

/** @returns the environment that it was called in */
async function callConf(input: string, how: string, options: ConfOptions): Promise<Record<string, string>> {
  const { tree, scratch, cache, log, signal } = options;
  const conf = await kconfigProgram('conf', tree, { cache, log, signal });
  await mkdir(scratch, { recursive: true });
  await writeFile(join(scratch, '.config'), input);
  const env = await kconfigEnvironment(options);
  try {
    await runCommand({ argv: [conf, how, 'Config.in'], cwd: tree.directory, env, log, signal });
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw new Failure({
      ...error.parts,
      code: 'kconfig-failed',
      message: `the Kconfig files of Buildroot ${tree.version} or of a BR2_EXTERNAL tree cannot be read`,
    });
  }
  return env;
}

/**
 * What the tree's Kconfig programs find in their environment (Makefile: COMMON_CONFIG_ENV), with the menus of the
 * BR2_EXTERNAL trees written into the scratch directory by the tree's own script.
 */
export async function kconfigEnvironment(options: ConfOptions): Promise<Record<string, string>> {
  const { tree, externals, scratch, hostGcc, log, signal } = options;
  const trees = externalVariable(externals);
  await runCommand({
    argv: [join(tree.directory, 'support/scripts/br2-external'), '-d', scratch, ...(trees === '' ? [] : [trees])],
    cwd: tree.directory,
    log,
    signal,
  });
  return {
    BR2_DEFCONFIG: '',
    BR2_CONFIG: join(scratch, '.config'),
    KCONFIG_CONFIG: join(scratch, '.config'),
    KCONFIG_AUTOCONFIG: join(scratch, 'auto.conf'),
    KCONFIG_AUTOHEADER: join(scratch, 'autoconf.h'),
    KCONFIG_TRISTATE: join(scratch, 'tristate.config'),
    BASE_DIR: scratch,
    BR2_VERSION_FULL: tree.version,
    HOSTARCH: hostGcc.architecture,
    HOST_GCC_VERSION: String(Math.min(hostGcc.version, tree.newestHostGcc)),
    SKIP_LEGACY: '',
    BR2_HIDE_SECONDARY_TARGET_OPTIONS: '',
  };
}
