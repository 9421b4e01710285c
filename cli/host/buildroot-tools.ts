/**
 * What Buildroot builds for itself before it builds anything for a device, and a Debian machine has too: one table, host
 * package → programs and libraries → Debian packages. Which ones a build needs was found with `make show-info` of the
 * releases from 2022.11 to 2026.02, for images with and without kernel, BusyBox, dropbear, e2fsprogs and a cargo package.
 */

export interface BuildrootTool {
  /** Buildroot's name of the package, without `host-`. */
  readonly name: string;
  readonly programs?: readonly string[];
  /** Libraries, as pkg-config calls them: programs of the kernel's own build are linked with them. */
  readonly libraries?: readonly string[];
  /** A directory of files, as Buildroot's recipe would install it; it is there if it has the file `with`. */
  readonly directory?: { readonly from: string; readonly with: string; readonly to: string };
  /** Debian packages that bring all of them. */
  readonly packages: readonly string[];
  /** Steps after its installation that Buildroot's own recipe has and that are still wanted, e.g. a wrapper script. */
  readonly finishedByBuildroot?: true;
}

const GETTEXT: readonly string[] = ['msgfmt', 'msgmerge', 'xgettext', 'gettextize', 'autopoint'];

export const BUILDROOT_TOOLS: readonly BuildrootTool[] = [
  // Of every build.
  { name: 'fakeroot', programs: ['fakeroot'], packages: ['fakeroot'] },
  { name: 'patchelf', programs: ['patchelf'], packages: ['patchelf'] },
  { name: 'tar', programs: ['tar'], packages: ['tar'] },
  { name: 'pkgconf', programs: ['pkgconf'], packages: ['pkgconf'], finishedByBuildroot: true },
  // Of images with a users table.
  { name: 'mkpasswd', programs: ['mkpasswd'], packages: ['whois'] },
  // Of packages that make their configure script anew.
  { name: 'm4', programs: ['m4'], packages: ['m4'] },
  {
    name: 'autoconf',
    programs: ['autoconf', 'autoheader', 'autom4te', 'autoreconf', 'autoscan', 'autoupdate', 'ifnames'],
    packages: ['autoconf'],
  },
  {
    name: 'autoconf-archive',
    directory: { from: '/usr/share/aclocal', with: 'ax_pthread.m4', to: 'share/autoconf-archive' },
    packages: ['autoconf-archive'],
  },
  { name: 'automake', programs: ['automake', 'aclocal'], packages: ['automake'] },
  { name: 'libtool', programs: ['libtoolize'], packages: ['libtool'] },
  { name: 'gettext-tiny', programs: GETTEXT, packages: ['gettext', 'autopoint'] },
  { name: 'gettext-gnu', programs: GETTEXT, packages: ['gettext', 'autopoint'] },
  { name: 'bison', programs: ['bison', 'yacc'], packages: ['bison'] },
  { name: 'flex', programs: ['flex'], packages: ['flex'] },
  { name: 'gperf', programs: ['gperf'], packages: ['gperf'] },
  // Of the kernel.
  { name: 'kmod', programs: ['kmod', 'depmod', 'modinfo'], packages: ['kmod'] },
  { name: 'elfutils', libraries: ['libelf'], packages: ['libelf-dev'] },
  {
    name: 'libopenssl',
    programs: ['openssl'],
    libraries: ['openssl', 'libssl', 'libcrypto'],
    packages: ['libssl-dev', 'openssl'],
  },
  { name: 'lz4', programs: ['lz4'], packages: ['lz4'] },
  { name: 'lzop', programs: ['lzop'], packages: ['lzop'] },
  { name: 'xz', programs: ['xz', 'xzcat', 'unxz'], packages: ['xz-utils'] },
  { name: 'zstd', programs: ['zstd', 'unzstd', 'zstdcat'], packages: ['zstd'] },
  { name: 'bzip2', programs: ['bzip2', 'bunzip2', 'bzcat'], packages: ['bzip2'] },
  { name: 'ncurses', libraries: ['ncurses', 'ncursesw'], packages: ['libncurses-dev'] },
  { name: 'dtc', programs: ['dtc', 'fdtdump', 'fdtget', 'fdtput'], packages: ['device-tree-compiler'] },
  // Of file systems.
  { name: 'squashfs', programs: ['mksquashfs', 'unsquashfs'], packages: ['squashfs-tools'] },
  {
    name: 'e2fsprogs',
    programs: ['mke2fs', 'mkfs.ext2', 'mkfs.ext3', 'mkfs.ext4', 'e2fsck', 'tune2fs', 'debugfs', 'resize2fs'],
    packages: ['e2fsprogs'],
  },
  { name: 'util-linux', libraries: ['blkid', 'uuid'], packages: ['libblkid-dev', 'uuid-dev'] },
  { name: 'dosfstools', programs: ['mkfs.vfat', 'mkfs.fat', 'fsck.fat'], packages: ['dosfstools'] },
  { name: 'mtools', programs: ['mtools', 'mcopy', 'mmd', 'mdir'], packages: ['mtools'] },
  // Of packages that are built by them.
  { name: 'cmake', programs: ['cmake', 'ctest', 'cpack'], packages: ['cmake'] },
  { name: 'meson', programs: ['meson'], packages: ['meson'] },
  { name: 'ninja', programs: ['ninja'], packages: ['ninja-build'] },
  {
    name: 'rust-bin',
    programs: ['rustc', 'cargo', 'rustdoc'],
    packages: ['rustc-web', 'cargo-web'],
    finishedByBuildroot: true,
  },
];

/** Where pkg-config keeps what it knows of a library of this machine; `gnu` is e.g. x86_64-linux-gnu. */
export function libraryFiles(library: string, gnu: string): readonly string[] {
  return [`/usr/lib/${gnu}`, '/usr/lib64', '/usr/lib', '/usr/share'].map(
    (directory) => `${directory}/pkgconfig/${library}.pc`,
  );
}
