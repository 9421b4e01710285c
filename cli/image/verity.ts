/**
 * dm-verity for a file: the hash tree goes behind the data, in the same file, and the root hash is all that the manifest
 * needs to protect it. veritysetup writes into plain files, without root and without device-mapper.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, sha256File } from '../host/files.ts';
import type { StageContext } from '../stages/stage.ts';
import { uuidFrom } from './identity.ts';
import { runImageTool } from './image-tool.ts';

/** As it stands in the manifest; offsets and sizes in bytes. */
export interface Verity {
  readonly file: string;
  readonly algorithm: 'sha256';
  /** Hex. */
  readonly salt: string;
  readonly dataBlockSize: number;
  readonly hashBlockSize: number;
  readonly dataBlocks: number;
  /** Of the verity superblock; the tree follows it. */
  readonly hashOffset: number;
  /** Hex. */
  readonly rootHash: string;
}

export const VERITY_BLOCK = 4096;

/**
 * Appends the hash tree. Salt and UUID follow from the data, so that the same data gives the same bytes.
 *
 * @param file in the stage's output; its size is a multiple of {@link VERITY_BLOCK}
 */
export async function appendVerity(context: StageContext, file: string): Promise<Verity> {
  const path = join(context.output, file);
  const { size } = await stat(path);
  if (size === 0 || size % VERITY_BLOCK !== 0) throw new Error(`${path} has ${size} bytes, no multiple of a block`);
  const content = await sha256File(path);
  const salt = sha256(`coracle verity salt\0${content}`);
  const { stdout } = await runImageTool(context, {
    argv: [
      'veritysetup',
      'format',
      '--hash=sha256',
      `--salt=${salt}`,
      `--uuid=${uuidFrom(content, 'verity')}`,
      `--data-block-size=${VERITY_BLOCK}`,
      `--hash-block-size=${VERITY_BLOCK}`,
      `--data-blocks=${size / VERITY_BLOCK}`,
      `--hash-offset=${size}`,
      file,
      file,
    ],
    stdout: 'capture',
    mayWrite: Math.ceil(size / 64),
  });
  const rootHash = /^Root hash:\s*([0-9a-f]{64})\s*$/m.exec(stdout)?.[1];
  if (rootHash === undefined) throw new Error(`veritysetup printed no root hash:\n${stdout}`);
  return {
    file,
    algorithm: 'sha256',
    salt,
    dataBlockSize: VERITY_BLOCK,
    hashBlockSize: VERITY_BLOCK,
    dataBlocks: size / VERITY_BLOCK,
    hashOffset: size,
    rootHash,
  };
}
