/**
 * What Coracle needs of the machine that it runs on: one table, program or file → Debian package → why, for which
 * purpose. `coracle doctor` prints it, `coracle doctor --fix` installs from it, and the reference page lists it.
 *
 * A program that any part of Coracle starts belongs here, unless it is a part of every Debian (tar, nice, setpriv); what
 * Node itself can do (zstd, gzip, cpio) does not.
 */
import { BUILDROOT_TOOLS, type BuildrootTool, libraryFiles } from './buildroot-tools.ts';
import { gnuTriplet, type HostArchitecture } from './this-host.ts';

/** What somebody wants to do. A purpose needs what the purposes that it includes need, too. */
export const PURPOSES = [
  'build',
  'build-arm64',
  'build-x86_64',
  'kernel-source',
  'scripts-run',
  'buildroot',
  'buildroot-machine',
  'menuconfig',
  'run-x86_64',
  'run-arm64',
  'firmware',
  'test',
] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Images of whatever architecture are made by the same programs, and the native compiler is in `build` alone. */
const INCLUDED: Readonly<Partial<Record<Purpose, readonly Purpose[]>>> = {
  'build-arm64': ['build'],
  'build-x86_64': ['build'],
  'buildroot-machine': ['buildroot'],
};

/** What `coracle doctor --for` takes besides single purposes. */
export const PURPOSE_GROUPS: Readonly<Record<'build' | 'run' | 'all', readonly Purpose[]>> = {
  build: ['build', 'build-arm64', 'build-x86_64'],
  run: ['run-x86_64', 'run-arm64', 'firmware'],
  all: PURPOSES,
};

export type Check =
  /** A program, looked for in PATH and the usual sbin directories. */
  | { readonly kind: 'program'; readonly name: string }
  /** Any of these files. */
  | { readonly kind: 'file'; readonly anyOf: readonly string[] }
  /** A Rust compiler with cargo, recent enough, with the standard library for a target or one that the build fetches. */
  | { readonly kind: 'rust'; readonly target: string };

export interface HostNeed {
  readonly name: string;
  readonly check: Check;
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  readonly why: string;
  readonly purposes: readonly Purpose[];
  /** Only on a machine of this architecture. */
  readonly host?: HostArchitecture;
}

export const X86_64_TARGET = 'x86_64-unknown-linux-gnu';
export const ARM64_TARGET = 'aarch64-unknown-linux-gnu';

/** Programs with the Debian packages that bring them. */
const BUILDROOT_REQUIRES: readonly (readonly [string, string])[] = [
  ...([
    ['which', 'debianutils'],
    ['sed', 'sed'],
    ['make', 'make'],
    ['ld', 'binutils'],
    ['gcc', 'gcc'],
    ['g++', 'g++'],
  ] as const),
  ...([
    ['bash', 'bash'],
    ['patch', 'patch'],
    ['gzip', 'gzip'],
    ['bzip2', 'bzip2'],
    ['xz', 'xz-utils'],
    ['perl', 'perl'],
  ] as const),
  ...([
    ['tar', 'tar'],
    ['cpio', 'cpio'],
    ['unzip', 'unzip'],
    ['rsync', 'rsync'],
    ['bc', 'bc'],
    ['cmp', 'diffutils'],
  ] as const),
  ...([
    ['find', 'findutils'],
    ['xargs', 'findutils'],
    ['awk', 'mawk'],
    ['wget', 'wget'],
    ['python3', 'python3'],
  ] as const),
];

const RUST = ['rustc-web', 'cargo-web'] as const;
const DEVICE_PROGRAMS: readonly Purpose[] = ['build'];

export const HOST_NEEDS: readonly HostNeed[] = [
  // Composing the root.
  program('apt-get', 'apt', 'finds and downloads the packages that an image is made of', ['build']),
  program('gpgv', 'gpgv', 'lets apt verify the signatures of package sources', ['build']),
  program('xz', 'xz-utils', 'unpacks the packages', ['build']),
  program('depmod', 'kmod', 'writes the list of kernel modules', ['build']),
  program('git', 'git', 'reads layers that live in git repositories, and the commit that a manifest names', ['build']),
  // Writing the image.
  program('tar2sqfs', 'squashfs-tools-ng', 'writes the root file system', ['build']),
  program('veritysetup', 'cryptsetup-bin', 'writes the hash tree that protects the root file system', ['build']),
  program('sfdisk', 'fdisk', 'writes the partition table of disk images', ['build']),
  program('mkfs.vfat', 'dosfstools', 'makes the boot partition', ['build']),
  program('mcopy', 'mtools', 'copies files into the boot partition without mounting it', ['build']),
  program('mke2fs', 'e2fsprogs', 'makes the persist partition', ['build']),
  // Compiling the programs that run on the device.
  program('gcc', 'gcc', 'links the programs that run on the device', DEVICE_PROGRAMS),
  {
    name: 'Rust',
    check: { kind: 'rust', target: X86_64_TARGET },
    packages: RUST,
    why: 'compiles the programs that run on the device',
    purposes: DEVICE_PROGRAMS,
    host: 'x86_64',
  },
  {
    name: 'Rust',
    check: { kind: 'rust', target: ARM64_TARGET },
    packages: RUST,
    why: 'compiles the programs that run on the device',
    purposes: DEVICE_PROGRAMS,
    host: 'arm64',
  },
  {
    name: 'static C library',
    check: { kind: 'file', anyOf: ['/usr/lib/x86_64-linux-gnu/libc.a', '/usr/lib64/libc.a', '/usr/lib/libc.a'] },
    packages: ['libc6-dev'],
    why: 'is linked into the programs that run before there is a root',
    purposes: DEVICE_PROGRAMS,
    host: 'x86_64',
  },
  {
    name: 'static C library',
    check: { kind: 'file', anyOf: ['/usr/lib/aarch64-linux-gnu/libc.a', '/usr/lib64/libc.a', '/usr/lib/libc.a'] },
    packages: ['libc6-dev'],
    why: 'is linked into the programs that run before there is a root',
    purposes: DEVICE_PROGRAMS,
    host: 'arm64',
  },
  // The same for the other architecture.
  {
    ...program('aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu', 'links device programs for arm64', ['build-arm64']),
    host: 'x86_64',
  },
  {
    name: 'static C library for arm64',
    check: { kind: 'file', anyOf: ['/usr/aarch64-linux-gnu/lib/libc.a'] },
    packages: ['libc6-dev-arm64-cross'],
    why: 'is linked into the programs of arm64 devices that run before there is a root',
    purposes: ['build-arm64'],
    host: 'x86_64',
  },
  {
    name: 'Rust for arm64',
    check: { kind: 'rust', target: ARM64_TARGET },
    packages: RUST,
    why: 'compiles the programs of arm64 devices',
    purposes: ['build-arm64'],
    host: 'x86_64',
  },
  {
    ...program('x86_64-linux-gnu-gcc', 'gcc-x86-64-linux-gnu', 'links device programs for x86_64', ['build-x86_64']),
    host: 'arm64',
  },
  {
    name: 'static C library for x86_64',
    check: { kind: 'file', anyOf: ['/usr/x86_64-linux-gnu/lib/libc.a'] },
    packages: ['libc6-dev-amd64-cross'],
    why: 'is linked into the programs of x86_64 devices that run before there is a root',
    purposes: ['build-x86_64'],
    host: 'arm64',
  },
  {
    name: 'Rust for x86_64',
    check: { kind: 'rust', target: X86_64_TARGET },
    packages: RUST,
    why: 'compiles the programs of x86_64 devices',
    purposes: ['build-x86_64'],
    host: 'arm64',
  },
  // Running an image.
  program('qemu-system-x86_64', 'qemu-system-x86', 'runs x86_64 images', ['run-x86_64']),
  program('qemu-system-aarch64', 'qemu-system-arm', 'runs arm64 images', ['run-arm64']),
  program('ssh', 'openssh-client', 'logs in to a running image', ['run-x86_64', 'run-arm64']),
  program('ssh-keygen', 'openssh-client', 'makes the key for that', ['run-x86_64', 'run-arm64']),
  {
    name: 'UEFI firmware for x86_64',
    check: { kind: 'file', anyOf: ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_CODE.fd'] },
    packages: ['ovmf'],
    why: 'boots x86_64 disk images the way a PC does (coracle run --firmware)',
    purposes: ['firmware'],
  },
  {
    name: 'UEFI firmware for arm64',
    check: { kind: 'file', anyOf: ['/usr/share/AAVMF/AAVMF_CODE.fd'] },
    packages: ['qemu-efi-aarch64'],
    why: 'boots arm64 disk images the way a server does (coracle run --firmware)',
    purposes: ['firmware'],
  },
  // Compiling a kernel (`kernel: source`).
  program('make', 'make', 'runs the build of the kernel', ['kernel-source']),
  program('flex', 'flex', 'is used by the build of the kernel', ['kernel-source']),
  program('bison', 'bison', 'is used by the build of the kernel', ['kernel-source']),
  program('bc', 'bc', 'is used by the build of the kernel', ['kernel-source']),
  program('perl', 'perl', 'is used by the build of the kernel', ['kernel-source']),
  program('patch', 'patch', 'applies the kernel patches of layers', ['kernel-source']),
  {
    name: 'libelf headers',
    check: { kind: 'file', anyOf: ['/usr/include/libelf.h'] },
    packages: ['libelf-dev'],
    why: 'are used by the build of the kernel (objtool)',
    purposes: ['kernel-source'],
  },
  {
    name: 'OpenSSL headers',
    check: { kind: 'file', anyOf: ['/usr/include/openssl/ssl.h'] },
    packages: ['libssl-dev'],
    why: 'are used by the build of the kernel (module signatures)',
    purposes: ['kernel-source'],
  },
  // Buildroot (support/dependencies/dependencies.sh and the chapter “System requirements” of its manual).
  ...BUILDROOT_REQUIRES.map(([name, debianPackage]) =>
    program(name, debianPackage, 'is what Buildroot expects of any machine', ['buildroot']),
  ),
  {
    name: 'file',
    // Where else it may be, Buildroot does not look.
    check: { kind: 'file', anyOf: ['/usr/bin/file'] },
    packages: ['file'],
    why: 'is what Buildroot expects of any machine',
    purposes: ['buildroot'],
  },
  // This machine's programs in place of Buildroot's host packages.
  ...BUILDROOT_TOOLS.flatMap(machineNeeds),
  // Running maintainer scripts (`scripts: run`).
  program('mmdebstrap', 'mmdebstrap', 'installs packages together with their scripts', ['scripts-run']),
  // Menus of Kconfig (`coracle menuconfig`), which are compiled from the tree.
  program('make', 'make', 'compiles the menus of Kconfig', ['menuconfig']),
  program('gcc', 'gcc', 'compiles the menus of Kconfig', ['menuconfig']),
  {
    name: 'ncurses headers',
    check: { kind: 'file', anyOf: ['/usr/include/ncurses.h'] },
    packages: ['libncurses-dev'],
    why: 'draw the menus of Kconfig on a terminal',
    purposes: ['menuconfig'],
  },
  // Tests that look at a result with somebody else's eyes (`coracle test`).
  program('crun', 'crun', 'makes the containers that coracle-oci-agent is tried with in tests of Coracle itself', [
    'test',
  ]),
  {
    name: 'static busybox',
    check: { kind: 'file', anyOf: ['/usr/share/doc/busybox-static'] },
    packages: ['busybox-static'],
    why: 'is all that is in containers of tests of Coracle itself',
    purposes: ['test'],
  },
  program('ping', 'iputils-ping', 'is run in a container in tests of Coracle itself', ['test']),
  program('busybox', 'busybox', 'runs the scripts of images in tests of Coracle itself', ['test']),
  program('conmon', 'conmon', 'runs containers by our runtime in tests of Coracle itself', ['test']),
  program('containerd', 'containerd', 'runs containers by our runtime in tests of Coracle itself', ['test']),
  program('cpio', 'cpio', 'reads an initramfs in tests of Coracle itself', ['test']),
  program('mount', 'mount', 'makes the small disks that tests of Coracle itself fill', ['test']),
  program('openssl', 'openssl', 'computes password hashes in tests of Coracle itself', ['test']),
  program('podman', 'podman', 'runs containers by our runtime in tests of Coracle itself', ['test']),
  program('python3', 'python3', 'types on a terminal in tests of Coracle itself', ['test']),
  program('readelf', 'binutils', 'reads programs in tests of Coracle itself', ['test']),
  program('strace', 'strace', 'kills our container runtime at each system call in tests of Coracle itself', ['test']),
  program('umoci', 'umoci', 'makes an image for containerd in tests of Coracle itself', ['test']),
];

/** The needs of some purposes, and of those that they include, on a machine of this architecture. */
export function needsFor(purposes: readonly Purpose[], host: HostArchitecture): readonly HostNeed[] {
  const wanted = purposes.flatMap((one) => [one, ...(INCLUDED[one] ?? [])]);
  return HOST_NEEDS.filter(
    (need) => (need.host === undefined || need.host === host) && need.purposes.some((one) => wanted.includes(one)),
  );
}

function program(name: string, debianPackage: string, why: string, purposes: readonly Purpose[]): HostNeed {
  return { name, check: { kind: 'program', name }, packages: [debianPackage], why, purposes };
}

function machineNeeds(tool: BuildrootTool): readonly HostNeed[] {
  const why = `can stand in for Buildroot's host-${tool.name}`;
  const rest = { packages: tool.packages, why, purposes: ['buildroot-machine'] as const };
  const gnu = [gnuTriplet('x86_64'), gnuTriplet('arm64')];
  const { directory } = tool;
  return [
    ...(tool.programs ?? []).map((name) => ({ name, check: { kind: 'program', name } as const, ...rest })),
    ...(tool.libraries ?? []).map((name) => ({
      name: `${name} (headers)`,
      check: { kind: 'file', anyOf: gnu.flatMap((one) => libraryFiles(name, one)) } as const,
      ...rest,
    })),
    ...(directory === undefined
      ? []
      : [
          {
            name: tool.name,
            check: { kind: 'file', anyOf: [`${directory.from}/${directory.with}`] } as const,
            ...rest,
          },
        ]),
  ];
}
