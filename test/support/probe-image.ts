/**
 * The image that coracle-init is tried with: built by the real program from test/fixtures/init-probe, whose init says on
 * the console what it found and powers off.
 */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../cli/image/manifest.ts';
import type { Architecture } from '../../cli/layers/layer.ts';
import { cacheDirectory } from '../../cli/workspace/cache-directory.ts';
import { coracle } from './coracle.ts';

export interface ProbeImage {
  readonly arch: Architecture;
  readonly manifest: Manifest;
  readonly kernel: string;
  readonly initramfs: string;
  readonly disk: string;
}

/** Why there can be no image here, as a sentence. */
export interface NoImage {
  readonly reason: string;
}

const FIXTURE = join(import.meta.dirname, '../fixtures/init-probe');

/** Takes the packages from the developer's own cache, or puts them there. */
export async function buildProbeImage(directory: string, arch: Architecture): Promise<ProbeImage | NoImage> {
  cpSync(FIXTURE, directory, { recursive: true });
  const workspace = arch === 'x86_64' ? 'probe' : 'probe-arm64';
  const ran = await coracle(directory, ['build', workspace], { CORACLE_CACHE: cacheDirectory(process.env) });
  if (ran.exitCode !== 0) {
    if (/mirror|network|host-packages-missing|lacks/.test(ran.stderr)) return { reason: ran.stderr.trim() };
    throw new Error(`building the probe image failed:\n${ran.stderr}`);
  }
  const stages = join(directory, 'workspaces', workspace, 'stages');
  const slot = join(stages, 'slot');
  return {
    arch,
    manifest: JSON.parse(readFileSync(join(slot, 'manifest.json'), 'utf8')) as Manifest,
    kernel: join(slot, 'kernel'),
    initramfs: join(slot, 'initramfs'),
    disk: join(stages, 'disk/disk.img'),
  };
}
