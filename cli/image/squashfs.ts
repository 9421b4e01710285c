/**
 * The stage that writes root.squashfs: the engine's root tree goes as a tar stream through tar2sqfs, the dm-verity tree
 * behind it. Owners and device nodes come from the tree, so nobody needs to be root.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageFile } from '../engines/engine.ts';
import { contentSize } from '../rootfs/content.ts';
import { IMAGE_TIME } from '../rootfs/image-time.ts';
import { writeTreeTar } from '../rootfs/tar-stream.ts';
import type { RootTree } from '../rootfs/tree.ts';
import { readTreeIndex } from '../rootfs/tree-index.ts';
import type { Stage } from '../stages/stage.ts';
import { type FileFacts, fileFacts } from './file-facts.ts';
import { runImageTool, toolInput } from './image-tool.ts';
import { appendVerity, type Verity } from './verity.ts';

/**
 * docs/image.md has the measurements. Level 9 is where speed and size part: 15 takes 6 times as long for 6 % less.
 * Blocks of 256 KiB save 3.5 % against 128 KiB; larger ones make the device unpack much for a little.
 */
const LEVEL = 9;
const BLOCK_SIZE = 256 * 1024;

export const SQUASHFS_FILE = 'root.squashfs';
/** JSON {@link SquashfsFacts}, beside the file. */
export const SQUASHFS_FACTS = 'facts.json';

export interface SquashfsFacts {
  readonly file: FileFacts;
  readonly verity: Verity;
}

export function squashfsStage(root: StageFile): Stage {
  return {
    name: 'squashfs',
    title: 'compress the root',
    needs: [root.stage],
    inputs: async () => [
      { name: 'format of root.squashfs', hash: `1 zstd ${LEVEL} ${BLOCK_SIZE}` },
      toolInput('tar2sqfs'),
      toolInput('veritysetup'),
    ],
    run: async (context) => {
      const path = join(context.output, SQUASHFS_FILE);
      const tree = await readTreeIndex(join(context.outputOf(root.stage), root.path));
      await runImageTool(context, {
        // One block size for the device and for verity, which needs whole blocks.
        argv: [
          ...(['tar2sqfs', '--quiet', '--dev-block-size=4096', `--block-size=${BLOCK_SIZE}`] as const),
          ...[
            `--defaults=mtime=${IMAGE_TIME}`,
            '--compressor=zstd',
            `--comp-extra=level=${LEVEL}`,
            '--no-skip',
            SQUASHFS_FILE,
          ],
        ],
        stdin: (input) => writeTreeTar(tree, input, { mtime: IMAGE_TIME, signal: context.signal }),
        mayWrite: contentTotal(tree),
      });
      const verity = await appendVerity(context, SQUASHFS_FILE);
      const facts: SquashfsFacts = { file: await fileFacts(path), verity };
      await writeFile(join(context.output, SQUASHFS_FACTS), JSON.stringify(facts));
      return { digest: facts.file.sha256 };
    },
  };
}

function contentTotal(tree: RootTree): number {
  return tree.entries().reduce((sum, entry) => sum + (entry.type === 'file' ? contentSize(entry.content) : 0), 0);
}
