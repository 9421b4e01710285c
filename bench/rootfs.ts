/**
 * What handling a root as data costs, on a root of this machine's own /usr: reading archives, the index, the tar stream,
 * the digest, the library gate, and a directory for hooks. The real tar packs the same files beside it.
 *
 *     node bench/rootfs.ts [entries] [MB]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { findMissingLibraries } from '../cli/rootfs/library-closure.ts';
import { materialise } from '../cli/rootfs/materialise.ts';
import { reimport } from '../cli/rootfs/reimport.ts';
import { readTarEntries } from '../cli/rootfs/tar-entries.ts';
import { writeTreeTar } from '../cli/rootfs/tar-stream.ts';
import { RootTree } from '../cli/rootfs/tree.ts';
import { treeDigest } from '../cli/rootfs/tree-digest.ts';
import { readTreeIndex, writeTreeIndex } from '../cli/rootfs/tree-index.ts';
import { runHere } from './measure.ts';
import { costs, line, megabytes, type Row } from './print.ts';

const maxEntries = Number(process.argv[2] ?? 15_000);
const maxBytes = Number(process.argv[3] ?? 200) * 1_000_000;

function* files(directory: string): Generator<string> {
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name);
    yield path;
    if (lstatSync(path).isDirectory()) yield* files(path);
  }
}

function sample(): { tree: RootTree; names: string[]; bytes: number } {
  const tree = new RootTree();
  const names: string[] = [];
  let bytes = 0;
  for (const path of [...files('/usr/bin'), ...files('/usr/lib'), ...files('/usr/share')]) {
    if (tree.size >= maxEntries) break;
    const stats = lstatSync(path);
    const { size } = stats;
    const base = { path, mode: stats.mode & 0o7777, uid: 0, gid: 0, origin: 'this machine' };
    if (stats.isSymbolicLink()) tree.put({ ...base, type: 'symlink', target: readlinkSync(path) });
    else if (stats.isDirectory()) tree.put({ ...base, type: 'directory' });
    // Large files leave room for many small ones: that is what a root is like.
    else if (stats.isFile() && size < 8_000_000 && bytes + size <= maxBytes) {
      tree.put({ ...base, type: 'file', content: { kind: 'slice', file: path, offset: 0, size } });
      bytes += size;
    } else continue;
    names.push(path.slice(1));
  }
  return { tree, names, bytes };
}

const rows: Row[] = [];

async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const results: T[] = [];
  const cost = await runHere(async () => results.push(await work()));
  rows.push({ what, cost });
  return results[0] as T;
}

async function intoCat(write: (input: Writable) => Promise<void>): Promise<void> {
  // Through a pipe, as tar2sqfs gets it.
  const cat = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] });
  const closed = once(cat, 'close');
  await write(cat.stdin);
  await closed;
}

const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
try {
  const { tree, names, bytes } = sample();
  line(`${tree.size} entries, ${megabytes(bytes)}; processor time without children`);
  const archive = join(scratch, 'root.tar');
  const index = join(scratch, 'root.index');
  await timed('tar stream into a file', () => writeTreeTar(tree, createWriteStream(archive), { mtime: 0 }));
  const entries = await timed("an archive's headers", () => readTarEntries(archive, 'archive'));
  await timed('put into a tree', () => {
    const again = new RootTree();
    for (const entry of entries) again.put(entry);
  });
  await timed('write the index', () => writeTreeIndex(tree, index));
  const read = await timed('read the index', () => readTreeIndex(index));
  await timed('tar stream through a pipe', () => intoCat((input) => writeTreeTar(read, input, { mtime: 0 })));
  writeFileSync(join(scratch, 'names'), names.join('\0'));
  await timed('the same by tar(1)', () =>
    intoCat(async (input) => {
      const argv = ['--null', '--no-recursion', '-C', '/', '-T', join(scratch, 'names'), '-cf', '-'];
      const tar = spawn('tar', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      tar.stdout.pipe(input);
      await once(tar, 'close');
    }),
  );
  await timed('digest', () => treeDigest(read));
  await timed('library gate', () => findMissingLibraries(read));
  const root = await timed('make a directory of it', () => materialise(read, join(scratch, 'root'), { mtime: 0 }));
  await timed('read an unchanged one back', () =>
    reimport(read, root, { origin: 'bench', store: join(scratch, 'store') }),
  );
  costs(rows);
  line(`  most memory: ${megabytes(process.resourceUsage().maxRSS * 1024)}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
