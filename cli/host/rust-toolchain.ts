/**
 * Which Rust compiles the programs for the device: the first compiler on this machine that is recent enough and has
 * the standard library for the target. A machine often has two, its distribution's and one of rustup. Debian's will do
 * without that library too: the build fetches the one that belongs to it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from './process.ts';
import { findProgram, type Host } from './this-host.ts';

export interface RustToolchain {
  readonly rustc: string;
  readonly cargo: string;
  /** `1.96.0`. */
  readonly version: string;
  /** All that it says of itself: the same version from two makers gives different programs. */
  readonly release: string;
  readonly sysroot: string;
  /** False: the standard library for the target is not here, but Debian has the one for this compiler. */
  readonly hasTarget: boolean;
}

/** What the sources of device/ say that they need (`rust-version`). */
export function requiredRust(installation: string): string {
  let text = '';
  try {
    text = readFileSync(join(installation, 'device/Cargo.toml'), 'utf8');
  } catch {
    // Nothing to compile yet: any Rust will do.
  }
  return /^rust-version\s*=\s*"([\d.]+)"/m.exec(text)?.[1] ?? '1.0';
}

/** The compiler to use, or undefined if none fits. Starts each candidate twice, some 30 ms in all. */
export async function findRust(host: Host, target: string, atLeast: string): Promise<RustToolchain | undefined> {
  let second: RustToolchain | undefined;
  for (const directory of host.path) {
    const here: Host = { ...host, path: [directory] };
    const rustc = findProgram(here, 'rustc');
    const cargo = findProgram(here, 'cargo');
    if (rustc === undefined || cargo === undefined) continue;
    const found = await ask(rustc, cargo, target);
    if (found === undefined || !isAtLeast(found.version, atLeast)) continue;
    if (found.hasTarget) return found;
    if (isDebianRust(host, found)) second ??= found;
  }
  return second;
}

async function ask(rustc: string, cargo: string, target: string): Promise<RustToolchain | undefined> {
  const options = { cwd: dirname(rustc), stdout: 'capture', timeoutMs: 20_000 } as const;
  try {
    const [version, sysroot] = await Promise.all([
      runCommand({ argv: [rustc, '--version'], ...options }),
      runCommand({ argv: [rustc, '--print', 'sysroot'], ...options }),
    ]);
    const release = version.stdout.trim();
    const number = /^rustc (\d+\.\d+\.\d+)/.exec(release)?.[1];
    if (number === undefined) return undefined;
    const root = sysroot.stdout.trim();
    const hasTarget = existsSync(join(root, 'lib/rustlib', target, 'lib'));
    return { rustc, cargo, version: number, release, sysroot: root, hasTarget };
  } catch {
    // rustup's placeholder without a toolchain fails; that is the same as no compiler.
    return undefined;
  }
}

/** Whether dpkg installed it, so that the archive has the libraries of the same build. */
function isDebianRust(host: Host, { sysroot }: RustToolchain): boolean {
  if (sysroot !== join(host.root, 'usr')) return false;
  try {
    const installed = readdirSync(join(host.root, 'var/lib/dpkg/info'));
    return installed.some((name) => /^libstd-rust(-\w+)?-dev(:\w+)?\.list$/.test(name));
  } catch {
    return false;
  }
}

/** Compares dotted numbers; missing parts are 0. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (have?.[part] ?? 0) - (want?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
