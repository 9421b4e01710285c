/**
 * The machine's own programs and compiler in a real Buildroot: an image with one program of ours, from empty. Needs a
 * tree (CORACLE_BUILDROOT) and, the first time, Debian's archive; takes some 12 s of CPU for each architecture.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { machineHostPackages } from '../../cli/engines/buildroot/machine/host-packages.ts';
import { machineToolchain } from '../../cli/engines/buildroot/machine/toolchain.ts';
import { runCommand } from '../../cli/host/process.ts';
import { thisHost } from '../../cli/host/this-host.ts';
import type { Architecture } from '../../cli/layers/layer.ts';
import { CACHE } from '../support/small-project.ts';

const tree = process.env['CORACLE_BUILDROOT'];
const EXTERNAL = join(import.meta.dirname, '../fixtures/buildroot-external');
/** e_machine of elf(5). */
const MACHINES: Readonly<Record<Architecture, number>> = { x86_64: 62, arm64: 183 };
const SYMBOLS: Readonly<Record<Architecture, string>> = { x86_64: 'BR2_x86_64=y', arm64: 'BR2_aarch64=y' };
const IMAGE = [
  'BR2_INIT_NONE=y',
  'BR2_SYSTEM_BIN_SH_NONE=y',
  '# BR2_PACKAGE_BUSYBOX is not set',
  '# BR2_TARGET_ROOTFS_TAR is not set',
  'BR2_TARGET_ROOTFS_CPIO=y',
  'BR2_PACKAGE_TINY_INIT=y',
  'BR2_PACKAGE_TINY_INIT_GREETING="it runs"',
];

/** Buildroot takes no path with a space. */
function outputDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-buildroot-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function build(top: string, arch: Architecture): Promise<string> {
  const output = outputDirectory();
  const toolchain = await machineToolchain(arch, { tree: top, cache: CACHE.CORACLE_CACHE, offline: false });
  const emptyDirectory = join(output, 'empty');
  mkdirSync(emptyDirectory);
  const uses = ['host-fakeroot', 'host-patchelf', 'host-tar'];
  const { text } = machineHostPackages({ host: thisHost(), emptyDirectory, uses });
  writeFileSync(join(output, 'machine.mk'), text + toolchain.overrides);
  const asked = [
    SYMBOLS[arch],
    ...toolchain.symbols,
    ...IMAGE,
    `BR2_PACKAGE_OVERRIDE_FILE="${join(output, 'machine.mk')}"`,
    // Whatever would be downloaded makes the build fail.
    'BR2_PRIMARY_SITE="file:///nowhere"',
    'BR2_PRIMARY_SITE_ONLY=y',
  ];
  writeFileSync(join(output, '.config'), `${asked.join('\n')}\n`);
  const make = (...targets: string[]) =>
    runCommand({
      argv: ['make', '-s', '-C', top, `O=${output}`, `BR2_EXTERNAL=${EXTERNAL}`, ...targets],
      cwd: output,
      log: join(output, 'log'),
    });
  await make('olddefconfig');
  const configured = readFileSync(join(output, '.config'), 'utf8').split('\n');
  expect(asked.filter((line) => !line.startsWith('#') && !configured.includes(line))).toEqual([]);
  await make();
  return output;
}

for (const arch of ['x86_64', 'arm64'] as const) {
  it(`builds a small image for ${arch} and downloads nothing`, { timeout: 600_000 }, async (context) => {
    if (tree === undefined) return context.skip('CORACLE_BUILDROOT names no Buildroot');
    const output = await build(tree, arch);
    const init = join(output, 'target/sbin/init');
    expect(readFileSync(init).readUInt16LE(18)).toBe(MACHINES[arch]);
    expect(readdirSync(join(output, 'images'))).toEqual(['rootfs.cpio']);
    const built = readdirSync(join(output, 'build')).filter((name) => name.startsWith('host-'));
    const fromSource = ['host-makedevs', 'host-skeleton'];
    expect(built.filter((name) => !name.endsWith('-custom') && !fromSource.includes(name))).toEqual([]);
    if (thisHost().arch !== arch) return;
    const { stdout } = await runCommand({ argv: [init], cwd: output, stdout: 'capture' });
    expect(stdout).toBe('it runs\n');
  });
}
