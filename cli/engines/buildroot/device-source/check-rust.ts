/** Whether the Rust that Buildroot brings is recent enough for Coracle's own programs: asked before anything is built. */
import { Failure } from '../../../failure.ts';
import { isAtLeast } from '../../../host/rust-toolchain.ts';
import type { PackageInfos } from '../build/package-info.ts';

export interface RustCheck {
  /** For people: `2026.02.3`. */
  readonly release: string;
  /** What device/ needs. */
  readonly required: string;
  /** The machine's Rust stands in for Buildroot's ready-made one; cargo itself says if it is too old. */
  readonly fromMachine: boolean;
}

/** @throws Failure `rust-too-old` */
export function checkRust(packages: PackageInfos, { release, required, fromMachine }: RustCheck): void {
  const compilers = fromMachine ? ['host-rust'] : ['host-rust-bin', 'host-rust'];
  const version = compilers.map((name) => packages.get(name)?.version).find(Boolean);
  if (version === undefined || isAtLeast(version, required)) return;
  throw new Failure({
    code: 'rust-too-old',
    message: `Coracle's own programs need Rust ${required} or later, and Buildroot ${release} brings ${version}`,
    hint:
      'build with a later release of Buildroot; for development, buildroot: {hostTools: machine} takes the Rust of ' +
      'this machine',
  });
}
