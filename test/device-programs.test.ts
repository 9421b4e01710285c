/** The real programs for the device by the real compiler: the same bytes wherever they are made, for both architectures. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { compileProgram } from '../cli/device-programs/compile.ts';
import { foreignSysroot } from '../cli/device-programs/standard-library.ts';
import { findTarget } from '../cli/device-programs/targets.ts';
import { rustToolchain } from '../cli/device-programs/toolchain.ts';
import { deviceSources } from '../cli/engines/device-sources.ts';
import { Failure } from '../cli/failure.ts';
import { thisHost } from '../cli/host/this-host.ts';
import type { Architecture } from '../cli/layers/layer.ts';
import { cacheDirectory } from '../cli/workspace/cache-directory.ts';
import { writeTree } from './support/files.ts';

const INSTALLATION = join(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'coracle device '));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const options = { installation: INSTALLATION, cache: cacheDirectory(process.env) };

/** Compiles in a place of its own; `sysroot` instead of the toolchain's. */
async function compile(arch: Architecture, place: string, sysroot?: string): Promise<Buffer> {
  const source = join(directory, place, 'source');
  const device = join(INSTALLATION, 'device');
  for (const path of deviceSources(device)) cpSync(join(device, path), join(source, path));
  const toolchain = await rustToolchain(arch, options);
  const target = findTarget(arch, thisHost());
  const scratch = join(directory, place, 'scratch');
  return readFileSync(
    await compileProgram('coracle-init', { toolchain, target, sysroot, source, scratch, offline: false }),
  );
}

/** What a machine lacks is no failure of the program. */
async function skipWithout<T>(context: TestContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const lacking = ['host-packages-missing', 'crates-unreachable', 'mirror-unreachable', 'rust-library-differs'];
    if (!(error instanceof Failure) || !lacking.includes(error.parts.code)) throw error;
    console.warn(`not tried: ${error.message}`);
    return context.skip(error.message);
  }
}

describe('coracle-init', { timeout: 300_000 }, () => {
  it('is static, small, and the same from any directory, under any configuration of cargo', async (context) => {
    const first = await skipWithout(context, () => compile('x86_64', 'a'));
    const other = 'another place, with "quotes" and ünïcode';
    writeTree(join(directory, other), {
      '.cargo/config.toml': `
        build.rustc-wrapper = "/no/such/wrapper"
        build.rustc-workspace-wrapper = "/no/such/wrapper"
        build.rustflags = ["-C", "opt-level=0"]
        profile.release = { opt-level = 3, panic = "unwind", debug = true, overflow-checks = true, strip = false }
      `,
    });
    const second = await compile('x86_64', other);
    expect(second.equals(first)).toBe(true);
    expect(first.length).toBeLessThan(2_000_000);
    // No PT_INTERP (3) among the program headers: nothing loads it but the kernel.
    const [offset, size, count] = [Number(first.readBigUInt64LE(32)), first.readUInt16LE(54), first.readUInt16LE(56)];
    const kinds = Array.from({ length: count }, (_, index) => first.readUInt32LE(offset + index * size));
    expect(kinds).not.toContain(3);
    for (const path of [directory, `${homedir()}/.`]) expect(first.includes(path)).toBe(false);
  });

  it('is the same with a standard library that was fetched', async (context) => {
    const arch = process.arch === 'arm64' ? 'x86_64' : 'arm64';
    const [program, toolchain] = await skipWithout(context, async () => {
      const found = await rustToolchain(arch, options);
      const sysroot = await foreignSysroot(arch, found, { cache: join(directory, 'cache'), offline: false });
      return [await compile(arch, 'fetched', sysroot), found] as const;
    });
    // EM_AARCH64, EM_X86_64
    expect(program.readUInt16LE(18)).toBe(arch === 'arm64' ? 183 : 62);
    if (toolchain.hasTarget) expect((await compile(arch, 'installed')).equals(program)).toBe(true);
  });
});
