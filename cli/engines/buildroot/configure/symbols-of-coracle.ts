/**
 * Every symbol of Buildroot that Coracle itself assigns, beside those that describe a toolchain (BR2_TOOLCHAIN_EXTERNAL and what
 * begins with it): how, and where a layer says the same in its own words. docs/buildroot-engine.md has the same list.
 */
export interface SymbolOfCoracle {
  /**
   * - `sets`: whatever layers ask for
   * - `adds to`: what layers hold goes behind what their fragments ask for
   * - `default`: unless a layer asks for something
   */
  readonly how: 'sets' | 'adds to' | 'default';
  /** What a user means belongs there. */
  readonly instead?: string;
}

const HOOKS = 'scripts belong into hooks/ of a layer: post-build, post-fakeroot, post-image';
const FRAGMENTS = 'fragments belong into kernel/, uboot/ or busybox/ of a layer';

export const SYMBOLS_OF_CORACLE = {
  BR2_x86_64: { how: 'default' },
  BR2_aarch64: { how: 'default' },
  BR2_REPRODUCIBLE: { how: 'default' },
  BR2_CCACHE: { how: 'default' },
  BR2_PACKAGE_CORACLE_OCI: { how: 'default' },
  BR2_PACKAGE_CORACLE_OCI_AGENT: { how: 'default' },
  BR2_TARGET_ROOTFS_TAR: { how: 'sets', instead: 'the image is made from this archive; others can be made besides' },
  BR2_TARGET_ROOTFS_TAR_NONE: {
    how: 'sets',
    instead: 'the image is made from this archive; others can be made besides',
  },
  BR2_PRIMARY_SITE: {
    how: 'sets',
    instead: 'the mirror is buildroot: {mirror: …} of the workspace in coracle.yaml',
  },
  BR2_PACKAGE_OVERRIDE_FILE: { how: 'adds to' },
  BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES: { how: 'adds to', instead: FRAGMENTS },
  BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES: { how: 'adds to', instead: FRAGMENTS },
  BR2_PACKAGE_BUSYBOX_CONFIG_FRAGMENT_FILES: { how: 'adds to', instead: FRAGMENTS },
  BR2_LINUX_KERNEL_PATCH: { how: 'adds to', instead: 'patches of the kernel belong into kernel_patches/ of a layer' },
  BR2_TARGET_UBOOT_PATCH: { how: 'adds to', instead: 'patches of U-Boot belong into uboot_patches/ of a layer' },
  BR2_GLOBAL_PATCH_DIR: { how: 'adds to', instead: 'patches of packages belong into buildroot_patches/ of a layer' },
  BR2_ROOTFS_OVERLAY: { how: 'adds to', instead: 'files of the root belong into root_overlay/ of a layer' },
  BR2_ROOTFS_USERS_TABLES: { how: 'adds to', instead: 'accounts belong into users/ of a layer' },
  BR2_ROOTFS_POST_BUILD_SCRIPT: { how: 'adds to', instead: HOOKS },
  BR2_ROOTFS_POST_FAKEROOT_SCRIPT: { how: 'adds to', instead: HOOKS },
  BR2_ROOTFS_POST_IMAGE_SCRIPT: { how: 'adds to', instead: HOOKS },
  BR2_TARGET_OPTIMIZATION: { how: 'sets', instead: 'flags of the compiler belong into cflags/ of a layer' },
} as const satisfies Readonly<Record<string, SymbolOfCoracle>>;

export type OwnSymbol = keyof typeof SYMBOLS_OF_CORACLE;

/** Where a layer says in its own words what the symbol says; undefined for symbols that are not Coracle's. */
export function placeInLayer(symbol: string): string | undefined {
  const known: Readonly<Record<string, SymbolOfCoracle>> = SYMBOLS_OF_CORACLE;
  return known[symbol]?.instead;
}
