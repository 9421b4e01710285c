/**
 * A toolchain for Buildroot without building one: the machine's gcc and binutils, with musl and the kernel's headers from
 * Debian packages of the target's architecture, put together in a directory of the cache that Buildroot takes for a
 * preinstalled custom external toolchain (C only). For development builds; a release has Buildroot's own.
 *
 *     bin/x86_64-linux-musl-…   wrappers and links
 *     lib/musl.specs, lib/gcc/  what the wrappers hand to gcc
 *     share/queue.h             a header that musl has not and Buildroot would download
 *     sysroot/                  musl and the kernel's headers
 *     toolchain.json            of what it was made; written last but for the rename
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writingCache } from '../../../host/cache-writes.ts';
import { sha256, temporaryBeside } from '../../../host/files.ts';
import { takeLock } from '../../../host/lock.ts';
import { runCommand } from '../../../host/process.ts';
import { gnuTriplet, type Host, thisHost } from '../../../host/this-host.ts';
import type { Architecture } from '../../../layers/layer.ts';
import { type FetchOptions, resolveHostRelease } from '../../debian/apt/host-release.ts';
import { type MachineCompiler, machineCompiler } from './compiler.ts';
import { knownVersions, nearestHeaders } from './known-versions.ts';
import { BINUTILS, GCC_LIBRARIES, GCC_TOOLS, muslLoader, muslTriplet, SPECS, wrapper } from './toolchain-files.ts';

export interface MachineToolchainOptions extends FetchOptions {
  /** Top directory of the Buildroot whose symbols are wanted. */
  readonly tree: string;
  readonly host?: Host;
}

export interface MachineToolchain {
  readonly directory: string;
  /** Of all that it was made of. */
  readonly digest: string;
  /** For people and the manifest: `gcc 12`, `musl 1.2.3-1`, … */
  readonly parts: readonly string[];
  /** Lines of a Buildroot fragment that describe it. */
  readonly symbols: readonly string[];
  /** Lines for the makefile that BR2_PACKAGE_OVERRIDE_FILE names. */
  readonly overrides: string;
}

/** Changes with the layout of the directory. */
const FORMAT = 2;
/** The C library, its headers, the kernel's, and one header that musl has not. */
const PACKAGES = ['musl', 'musl-dev', 'linux-libc-dev', 'libc6-dev'] as const;

/** toolchain.json */
interface Contents {
  readonly compiler: string;
  readonly packages: readonly { readonly name: string; readonly version: string; readonly sha256: string }[];
  /** Of the kernel, major and minor. */
  readonly headers: readonly [number, number];
}

/** @throws Failure `host-packages-missing`, `compiler-unknown`, `not-buildroot`, `offline`, and those of the private apt */
export async function machineToolchain(
  arch: Architecture,
  options: MachineToolchainOptions,
): Promise<MachineToolchain> {
  const known = await knownVersions(options.tree);
  const { compiler, key, directory } = await locate(arch, known.gcc, options);
  const contents = (await readContents(directory)) ?? (await assembleOnce(directory, arch, compiler, options));
  const headers = nearestHeaders(known, contents.headers);
  return {
    directory,
    digest: sha256(JSON.stringify([key, contents])),
    parts: [contents.compiler, ...contents.packages.map(({ name, version }) => `${name} ${version}`)],
    symbols: symbols(arch, directory, compiler.major, headers ?? contents.headers),
    overrides: overrides(directory),
  };
}

/** Changes with this machine's compiler, and when the toolchain is not in the cache any more; asks the compiler. */
export async function machineToolchainState(arch: Architecture, options: MachineToolchainOptions): Promise<string> {
  const { gcc } = await knownVersions(options.tree);
  const { key, directory } = await locate(arch, gcc, options);
  return `${key} ${existsSync(directory) ? 'there' : 'gone'}`;
}

async function locate(arch: Architecture, gcc: readonly number[], { cache, host }: MachineToolchainOptions) {
  const compiler = await machineCompiler(arch, gcc, host ?? thisHost());
  const key = sha256(JSON.stringify([SPECS, wrapper(compiler.gcc, ''), arch, compiler.release, FORMAT])).slice(0, 32);
  return { compiler, key, directory: join(cache, 'buildroot', 'machine-toolchain', `${arch}-${key}`) };
}

function symbols(arch: Architecture, directory: string, gcc: number, headers: readonly [number, number]): string[] {
  return [
    'BR2_TOOLCHAIN_EXTERNAL=y',
    'BR2_TOOLCHAIN_EXTERNAL_CUSTOM=y',
    'BR2_TOOLCHAIN_EXTERNAL_PREINSTALLED=y',
    `BR2_TOOLCHAIN_EXTERNAL_PATH="${directory}"`,
    `BR2_TOOLCHAIN_EXTERNAL_CUSTOM_PREFIX="${muslTriplet(arch)}"`,
    `BR2_TOOLCHAIN_EXTERNAL_GCC_${gcc}=y`,
    `BR2_TOOLCHAIN_EXTERNAL_HEADERS_${headers.join('_')}=y`,
    'BR2_TOOLCHAIN_EXTERNAL_CUSTOM_MUSL=y',
    '# BR2_TOOLCHAIN_EXTERNAL_CXX is not set',
  ];
}

/** With musl Buildroot adds BSD's sys/queue.h, and would download it; its licence is not the one that it has a hash of. */
function overrides(directory: string): string {
  const queue = join(directory, 'share/queue.h').replaceAll('$', '$$$$');
  return [
    '# A header of this machine in place of a download.',
    'override MUSL_COMPAT_HEADERS_EXTRA_DOWNLOADS :=',
    'override MUSL_COMPAT_HEADERS_LICENSE_FILES := cdefs.h',
    'override define MUSL_COMPAT_HEADERS_EXTRACT_CMDS',
    `\t$(INSTALL) -m 0644 -D '${queue}' $(@D)/queue.h`,
    '\t$(INSTALL) -m 0644 -D $(MUSL_COMPAT_HEADERS_PKGDIR)/cdefs.h $(@D)/cdefs.h',
    'endef',
    '',
  ].join('\n');
}

async function readContents(directory: string): Promise<Contents | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, 'toolchain.json'), 'utf8')) as Contents;
  } catch {
    return undefined;
  }
}

async function assembleOnce(
  directory: string,
  arch: Architecture,
  compiler: MachineCompiler,
  options: MachineToolchainOptions,
): Promise<Contents> {
  const lock = {
    what: 'the toolchain of this machine',
    purpose: `putting it together for ${arch}`,
    signal: options.signal,
  };
  await using _ = await writingCache(options.cache, () => takeLock(`${directory}.lock`, lock));
  const made = await readContents(directory);
  if (made !== undefined) return made;
  const what = `the C library musl for ${arch}`;
  const { packages, fetch } = await resolveHostRelease(what, PACKAGES, arch, options);
  await fetch();
  const temporary = temporaryBeside(directory);
  const unpacked = join(temporary, 'unpacked');
  return writingCache(options.cache, async () => {
    try {
      await mkdir(unpacked, { recursive: true });
      for (const one of packages) {
        await runCommand({ argv: ['dpkg-deb', '-x', one.file, unpacked], cwd: temporary, ...childOptions(options) });
      }
      await makeSysroot(unpacked, temporary, arch);
      await makePrograms(temporary, directory, arch, compiler);
      await rm(unpacked, { recursive: true });
      const contents: Contents = {
        compiler: compiler.release,
        packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })),
        headers: await headersVersion(join(temporary, 'sysroot')),
      };
      await writeFile(join(temporary, 'toolchain.json'), JSON.stringify(contents, undefined, 2));
      // What is there without toolchain.json is nobody's.
      await rm(directory, { recursive: true, force: true });
      await rename(temporary, directory);
      return contents;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
}

async function makeSysroot(unpacked: string, to: string, arch: Architecture): Promise<void> {
  const musl = muslTriplet(arch);
  const gnu = gnuTriplet(arch);
  const usr = join(unpacked, 'usr');
  const include = join(to, 'sysroot/usr/include');
  const libraries = join(to, 'sysroot/usr/lib');
  await cp(join(usr, 'include', musl), include, { recursive: true });
  // The kernel's own; what is below a triplet is another C library's, but for asm/, which differs by architecture.
  for (const name of ['asm-generic', 'drm', 'linux', 'misc', 'mtd', 'rdma', 'scsi', 'sound', 'video', 'xen']) {
    const from = join(usr, 'include', name);
    if (existsSync(from) && !existsSync(join(include, name))) await cp(from, join(include, name), { recursive: true });
  }
  await cp(join(usr, 'include', gnu, 'asm'), join(include, 'asm'), { recursive: true, dereference: true });
  for (const name of await readdir(join(usr, 'lib', musl))) {
    if (/\.[ao]$/.test(name)) await cp(join(usr, 'lib', musl, name), join(libraries, name));
  }
  // Debian moved it from /lib to /usr/lib.
  const shared = [join(unpacked, 'lib', musl), join(usr, 'lib', musl)].find((place) =>
    existsSync(join(place, 'libc.so')),
  );
  // A copy in each of the two, since they are one where /usr is merged.
  for (const place of [join(to, 'sysroot/lib'), libraries])
    await cp(join(shared ?? unpacked, 'libc.so'), join(place, 'libc.so'));
  await symlink('libc.so', join(to, 'sysroot/lib', muslLoader(arch)));
  const queue = [join(usr, 'include', gnu), join(usr, 'include')].find((place) =>
    existsSync(join(place, 'sys/queue.h')),
  );
  await cp(join(queue ?? usr, 'sys/queue.h'), join(to, 'share/queue.h'));
}

/** @param directory where it will be once it is complete */
async function makePrograms(
  to: string,
  directory: string,
  arch: Architecture,
  compiler: MachineCompiler,
): Promise<void> {
  const prefix = join(to, 'bin', `${muslTriplet(arch)}-`);
  await mkdir(join(to, 'bin'));
  await mkdir(join(to, 'lib/gcc'), { recursive: true });
  await writeFile(join(to, 'lib/musl.specs'), SPECS);
  await writeFile(`${prefix}gcc`, wrapper(compiler.gcc, directory), { mode: 0o755 });
  await writeFile(`${prefix}cpp`, wrapper(compiler.cpp, directory), { mode: 0o755 });
  for (const name of [...BINUTILS, ...GCC_TOOLS]) {
    const program = compiler.tool(name);
    if (program !== undefined) await symlink(program, `${prefix}${name}`);
  }
  for (const name of GCC_LIBRARIES) {
    const library = join(compiler.libraries, name);
    if (existsSync(library)) await symlink(library, join(to, 'lib/gcc', name));
  }
}

/** LINUX_VERSION_CODE is major << 16 | minor << 8 | patch. */
async function headersVersion(sysroot: string): Promise<readonly [number, number]> {
  const text = await readFile(join(sysroot, 'usr/include/linux/version.h'), 'utf8');
  const code = Number(/LINUX_VERSION_CODE (\d+)/.exec(text)?.[1]);
  return [code >> 16, (code >> 8) & 0xff];
}

function childOptions({ log, signal }: FetchOptions) {
  return { signal, ...(log === undefined ? {} : { log }) };
}
