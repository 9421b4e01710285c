/**
 * A stand-in for the packages of Buildroot's internal toolchain, where their sources are out of reach: a makefile for
 * BR2_PACKAGE_OVERRIDE_FILE by which Buildroot, asked for a toolchain of its own, "builds" one that calls a ready one. All
 * else, from the configuration to `make sdk`, is Buildroot's own.
 */
import type { Architecture } from '../../cli/layers/layer.ts';

const PARTS = [
  ...['HOST_BINUTILS', 'HOST_GCC_INITIAL', 'HOST_GCC_FINAL', 'HOST_GMP', 'HOST_MPFR', 'HOST_MPC'],
  ...['GCC_FINAL', 'MUSL', 'LINUX_HEADERS'],
];

const STEPS = ['PRE_RSYNC', 'POST_RSYNC', 'PRE_PATCH', 'POST_PATCH', 'POST_PREPARE', 'PRE_CONFIGURE', 'POST_CONFIGURE']
  .concat(['PRE_BUILD', 'POST_BUILD', 'PRE_INSTALL', 'POST_INSTALL', 'POST_INSTALL_STAGING', 'POST_INSTALL_TARGET'])
  .map((step) => `${step}_HOOKS`);
const COMMANDS = ['CONFIGURE', 'BUILD', 'INSTALL', 'INSTALL_STAGING', 'INSTALL_TARGET'].map((name) => `${name}_CMDS`);
const DEPENDENCIES = ['DOWNLOAD', 'EXTRACT', 'PATCH'].map((name) => `${name}_DEPENDENCIES`);

export interface StandIn {
  readonly arch: Architecture;
  /** A toolchain directory: `bin/<prefix>-gcc`, `sysroot/`. */
  readonly directory: string;
  /** `x86_64-linux-musl` */
  readonly prefix: string;
  /** A directory with nothing in it. */
  readonly empty: string;
}

/** A makefile; a line `built` is appended to `record` for each toolchain that it makes. */
export function standInToolchain({ arch, directory, prefix, empty }: StandIn, record: string): string {
  const short = { x86_64: 'x86_64', arm64: 'aarch64' }[arch];
  const nothing = PARTS.flatMap((part) => [
    `override ${part}_OVERRIDE_SRCDIR := ${empty}`,
    `override ${part}_LICENSE_FILES :=`,
    `override ${part}_DEPENDENCIES := ${part === 'GCC_FINAL' ? 'host-gcc-final musl linux-headers' : ''}`,
    ...[...DEPENDENCIES, ...STEPS].map((name) => `override ${part}_${name} :=`),
    ...COMMANDS.filter((name) => !MADE.has(`${part}_${name}`)).map((name) => `override ${part}_${name} :=`),
  ]);
  return [
    ...nothing,
    'override define HOST_GCC_FINAL_INSTALL_CMDS',
    `\techo built >>${record}`,
    '\tmkdir -p $(HOST_DIR)/bin',
    `\tfor tool in ${directory}/bin/${prefix}-*; do \\`,
    `\t\tname="$$(basename "$$tool" | sed 's/^${prefix}-//')"; \\`,
    // It answers as the version that it stands for.
    `\t\tprintf '#!/bin/sh\\ncase $$1 in -dumpversion) echo %s; exit;; esac\\nexec %s "$$@"\\n' \\`,
    '\t\t\t$(BR2_GCC_VERSION) "$$tool" >$(HOST_DIR)/bin/$(GNU_TARGET_NAME)-$$name; \\',
    '\t\tchmod +x $(HOST_DIR)/bin/$(GNU_TARGET_NAME)-$$name; \\',
    `\t\tln -sf $(GNU_TARGET_NAME)-$$name $(HOST_DIR)/bin/${short}-linux-$$name; \\`,
    '\tdone',
    'endef',
    'override define MUSL_INSTALL_STAGING_CMDS',
    `\tcp -a ${directory}/sysroot/. $(STAGING_DIR)/`,
    'endef',
    '',
  ].join('\n');
}

const MADE = new Set(['HOST_GCC_FINAL_INSTALL_CMDS', 'MUSL_INSTALL_STAGING_CMDS']);
