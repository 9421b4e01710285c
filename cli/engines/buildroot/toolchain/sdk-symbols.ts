/**
 * How Buildroot is told of a toolchain that Buildroot made: as a custom external one, described symbol by symbol
 * (toolchain/toolchain-external/toolchain-external-custom/Config.in.options of a tree) from its own configuration.
 */
import type { Value } from '../../../kconfig/assignment.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import { NOT_SET } from '../../../kconfig/value.ts';
import type { OwnAssignment } from '../configure/own-assignment.ts';
import { isOn, stringOf } from './sdk-request.ts';

const C_LIBRARIES = ['GLIBC', 'MUSL', 'UCLIBC'] as const;

/** What it is called of an external toolchain → what an internal one turns on. */
const FEATURES: readonly (readonly [string, string])[] = [
  ['HAS_SSP', 'BR2_TOOLCHAIN_HAS_SSP'],
  ['HAS_SSP_STRONG', 'BR2_TOOLCHAIN_HAS_SSP_STRONG'],
  ['INET_RPC', 'BR2_TOOLCHAIN_HAS_NATIVE_RPC'],
  ['CXX', 'BR2_INSTALL_LIBSTDCPP'],
  ['DLANG', 'BR2_TOOLCHAIN_HAS_DLANG'],
  ['FORTRAN', 'BR2_TOOLCHAIN_HAS_FORTRAN'],
  ['OPENMP', 'BR2_TOOLCHAIN_HAS_OPENMP'],
];

/** Asked of uClibc only: the others always have them. */
const UCLIBC_FEATURES: readonly (readonly [string, string])[] = [
  ['WCHAR', 'BR2_USE_WCHAR'],
  ['LOCALE', 'BR2_ENABLE_LOCALE'],
  ['HAS_THREADS', 'BR2_TOOLCHAIN_HAS_THREADS'],
  ['HAS_THREADS_DEBUG', 'BR2_TOOLCHAIN_HAS_THREADS_DEBUG'],
  ['HAS_THREADS_NPTL', 'BR2_TOOLCHAIN_HAS_THREADS_NPTL'],
];

const WHY = 'the toolchain that workspaces share';

/**
 * @param sdk the toolchain's own configuration
 * @param url of its tarball
 */
export function externalToolchain(sdk: DotConfig, url: string): readonly OwnAssignment[] {
  const found: OwnAssignment[] = [];
  const set = (symbol: string, value: Value): void => void found.push({ symbol, value, why: WHY });
  const turn = (symbol: string, on: boolean): void => set(symbol, on ? { kind: 'tristate', value: 'y' } : NOT_SET);
  const library = C_LIBRARIES.find((one) => isOn(sdk, `BR2_TOOLCHAIN_USES_${one}`)) ?? 'GLIBC';
  turn('BR2_TOOLCHAIN_EXTERNAL', true);
  turn('BR2_TOOLCHAIN_EXTERNAL_CUSTOM', true);
  turn('BR2_TOOLCHAIN_EXTERNAL_DOWNLOAD', true);
  set('BR2_TOOLCHAIN_EXTERNAL_URL', { kind: 'string', value: url });
  // A link of that name is beside each program, whatever its vendor and C library.
  set('BR2_TOOLCHAIN_EXTERNAL_CUSTOM_PREFIX', { kind: 'string', value: `${stringOf(sdk, 'BR2_ARCH')}-linux` });
  const series = (symbol: string): string => stringOf(sdk, symbol).replace('.', '_');
  turn(`BR2_TOOLCHAIN_EXTERNAL_GCC_${series('BR2_TOOLCHAIN_GCC_AT_LEAST')}`, true);
  turn(`BR2_TOOLCHAIN_EXTERNAL_HEADERS_${series('BR2_TOOLCHAIN_HEADERS_AT_LEAST')}`, true);
  turn(`BR2_TOOLCHAIN_EXTERNAL_CUSTOM_${library}`, true);
  const features = library === 'UCLIBC' ? [...UCLIBC_FEATURES, ...FEATURES] : FEATURES;
  for (const [name, symbol] of features) turn(`BR2_TOOLCHAIN_EXTERNAL_${name}`, isOn(sdk, symbol));
  return found;
}
