/** The text of a fragment's file: read in one go, and checked to be text, so that junk is named with its place. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { Failure } from '../failure.ts';

/** Far above any real configuration (a whole kernel .config has 0.3 MB), far below what would hurt. */
const MAX_MIB = 256;

/** @throws Failure `unreadable-file`, `fragment-not-text` */
export function readFragmentText(file: string, layer: string): string {
  const bytes = readBytes(file, layer);
  if (bytes.length > MAX_MIB << 20) {
    throw notText(file, layer, 1, `it has ${bytes.length >> 20} MiB; ${MAX_MIB} MiB are the limit`);
  }
  if (!bytes.includes(0) && isUtf8(bytes)) return bytes.toString('utf8');
  // A line end is never a part of another character, so lines can be judged one by one.
  for (let line = 1, start = 0; ; line++) {
    const newline = bytes.indexOf(10, start);
    const content = bytes.subarray(start, newline === -1 ? bytes.length : newline);
    if (content.includes(0)) throw notText(file, layer, line, 'the line holds a zero byte');
    if (!isUtf8(content)) throw notText(file, layer, line, 'the line is not UTF-8');
    start = newline + 1;
  }
}

function readBytes(file: string, layer: string): Buffer {
  try {
    // Synchronous on purpose: a fragment has a few kilobytes, and a trip through the thread pool costs more than it.
    return readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Failure({
      code: 'unreadable-file',
      message: 'the fragment cannot be read',
      place: { file },
      cause: code,
      hint:
        code === 'ENOENT' ? 'a link that leads nowhere, or a file that was removed meanwhile' : 'check its permissions',
      layer,
    });
  }
}

function notText(file: string, layer: string, line: number, cause: string): Failure {
  return new Failure({
    code: 'fragment-not-text',
    message: 'this fragment is not a text file',
    place: { file, line },
    cause,
    hint: 'a fragment holds lines like CONFIG_EXT4_FS=y; keep other files in resources/',
    layer,
  });
}
