/**
 * The content digest of a root tree: the same for the same paths, metadata and contents, wherever the contents are kept
 * and whoever put them there. Streams, so it costs about what reading and hashing the root costs.
 */
import { createHash } from 'node:crypto';
import { ContentReader, contentSize } from './content.ts';
import type { Content, Entry } from './entry.ts';
import { linksAfterFiles } from './hard-links.ts';
import type { RootTree } from './tree.ts';

const CHUNK = 1024 * 1024;

/** Lower-case hex SHA-256. */
export function treeDigest(tree: RootTree): string {
  const hash = createHash('sha256');
  using reader = new ContentReader();
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (const entry of linksAfterFiles(tree.entries())) {
    // JSON keeps fields apart: no path or target can run into the next one.
    hash.update(`${JSON.stringify(facts(entry))}\n`);
    if (entry.type === 'file') updateWith(entry.content);
  }
  return hash.digest('hex');

  function updateWith(content: Content): void {
    const size = contentSize(content);
    for (let at = 0; at < size; at += CHUNK) {
      const chunk = buffer.subarray(0, Math.min(CHUNK, size - at));
      reader.readInto(content, at, chunk);
      hash.update(chunk);
    }
  }
}

function facts(entry: Entry): readonly unknown[] {
  const { path, type, mode, uid, gid } = entry;
  const xattrs = Object.entries(entry.xattrs ?? {})
    .map(([name, value]) => [name, Buffer.from(value).toString('base64')])
    .sort();
  const common = [path, type, mode, uid, gid, xattrs];
  switch (entry.type) {
    case 'file':
      return [...common, contentSize(entry.content)];
    case 'symlink':
    case 'hardlink':
      return [...common, entry.target];
    case 'device':
      return [...common, entry.device, entry.major, entry.minor];
    default:
      return common;
  }
}
