/**
 * How far a symbol of Buildroot reaches that is not an option of a package. The classes were read off the makefiles of the
 * releases 2022.11 to 2026.02 (Makefile, package/Makefile.in, system/, fs/, toolchain/).
 */

/**
 * - `nothing`: where sources come from, how many jobs run
 * - `finish`: what make does at the end of each build anyway
 * - `target`: hooks that edit the target directory in place, where a second run on what the first one left is not the same
 * - `flags`: of the compiler, for all that is built for the target
 */
export type Reach = 'nothing' | 'finish' | 'target' | 'flags';

const CLASSES: readonly (readonly [RegExp, Reach])[] = [
  [
    /^BR2_(?:DL_DIR|PRIMARY_SITE(?:_ONLY)?|BACKUP_SITE|\w+_MIRROR|WGET|CURL|SVN|BZR|GIT|CVS|LOCALFILES|SCP|SFTP|HG)$/,
    'nothing',
  ],
  [
    /^BR2_(?:JLEVEL|CCACHE\w*|USE_CCACHE|DEFCONFIG|VERSION|BASE_DIR|EXTERNAL_\w+|HOST_GCC_\w+|HAVE_DOT_CONFIG)$/,
    'nothing',
  ],
  [/^BR2_(?:DOWNLOAD_FORCE_CHECK_HASHES|GRAPH_\w+|ZCAT|BZCAT|XZCAT|LZCAT|ZSTDCAT|TAR_OPTIONS)$/, 'nothing'],
  // Patches are compared file by file.
  [/^BR2_(?:GLOBAL_PATCH_DIR|PACKAGE_OVERRIDE_FILE)$/, 'nothing'],
  [/^BR2_ROOTFS_(?:OVERLAY|USERS_TABLES|DEVICE_TABLE|STATIC_DEVICE_TABLE|POST_\w+|PRE_BUILD_\w+)$/, 'finish'],
  [/^BR2_TARGET_ROOTFS_/, 'finish'],
  [/^BR2_TARGET_(?:GENERIC_\w+|ENABLE_ROOT_LOGIN|LOCALTIME|TZ_\w+)$/, 'target'],
  [/^BR2_SYSTEM_(?:DHCP|DEFAULT_PATH|BIN_SH\w*)$/, 'target'],
  [/^BR2_(?:ENABLE_LOCALE_\w+|STRIP_\w+)$/, 'target'],
  [/^BR2_(?:TARGET_OPTIMIZATION|TARGET_LDFLAGS|OPTIMIZE_\w+|ENABLE_DEBUG|ENABLE_RUNTIME_DEBUG|DEBUG_\d)$/, 'flags'],
  [/^BR2_(?:SSP_\w+|RELRO_\w+|FORTIFY_SOURCE_\w+|PIC_PIE|ENABLE_LTO)$/, 'flags'],
];

export function reachOf(symbol: string): Reach | undefined {
  return CLASSES.find(([pattern]) => pattern.test(symbol))?.[1];
}

/** Named by the makefiles that are for all packages, but only for tidying up at the end. */
export const TIDIED_AT_THE_END: ReadonlySet<string> = new Set([
  'BR2_PACKAGE_BASH',
  'BR2_PACKAGE_GDB',
  'BR2_PACKAGE_ZSH',
]);
