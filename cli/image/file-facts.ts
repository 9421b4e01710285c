/** What the manifest says of a file. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256File } from '../host/files.ts';

export interface FileFacts {
  /** Relative to the slot. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

export async function fileFacts(file: string, path = basename(file)): Promise<FileFacts> {
  return { path, size: (await stat(file)).size, sha256: await sha256File(file) };
}
