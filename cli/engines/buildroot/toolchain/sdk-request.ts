/**
 * What a toolchain is made of, taken from a workspace's configuration: all that describes its machine and its toolchain and
 * nothing else, so that workspaces that differ in the rest get the same one. Which symbols these are is what the tree's own
 * Kconfig files define: those of the architecture and of Buildroot's internal toolchain.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import type { Value } from '../../../kconfig/assignment.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import { formatAssignment, NOT_SET } from '../../../kconfig/value.ts';
import type { BuildrootTree } from '../tree/buildroot-tree.ts';

/** Kconfig files whose symbols say what the compiler is made for, and of what. */
const MENUS = ['arch/Config.in', 'toolchain/toolchain-buildroot/Config.in'] as const;

/** Options of the whole build that the C library and the compiler's own libraries are compiled with. */
const BUILD_OPTIONS =
  /^BR2_(?:OPTIMIZE_\w+|TARGET_OPTIMIZATION|TARGET_LDFLAGS|ENABLE_(?:DEBUG|RUNTIME_DEBUG|LTO)|DEBUG_\d|(?:STATIC|SHARED|SHARED_STATIC)_LIBS|SSP_\w+|RELRO_\w+|PIC_PIE|FORTIFY_SOURCE_\w+|TIME_BITS_64|REPRODUCIBLE)$/;

/** Where sources come from: no part of what is made. */
const SOURCES =
  /^BR2_(?:PRIMARY_SITE\w*|BACKUP_SITE|\w+_MIRROR|WGET|CURL|DOWNLOAD_FORCE_CHECK_HASHES|PACKAGE_OVERRIDE_FILE)$/;

/** Nothing but a compiler and what it compiles for. */
const ALONE: readonly (readonly [string, Value])[] = [
  ['BR2_TOOLCHAIN_BUILDROOT', { kind: 'tristate', value: 'y' }],
  ['BR2_INIT_NONE', { kind: 'tristate', value: 'y' }],
  ['BR2_SYSTEM_BIN_SH_NONE', { kind: 'tristate', value: 'y' }],
  ['BR2_PACKAGE_BUSYBOX', NOT_SET],
  ['BR2_TARGET_ROOTFS_TAR', NOT_SET],
  ['BR2_CCACHE', NOT_SET],
];

export interface SdkRequest {
  /** For the tree's `conf`: what determines the toolchain. */
  readonly text: string;
  /** Lines to add for building it. */
  readonly sources: string;
}

/** @param first the workspace's configuration as it is with an internal toolchain */
export function sdkRequest(first: DotConfig, tree: BuildrootTree): SdkRequest {
  const symbols = menuSymbols(tree.directory, MENUS);
  const described = new Map([...first].filter(([symbol]) => symbols.has(symbol) || BUILD_OPTIONS.test(symbol)));
  const all = [...withoutKernel(described, first), ...ALONE];
  return {
    text: lines(all),
    sources: lines([...first].filter(([symbol]) => SOURCES.test(symbol))),
  };
}

function lines(assignments: Iterable<readonly [string, Value]>): string {
  return [...assignments].map(([symbol, value]) => `${formatAssignment(symbol, value)}\n`).join('');
}

/** Of Kconfig files and all that they source. */
function menuSymbols(tree: string, files: readonly string[]): ReadonlySet<string> {
  const symbols = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(tree, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/^\s*(?:menu)?config (\w+)$/gm)) symbols.add(name);
    const sourced = [...text.matchAll(/^\s*source "([^"$]+)"$/gm)].map(([, name = '']) => name);
    for (const name of menuSymbols(tree, sourced)) symbols.add(name);
  }
  return symbols;
}

const AS_KERNEL = 'BR2_KERNEL_HEADERS_AS_KERNEL';

/** Headers “as the kernel” are named as what that is, for here is no kernel. Its patches are not applied to them. */
function withoutKernel(described: ReadonlyMap<string, Value>, first: DotConfig): ReadonlyMap<string, Value> {
  if (!isOn(first, AS_KERNEL)) return described;
  const result = new Map(described);
  result.delete(AS_KERNEL);
  const turnOn = (symbol: string): void => void result.set(symbol, { kind: 'tristate', value: 'y' });
  const copy = (from: string, to: string): void => {
    const value = first.get(from);
    if (value !== undefined) result.set(to, value);
  };
  if (isOn(first, 'BR2_LINUX_KERNEL_CUSTOM_TARBALL')) {
    turnOn('BR2_KERNEL_HEADERS_CUSTOM_TARBALL');
    copy('BR2_LINUX_KERNEL_CUSTOM_TARBALL_LOCATION', 'BR2_KERNEL_HEADERS_CUSTOM_TARBALL_LOCATION');
  } else if (isOn(first, 'BR2_LINUX_KERNEL_CUSTOM_GIT')) {
    turnOn('BR2_KERNEL_HEADERS_CUSTOM_GIT');
    copy('BR2_LINUX_KERNEL_CUSTOM_REPO_URL', 'BR2_KERNEL_HEADERS_CUSTOM_REPO_URL');
    copy('BR2_LINUX_KERNEL_CUSTOM_REPO_VERSION', 'BR2_KERNEL_HEADERS_CUSTOM_REPO_VERSION');
  } else if (isOn(first, 'BR2_LINUX_KERNEL_LATEST_VERSION') || isOn(first, 'BR2_LINUX_KERNEL_CUSTOM_VERSION')) {
    turnOn('BR2_KERNEL_HEADERS_VERSION');
    copy('BR2_LINUX_KERNEL_VERSION', 'BR2_DEFAULT_KERNEL_VERSION');
  } else {
    throw new Failure({
      code: 'toolchain-not-shared',
      message: 'a toolchain with the headers of this kernel cannot be shared',
      cause: `the kernel is ${stringOf(first, 'BR2_LINUX_KERNEL_VERSION')}, and its headers come from where it does`,
      hint: 'choose headers in a layer (BR2_KERNEL_HEADERS_…=y), or write toolchain: own under buildroot: in coracle.yaml',
    });
  }
  const series = stringOf(first, 'BR2_TOOLCHAIN_HEADERS_AT_LEAST').replace('.', '_');
  turnOn(`BR2_PACKAGE_HOST_LINUX_HEADERS_CUSTOM_${series}`);
  return result;
}

export function isOn(config: DotConfig, symbol: string): boolean {
  const value = config.get(symbol);
  return value?.kind === 'tristate' && value.value === 'y';
}

/** Empty if it is not there. */
export function stringOf(config: DotConfig, symbol: string): string {
  const value = config.get(symbol);
  return value?.kind === 'string' ? value.value : '';
}
