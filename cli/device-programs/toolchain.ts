/**
 * The Rust toolchain for an architecture. Asking compilers for their version takes longer than a build with nothing to
 * do may take, so the answer is remembered in the cache for as long as their files stay as they are.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeShortcut } from '../host/cache-writes.ts';
import { sha256 } from '../host/files.ts';
import { findRust, type RustToolchain, requiredRust } from '../host/rust-toolchain.ts';
import { findProgram, type Host, thisHost } from '../host/this-host.ts';
import type { Architecture } from '../layers/layer.ts';
import { missing, targetTriple } from './targets.ts';

interface Remembered {
  /** Of all that the answer depends on. */
  readonly stamp: string;
  readonly toolchain: RustToolchain;
}

export interface ToolchainOptions {
  readonly installation: string;
  readonly cache: string;
  readonly host?: Host;
}

/** @throws Failure `host-packages-missing` */
export async function rustToolchain(arch: Architecture, options: ToolchainOptions): Promise<RustToolchain> {
  const host = options.host ?? thisHost();
  const triple = targetTriple(arch);
  const required = requiredRust(options.installation);
  const memory = join(options.cache, 'device', `rust-${arch}.json`);
  const stamp = sha256(JSON.stringify([2, required, triple, ...candidates(host)]));
  const known = remembered(memory);
  const library = (sysroot: string): string => join(sysroot, 'lib/rustlib', triple, 'lib');
  if (known?.stamp === stamp && existsSync(library(known.toolchain.sysroot)) === known.toolchain.hasTarget) {
    return known.toolchain;
  }
  const found = await findRust(host, triple, required);
  if (found === undefined) throw missing(arch, `Rust ${required} or later with the standard library for ${triple}`);
  const toolchain = withoutProxies(found);
  await writeShortcut(memory, JSON.stringify({ stamp, toolchain } satisfies Remembered));
  return toolchain;
}

/** rustup's programs in PATH only start the right ones; those are taken themselves. */
function withoutProxies(found: RustToolchain): RustToolchain {
  const own = (name: 'rustc' | 'cargo'): string => {
    const path = join(found.sysroot, 'bin', name);
    return existsSync(path) ? path : found[name];
  };
  return { ...found, rustc: own('rustc'), cargo: own('cargo') };
}

/** Every compiler in PATH by its file, and what rustup's choice hangs on. */
function candidates(host: Host): readonly string[] {
  const programs = host.path.flatMap((directory) =>
    ['rustc', 'cargo'].flatMap((name) => findProgram({ ...host, path: [directory] }, name) ?? []),
  );
  const rustup = process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup');
  return [...programs, join(rustup, 'settings.toml')].map(fileStamp).concat(process.env['RUSTUP_TOOLCHAIN'] ?? '');
}

function fileStamp(path: string): string {
  try {
    const real = realpathSync(path);
    const { size, mtimeMs } = statSync(real);
    return `${path} ${real} ${size} ${mtimeMs}`;
  } catch {
    return `${path} is not there`;
  }
}

function remembered(path: string): Remembered | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Remembered;
  } catch {
    // Only a shortcut: without it the compilers are asked.
    return undefined;
  }
}
