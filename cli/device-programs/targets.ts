/** What differs between the architectures when programs are linked statically: target, linker, C library. */
import { existsSync } from 'node:fs';
import { Failure } from '../failure.ts';
import { findProgram, type Host } from '../host/this-host.ts';
import type { Architecture } from '../layers/layer.ts';

export interface Target {
  /** As Rust calls it. */
  readonly triple: string;
  readonly linker: string;
  /** libc.a, which becomes a part of every program. */
  readonly libc: string;
}

const NAMES: Readonly<Record<Architecture, { readonly gnu: string; readonly triple: string }>> = {
  x86_64: { gnu: 'x86_64-linux-gnu', triple: 'x86_64-unknown-linux-gnu' },
  arm64: { gnu: 'aarch64-linux-gnu', triple: 'aarch64-unknown-linux-gnu' },
};

export function targetTriple(arch: Architecture): string {
  return NAMES[arch].triple;
}

/** @throws Failure `host-packages-missing` */
export function findTarget(arch: Architecture, host: Host): Target {
  const { gnu, triple } = NAMES[arch];
  const native = host.arch === arch;
  const program = native ? 'gcc' : `${gnu}-gcc`;
  const linker = findProgram(host, program);
  if (linker === undefined) throw missing(arch, `the linker ${program}`);
  const places = native
    ? [`/usr/lib/${gnu}/libc.a`, '/usr/lib64/libc.a', '/usr/lib/libc.a']
    : [`/usr/${gnu}/lib/libc.a`];
  const libc = places.find((path) => existsSync(path));
  if (libc === undefined) throw missing(arch, `the static C library (${places[0]})`);
  return { triple, linker, libc };
}

export function missing(arch: Architecture, what: string, cause?: string): Failure {
  return new Failure({
    code: 'host-packages-missing',
    message: `the programs for ${arch} devices cannot be compiled: this machine lacks ${what}`,
    cause,
    hint: `coracle doctor --for build-${arch} says which packages are missing, and --fix installs them`,
  });
}
