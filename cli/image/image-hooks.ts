/**
 * The moment `image`: layers' hooks see the files of the boot partition as a directory, and what they change in it is on
 * the disk. Only where a layer has such a hook are the files copied for it.
 */
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Failure } from '../failure.ts';
import { hooksAt } from '../hooks/hook-moments.ts';
import { runPlannedHook } from '../hooks/run-hook.ts';
import { sha256File } from '../host/files.ts';
import { IMAGE_TIME } from '../rootfs/image-time.ts';
import type { StageContext } from '../stages/stage.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import type { BootPartitionFile } from './boot-partition.ts';
import type { FileFacts } from './file-facts.ts';

/**
 * @param slot files that the manifest vouches for, by their paths on the partition
 * @returns the files as the hooks left them
 * @throws Failure `hook-changed-slot`, `not-for-fat`, and those of running hooks
 */
export async function runImageHooks(
  config: ResolvedConfig,
  context: StageContext,
  files: readonly BootPartitionFile[],
  slot: readonly FileFacts[],
): Promise<readonly BootPartitionFile[]> {
  const layers = config.layers.map(({ layer }) => layer);
  const hooks = hooksAt('image', layers, config.engine);
  if (hooks.length === 0) return files;
  const directory = join(context.scratch, 'boot');
  for (const { path, file } of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await copyFile(file, join(directory, path));
  }
  for (const hook of hooks) {
    await runPlannedHook('image', hook, {
      config,
      directory,
      workspaceDirectory: context.scratch,
      log: context.log,
      sourceDateEpoch: IMAGE_TIME,
      signal: context.signal,
    });
    await checkSlot(directory, slot, `hook ${hook.name} of ${hook.layer.name}`, hook.program);
  }
  return filesIn(directory);
}

async function checkSlot(directory: string, slot: readonly FileFacts[], who: string, program: string): Promise<void> {
  for (const { path, sha256 } of slot) {
    const now = await sha256File(join(directory, path)).catch(() => undefined);
    if (now === sha256) continue;
    throw new Failure({
      code: 'hook-changed-slot',
      message: `${who} ${now === undefined ? 'removed' : 'changed'} ${path}`,
      place: { file: program },
      cause: 'the manifest vouches for that file: a device would refuse the slot',
      hint: 'change what goes into the slot by a layer or a root hook, and with an image hook only what is beside slots/',
    });
  }
}

async function filesIn(directory: string): Promise<readonly BootPartitionFile[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found.flatMap((one) => {
    const file = join(one.parentPath, one.name);
    const path = relative(directory, file);
    if (one.isDirectory()) return [];
    if (one.isFile()) return [{ path, file }];
    throw new Failure({
      code: 'not-for-fat',
      message: `a hook left ${path} on the boot partition, which is neither a file nor a directory`,
      hint: 'FAT has no links and no devices',
    });
  });
}
