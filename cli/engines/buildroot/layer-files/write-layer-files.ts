/**
 * Puts the planned layer files into their place. A file with the same content is left alone, time stamp and all, because
 * Buildroot's makefiles rebuild what is older than its fragments.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { IMAGE_TIME } from '../../../rootfs/image-time.ts';
import { materialise } from '../../../rootfs/materialise.ts';
import { type BuildPlaces, LAYER_FILES } from '../build-places.ts';
import type { LayerFilesPlan } from './plan-layer-files.ts';

export async function writeLayerFiles(plan: LayerFilesPlan, places: BuildPlaces, signal: AbortSignal): Promise<void> {
  const { layers } = places;
  await mkdir(layers, { recursive: true });
  const overlay = join(layers, LAYER_FILES.overlay);
  for (const path of await filesBelow(layers)) {
    const name = relative(layers, path);
    if (!plan.files.has(name) && !name.startsWith(`${LAYER_FILES.overlay}/`)) await rm(path);
  }
  for (const [name, { data, executable }] of plan.files) {
    const path = join(layers, name);
    const wanted = Buffer.from(data);
    const there = await readFile(path).catch(() => undefined);
    if (there?.equals(wanted) !== true) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, wanted);
    }
    await chmod(path, executable === true ? 0o755 : 0o644);
  }
  await writeOverlay(plan, overlay, signal);
}

/** Made anew as a whole: Buildroot copies it as a whole, too. */
async function writeOverlay(plan: LayerFilesPlan, overlay: string, signal: AbortSignal): Promise<void> {
  const [fresh, old] = [`${overlay}.new`, `${overlay}.old`];
  for (const path of [fresh, old]) await rm(path, { recursive: true, force: true });
  if (plan.overlay !== undefined) await materialise(plan.overlay, fresh, { mtime: IMAGE_TIME, signal });
  if (existsSync(overlay)) await rename(overlay, old);
  if (plan.overlay !== undefined) await rename(fresh, overlay);
  await rm(old, { recursive: true, force: true });
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
