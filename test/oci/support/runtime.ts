/**
 * The runtime that tests of containers are about: the one of this checkout, compiled as it is for a device, or whichever
 * program CORACLE_OCI_RUNTIME names (`/usr/bin/crun`, to see what others make of the same tests).
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Runtime {
  readonly path: string;
  /** `coracle-oci`, `crun`, `runc` */
  readonly name: string;
}

const DEVICE = join(import.meta.dirname, '../../../device');

/** A reason where there is none. */
export function runtimeUnderTest(): Runtime | { readonly reason: string } {
  const named = process.env['CORACLE_OCI_RUNTIME'];
  if (named !== undefined && named !== '') return { path: named, name: basename(named) };
  if (!existsSync(join(DEVICE, 'coracle-oci', 'Cargo.toml'))) return { reason: 'there is no device/coracle-oci' };
  const target = process.env['CARGO_TARGET_DIR'] ?? join(DEVICE, 'target');
  try {
    const options = { cwd: DEVICE, stdio: 'pipe', encoding: 'utf8' } as const;
    execFileSync('cargo', ['build', '--profile', 'device', '--package', 'coracle-oci', '--locked', '--quiet'], options);
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') return { reason: 'cargo is not on this machine' };
    throw new Error(`coracle-oci does not compile: ${stderr ?? String(error)}`);
  }
  return { path: join(target, 'device', 'coracle-oci'), name: 'coracle-oci' };
}
