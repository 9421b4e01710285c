/** Symbols that Coracle sets itself, from what layers hold besides fragments: a menu shows them, and cannot change them. */
import { Failure, throwAny } from '../../../failure.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import { sameValue } from '../../../kconfig/value.ts';
import { describeValue } from '../configure/check-request.ts';
import type { Configured } from './configuration-menu.ts';

/** What the user means belongs there. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/^BR2_ROOTFS_OVERLAY$/, 'files of the root belong into root_overlay/ of a layer'],
  [/^BR2_ROOTFS_USERS_TABLES$/, 'accounts belong into users/ of a layer'],
  [/_CONFIG_FRAGMENT_FILES$/, 'fragments belong into kernel/, uboot/ or busybox/ of a layer'],
  [/^BR2_LINUX_KERNEL_PATCH$/, 'patches of the kernel belong into kernel_patches/ of a layer'],
  [/^BR2_TARGET_UBOOT_PATCH$/, 'patches of U-Boot belong into uboot_patches/ of a layer'],
  [/^BR2_GLOBAL_PATCH_DIR$/, 'patches of packages belong into buildroot_patches/ of a layer'],
  [/^BR2_ROOTFS_POST_/, 'scripts belong into hooks/ of a layer: post-build, post-fakeroot, post-image'],
  [/^BR2_TARGET_OPTIMIZATION$/, 'flags of the compiler belong into cflags/ of a layer'],
  [/^BR2_PRIMARY_SITE$/, 'the mirror is buildroot: {mirror: …} of the workspace in coracle.yaml'],
  [/^BR2_TARGET_ROOTFS_TAR/, 'the image is made from this archive; others can be made besides'],
];

/**
 * @param before what the menu showed
 * @param after what Coracle sets once the user's changes are asked for: what it set by default only is theirs then
 * @throws Failure `symbol-of-coracle`, all at once
 */
export function refuseOwnSymbols(before: Configured, after: Configured, saved: DotConfig): void {
  const failures = after.own.flatMap(({ symbol, value, why }) => {
    const was = before.own.find((one) => one.symbol === symbol);
    // What was not set before was not there to be changed.
    if (was === undefined || sameValue(saved.get(symbol), before.final.get(symbol))) return [];
    return [
      new Failure({
        code: 'symbol-of-coracle',
        message: `${symbol} cannot be changed in the menu: Coracle sets it to ${describeValue(value)}`,
        cause: why,
        hint: PLACES.find(([pattern]) => pattern.test(symbol))?.[1],
      }),
    ];
  });
  throwAny(failures);
}
