/**
 * Rust's standard library for another architecture, where Debian's compiler is here without it. The package is fetched by
 * the private apt and unpacked into the cache: nothing of the machine changes, and no foreign architecture is added to
 * its dpkg.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FetchOptions, resolveHostRelease } from '../engines/debian/apt/host-release.ts';
import { debianArchitecture } from '../engines/debian/apt/private-apt.ts';
import { Failure } from '../failure.ts';
import { writingCache } from '../host/cache-writes.ts';
import { temporaryBeside } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import { runCommand } from '../host/process.ts';
import type { RustToolchain } from '../host/rust-toolchain.ts';
import type { Architecture } from '../layers/layer.ts';
import { targetTriple } from './targets.ts';

/** The package that the compiler's own standard library is from. */
interface LibraryPackage {
  readonly name: string;
  readonly version: string;
}

/**
 * A sysroot that has the standard library for `arch` and nothing else, which is all that a compiler needs to be given.
 *
 * @throws Failure `offline`, `rust-library-differs`, and those of the private apt
 */
export async function foreignSysroot(
  arch: Architecture,
  toolchain: RustToolchain,
  options: FetchOptions,
): Promise<string> {
  const wanted = await libraryPackage(toolchain);
  const architecture = debianArchitecture(arch);
  const name = `${wanted.name}_${wanted.version.replaceAll(/[^\w.+~-]/g, '-')}_${architecture}`;
  const directory = join(options.cache, 'rust-sysroot', name);
  const sysroot = join(directory, 'usr');
  if (existsSync(sysroot)) return sysroot;
  const lock = { what: 'the standard library of Rust', purpose: `fetching ${name}`, signal: options.signal };
  await using _ = await writingCache(options.cache, () => takeLock(`${directory}.lock`, lock));
  if (existsSync(sysroot)) return sysroot;
  const archive = await fetchLibrary(wanted, arch, options);
  await writingCache(options.cache, () => unpackInto(directory, archive, options));
  if (existsSync(join(sysroot, 'lib/rustlib', targetTriple(arch), 'lib'))) return sysroot;
  throw new Error(`${wanted.name} ${wanted.version} has no library for ${arch}`);
}

async function unpackInto(directory: string, archive: string, options: FetchOptions): Promise<void> {
  const temporary = temporaryBeside(directory);
  try {
    await mkdir(temporary, { recursive: true });
    await runCommand({ argv: ['dpkg-deb', '-x', archive, temporary], cwd: temporary, ...childOptions(options) });
    await rename(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function libraryPackage(toolchain: RustToolchain): Promise<LibraryPackage> {
  const own = process.arch === 'arm64' ? targetTriple('arm64') : targetTriple('x86_64');
  const directory = join(toolchain.sysroot, 'lib/rustlib', own, 'lib');
  const query = async (...argv: readonly string[]): Promise<string> =>
    (await runCommand({ argv: ['dpkg-query', ...argv], cwd: '/', stdout: 'capture' })).stdout;
  const owner = (await query('-S', join(directory, 'libstd-*.rlib'))).split(': ')[0] ?? '';
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format is dpkg-query's
  const [name = '', version = ''] = (await query('-W', '-f', '${Package} ${Version}', owner)).split(' ');
  return { name, version };
}

async function fetchLibrary(wanted: LibraryPackage, arch: Architecture, options: FetchOptions): Promise<string> {
  const what = `Rust's standard library for ${arch} (${wanted.name} ${wanted.version})`;
  const { packages, fetch } = await resolveHostRelease(what, [wanted.name], arch, options);
  const [library] = packages;
  if (library === undefined) throw new Error(`apt knows no ${wanted.name}`);
  if (library.version !== wanted.version) {
    throw new Failure({
      code: 'rust-library-differs',
      message: `this machine's Rust is of ${wanted.name} ${wanted.version}, and Debian now has ${library.version}`,
      cause: 'a compiler takes the standard library of its own build only',
      hint: 'bring the machine up to date: apt-get update && apt-get install rustc-web cargo-web',
    });
  }
  await fetch();
  return library.file;
}

function childOptions({ log, signal }: FetchOptions) {
  return { signal, ...(log === undefined ? {} : { log }) };
}
