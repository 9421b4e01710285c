/**
 * Rust's standard library for another architecture, where Debian's compiler is here without it. The package is fetched by
 * the private apt and unpacked into the cache: nothing of the machine changes, and no foreign architecture is added to
 * its dpkg.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadPath, fetchPackages } from '../engines/debian/apt/download.ts';
import { debianArchitecture, PrivateApt } from '../engines/debian/apt/private-apt.ts';
import { resolvePackages } from '../engines/debian/apt/resolve.ts';
import { archiveSources } from '../engines/debian/apt/sources.ts';
import { Failure } from '../failure.ts';
import { writingCache } from '../host/cache-writes.ts';
import { temporaryBeside } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import { runCommand } from '../host/process.ts';
import type { RustToolchain } from '../host/rust-toolchain.ts';
import type { Architecture } from '../layers/layer.ts';
import { targetTriple } from './targets.ts';

export interface FetchOptions {
  readonly cache: string;
  readonly offline: boolean;
  readonly log?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

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
  const { cache, offline, signal, log } = options;
  if (offline) {
    throw new Failure({
      code: 'offline',
      message: `Rust's standard library for ${arch} (${wanted.name} ${wanted.version}) is not in the cache, and --offline forbids to fetch it`,
      hint: 'build once with a network; the cache keeps what was fetched',
    });
  }
  const sources = await archiveSources({ suites: hostSuites() });
  const apt = await PrivateApt.open({ cache, arch, sources, log, signal });
  await apt.update();
  const packages = await resolvePackages(apt, {
    packages: [],
    assume: [],
    beside: [{ name: wanted.name }],
    tools: false,
  });
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
  await fetchPackages([library], { cache, offline, apt: async () => apt, signal });
  return downloadPath(cache, library.sha256);
}

/** The compiler is of the host's release, whatever the image is of. */
function hostSuites(): readonly string[] {
  const release = /^VERSION_CODENAME="?([\w-]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  return [release, `${release}-updates`, `${release}-security`];
}

function childOptions({ log, signal }: FetchOptions) {
  return { signal, ...(log === undefined ? {} : { log }) };
}
