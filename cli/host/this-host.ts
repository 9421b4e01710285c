/**
 * The machine that Coracle runs on, as data: where its programs are, its architecture, its distribution. A value, so
 * that tests can look at a made-up machine in a temporary directory.
 */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type HostArchitecture = 'x86_64' | 'arm64' | 'other';

export interface Host {
  /** Directories in which programs are looked for, first match wins. */
  readonly path: readonly string[];
  /** `/`, except in tests: where files of the system are looked for. */
  readonly root: string;
  readonly arch: HostArchitecture;
  readonly isRoot: boolean;
}

/** Debian gives ordinary users a PATH without these, and what makes file systems is in them. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The user's PATH, with the system's own directories after it. */
export function searchPath(): readonly string[] {
  const own = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  return [...new Set([...own, ...SYSTEM_DIRECTORIES])];
}

export function thisHost(): Host {
  return {
    path: searchPath(),
    root: '/',
    arch: process.arch === 'x64' ? 'x86_64' : process.arch === 'arm64' ? 'arm64' : 'other',
    isRoot: process.getuid?.() === 0,
  };
}

/** As the GNU tools call a machine, e.g. in the names of compilers and of Debian's directories of libraries. */
export function gnuTriplet(arch: Exclude<HostArchitecture, 'other'>): string {
  return { x86_64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[arch];
}

/** Absolute path of a program, or undefined. */
export function findProgram(host: Host, name: string): string | undefined {
  return host.path.map((directory) => join(directory, name)).find(isExecutable);
}

/** Name of the distribution, for people; whether apt can install things on it. */
export function distribution(host: Host): { readonly name: string; readonly debianLike: boolean } {
  let text = '';
  try {
    text = readFileSync(join(host.root, 'etc/os-release'), 'utf8');
  } catch {
    // A system that does not say what it is.
  }
  const field = (key: string): string | undefined =>
    new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] || undefined;
  const family = `${field('ID') ?? ''} ${field('ID_LIKE') ?? ''}`.split(' ');
  return {
    name: field('PRETTY_NAME') ?? 'an unknown system',
    debianLike: (family.includes('debian') || family.includes('ubuntu')) && findProgram(host, 'apt-get') !== undefined,
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
