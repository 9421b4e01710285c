/**
 * The stage that writes the disk image: a GPT with the boot partition, which holds the boot loader and the slot, and an
 * empty persist. A sparse file, written without root and without loop devices.
 */
import { open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BootFile, StageFile } from '../engines/engine.ts';
import type { BuildEnvironment } from '../engines/environment.ts';
import { Failure } from '../failure.ts';
import { hookInputs } from '../hooks/hook-inputs.ts';
import { hooksAt } from '../hooks/hook-moments.ts';
import { sha256 } from '../host/files.ts';
import type { Stage, StageContext } from '../stages/stage.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { bootEntryFiles } from './boot-entries.ts';
import { type BootPartitionFile, fatGeometry, roomNeeded, writeBootPartition } from './boot-partition.ts';
import { type DiskLayout, diskLayout, MIB, partitionTable } from './disk-layout.ts';
import { fileFacts } from './file-facts.ts';
import { runImageHooks } from './image-hooks.ts';
import { runImageTool, toolInput } from './image-tool.ts';
import { MANIFEST_FILE, type Manifest } from './manifest.ts';
import { writePersistPartition } from './persist-partition.ts';

export const DISK_FILE = 'disk.img';
const TOOLS = ['sfdisk', 'mkfs.vfat', 'mcopy', 'mke2fs'] as const;

export function diskStage(
  config: ResolvedConfig,
  environment: BuildEnvironment,
  slot: Stage,
  bootFiles: StageFile,
): Stage {
  const { bootPartitionMiB, persistMiB } = config.settings;
  const layers = config.layers.map(({ layer }) => layer);
  return {
    name: 'disk',
    title: 'write the disk image',
    needs: [slot, bootFiles.stage],
    inputs: async () => [
      { name: 'format of the disk image', hash: '1' },
      { name: 'sizes of the partitions', hash: sha256(`${bootPartitionMiB} ${persistMiB}`) },
      ...TOOLS.map(toolInput),
      ...hooksAt('image', layers, config.engine).flatMap((hook) => hookInputs(hook, environment.hashes)),
    ],
    run: async (context) => {
      const directory = context.outputOf(slot);
      const manifest = JSON.parse(await readFile(join(directory, MANIFEST_FILE), 'utf8')) as Manifest;
      const layout = diskLayout({ bootMiB: bootPartitionMiB, persistMiB });
      const inSlot = (path: string): string => `slots/${manifest.version}/${path}`;
      const slotFiles = [MANIFEST_FILE, ...manifest.files.map(({ path }) => path)].map((path) => ({
        path: inSlot(path),
        file: join(directory, path),
      }));
      const loader = await readBootFiles(join(context.outputOf(bootFiles.stage), bootFiles.path));
      const made = [...slotFiles, ...loader, ...(await writeEntries(context, manifest))];
      const facts = [await fileFacts(join(directory, MANIFEST_FILE)), ...manifest.files];
      const vouched = facts.map((file) => ({ ...file, path: inSlot(file.path) }));
      const files = await runImageHooks(config, context, made, vouched);
      await checkRoom(context, layout, files, slotFiles);
      await writeDisk(context, layout, files, manifest.version);
      return {};
    },
  };
}

async function writeDisk(
  context: StageContext,
  layout: DiskLayout,
  files: readonly BootPartitionFile[],
  identity: string,
): Promise<void> {
  const image = await open(join(context.output, DISK_FILE), 'wx');
  try {
    await image.truncate(layout.size);
  } finally {
    await image.close();
  }
  // Without a directory: mtools takes "@@" in a path for the start of an offset.
  await runImageTool(context, {
    argv: ['sfdisk', '--quiet', '--no-reread', '--no-tell-kernel', DISK_FILE],
    stdin: partitionTable(layout, identity),
    mayWrite: MIB,
  });
  await writeBootPartition(context, DISK_FILE, layout.boot, files, identity);
  await writePersistPartition(context, DISK_FILE, layout.persist, identity);
}

async function readBootFiles(list: string): Promise<readonly BootPartitionFile[]> {
  const files = JSON.parse(await readFile(list, 'utf8')) as readonly BootFile[];
  return files.map(({ path, file }) => ({ path, file: resolve(dirname(list), file) }));
}

async function writeEntries(context: StageContext, manifest: Manifest): Promise<readonly BootPartitionFile[]> {
  const entries = Object.entries(bootEntryFiles(manifest));
  return Promise.all(
    entries.map(async ([path, text]) => {
      const file = join(context.scratch, sha256(path));
      await writeFile(file, text);
      return { path, file };
    }),
  );
}

/** @throws Failure `boot-partition-too-small` if the slot does not fit; warns if there is no room for a second one */
async function checkRoom(
  context: StageContext,
  layout: DiskLayout,
  files: readonly BootPartitionFile[],
  slotFiles: readonly BootPartitionFile[],
): Promise<void> {
  const { cluster, capacity } = fatGeometry(layout.boot.size);
  const needed = await roomNeeded(files, cluster);
  const needsTwo = needed + (await roomNeeded(slotFiles, cluster));
  const mib = (bytes: number): number => Math.ceil(bytes / MIB);
  const advice = `set bootPartitionMiB of the workspace to ${mib(needsTwo * 1.1)} or more`;
  const partition = `the boot partition of ${layout.boot.size / MIB} MiB`;
  if (needed > capacity) {
    throw new Failure({
      code: 'boot-partition-too-small',
      message: `${partition} does not hold the ${mib(needed)} MiB of this image`,
      hint: advice,
    });
  }
  if (needsTwo > capacity) {
    context.report({
      kind: 'warning',
      step: context.step,
      text: `${partition} holds one slot of this size, not two: a device with it cannot be updated over the air`,
      hint: advice,
    });
  }
}
