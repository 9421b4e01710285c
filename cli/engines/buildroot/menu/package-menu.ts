/**
 * The menu of the kernel, of U-Boot or of BusyBox, run by Buildroot's own rules on a copy of the source that was built: what
 * those rules remove and write for a new configuration is removed and written there, and the workspace's output directory
 * stays as it is. A makefile finds the copy by `<PACKAGE>_DIR` on its command line, and the fragments in the same way.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { runInteractive } from '../../../host/interactive.ts';
import { runCommand } from '../../../host/process.ts';
import type { Namespace } from '../../../kconfig/assignment.ts';
import { parseDotConfig, readDotConfig } from '../../../kconfig/dotconfig.ts';
import { commandLine } from '../../../workspace/command-line.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { type BuildrootMake, makeCommand, runMake } from '../build/make.ts';
import { type PackageInfo, parsePackageInfo } from '../build/package-info.ts';
import { LAYER_FILES } from '../build-places.ts';
import { fragmentText } from '../layer-files/plan-layer-files.ts';
import type { ConfigurationMenu, Configured, MenuName } from './configuration-menu.ts';

export type PackageNamespace = Exclude<Namespace, 'buildroot'>;

interface KconfigPackage {
  readonly name: string;
  /** What its variables begin with. */
  readonly prefix: string;
  /** Symbol that turns it on. */
  readonly symbol: string;
  /** Symbol with the list of its fragments. */
  readonly fragments: string;
  /** The layers' fragment among those. */
  readonly fragment: string;
  readonly menus: readonly MenuName[];
  readonly canCompact: boolean;
}

const PACKAGES: Readonly<Record<PackageNamespace, KconfigPackage>> = {
  kernel: {
    name: 'linux',
    prefix: 'LINUX',
    symbol: 'BR2_LINUX_KERNEL',
    fragments: 'BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES',
    fragment: LAYER_FILES.kernelFragment,
    menus: ['menuconfig', 'nconfig', 'xconfig'],
    canCompact: true,
  },
  uboot: {
    name: 'uboot',
    prefix: 'UBOOT',
    symbol: 'BR2_TARGET_UBOOT',
    fragments: 'BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES',
    fragment: LAYER_FILES.ubootFragment,
    menus: ['menuconfig', 'nconfig', 'xconfig'],
    canCompact: true,
  },
  busybox: {
    name: 'busybox',
    prefix: 'BUSYBOX',
    symbol: 'BR2_PACKAGE_BUSYBOX',
    fragments: 'BR2_PACKAGE_BUSYBOX_CONFIG_FRAGMENT_FILES',
    fragment: LAYER_FILES.busyboxFragment,
    // Its xconfig is for a Qt that nobody has any more.
    menus: ['menuconfig'],
    canCompact: false,
  },
};

export interface PackageMenuParts {
  readonly name: MenuName;
  readonly namespace: PackageNamespace;
  readonly config: ResolvedConfig;
  readonly make: BuildrootMake;
  /** What Buildroot said about its packages at the last build. */
  readonly packages: string;
  /** A directory for the copy, in the workspace. */
  readonly scratch: string;
}

/** @throws Failure `not-built`, `no-such-package`, `no-such-menu` */
export async function packageMenu(parts: PackageMenuParts): Promise<ConfigurationMenu> {
  const { name, namespace, config, make, packages, scratch } = parts;
  const one = PACKAGES[namespace];
  if (!one.menus.includes(name)) {
    throw new Failure({
      code: 'no-such-menu',
      message: `${one.name} has no ${name}`,
      hint: commandLine(one.menus[0] ?? 'menuconfig', {
        workspace: config.workspace,
        asked: [namespace, ...(config.asked ?? [])],
      }),
    });
  }
  const info = await builtPackage(one, config, packages);
  const source = join(make.places.output, info.build_dir ?? '');
  if (info.build_dir === undefined || !existsSync(join(source, STAMPS[1]))) throw notBuilt(one, config);
  const copy = join(scratch, basename(source));
  await copySource(source, copy, make);
  const fragment = join(scratch, one.fragment);
  const variables = [`${one.prefix}_DIR=${copy}`, await fragmentsVariable(one, make, fragment)];
  const dotConfig = join(copy, '.config');
  const read = async (): Promise<Configured> => {
    const text = await readFile(dotConfig, 'utf8');
    return { text, final: parseDotConfig(text, { file: dotConfig, layer: one.name }), own: [] };
  };
  const compact = async (text: string) => {
    await writeFile(dotConfig, text);
    await runMake(make, ['-s', `${one.name}-savedefconfig`], { variables });
    return readDotConfig(join(copy, 'defconfig'), one.name);
  };
  // The same is asked again, when what was tried is written and read back.
  const known = new Map<string, Configured>();
  return {
    namespace,
    what: `${one.name} ${info.version ?? ''}`.trim(),
    isQuick: false,
    configure: async (edited) => {
      const asked = fragmentText(edited, namespace);
      const made = known.get(asked);
      if (made !== undefined) return made;
      await writeFile(fragment, asked);
      for (const stamp of STAMPS) await rm(join(copy, stamp), { force: true });
      await runMake(make, ['-s', join(copy, STAMPS[1])], { variables });
      const configured = await read();
      known.set(asked, configured);
      return configured;
    },
    open: async () => {
      const words = [...variables, '-s', '--no-print-directory', `${one.name}-${name}`];
      const command = await makeCommand(make, words, { env: { MAKEFLAGS: ' -j1' }, perProgram: 1 });
      const exitCode = await runInteractive({ ...command, signal: make.signal });
      if (exitCode === 0) return (await read()).text;
      throw new Failure({
        code: 'menu-failed',
        message: `the ${name} of ${one.name} ended with exit code ${exitCode}`,
        cause: 'what it said is above',
      });
    },
    ...(one.canCompact ? { compact } : {}),
  };
}

/** Of the rules for a configuration (package/pkg-kconfig.mk), in their order. */
const STAMPS = ['.stamp_dotconfig', '.stamp_kconfig_fixup_done'] as const;

async function builtPackage(one: KconfigPackage, config: ResolvedConfig, packages: string): Promise<PackageInfo> {
  if (!existsSync(packages)) throw notBuilt(one, config);
  const info = parsePackageInfo(await readFile(packages, 'utf8')).get(one.name);
  if (info !== undefined) return info;
  throw new Failure({
    code: 'no-such-package',
    message: `workspace ${config.workspace} was built without ${one.name}`,
    hint: `${one.symbol}=y in a layer turns it on; then build it`,
  });
}

function notBuilt(one: KconfigPackage, config: ResolvedConfig): Failure {
  return new Failure({
    code: 'not-built',
    message: `workspace ${config.workspace} was not built yet, and the menu of ${one.name} is a part of its source`,
    hint: `first ${commandLine('build', config)}`,
  });
}

/** What is written in place, and must not have two names: configurations and stamps, and the programs of Kconfig. */
const WRITTEN_IN_PLACE = /^(?:\..*|scripts)$/;

/** A kernel has 80,000 files: all but a few are second names. */
async function copySource(source: string, copy: string, { log, signal }: BuildrootMake): Promise<void> {
  const cp = (...words: readonly string[]) =>
    runCommand({ argv: ['cp', '--archive', ...words], cwd: source, log, signal });
  await mkdir(dirname(copy), { recursive: true });
  await cp('--link', source, copy);
  const names = (await readdir(source)).filter((name) => WRITTEN_IN_PLACE.test(name));
  for (const name of names) await rm(join(copy, name), { recursive: true });
  await cp(`--target-directory=${copy}`, '--', ...names);
}

/** The list of the last build, with what the layers say now in the place of what they said then. */
async function fragmentsVariable(one: KconfigPackage, { places }: BuildrootMake, fragment: string): Promise<string> {
  const built = readDotConfig(join(places.output, '.config'), 'Buildroot').get(one.fragments);
  const files = built?.kind === 'string' ? built.value.split(/\s+/).filter((file) => file !== '') : [];
  const then = join(places.layers, one.fragment);
  return `${one.prefix}_KCONFIG_FRAGMENT_FILES=${[...files.filter((file) => file !== then), fragment].join(' ')}`;
}
