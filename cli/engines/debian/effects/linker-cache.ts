/**
 * /etc/ld.so.cache as ldconfig writes it: where each library is, so that the dynamic linker finds those outside of its
 * built-in directories, and the others sooner. Made from the tree, for whatever machine its libraries are.
 *
 * Format: glibc's sysdeps/generic/dl-cache.h, struct cache_file_new (`glibc-ld.so.cache1.1`), without extensions.
 */
import { ContentReader, contentSize } from '../../../rootfs/content.ts';
import { ElfDamage, type ElfFacts, readElf } from '../../../rootfs/elf.ts';
import { lastName } from '../../../rootfs/path.ts';
import { SearchPath } from '../../../rootfs/search-path.ts';
import type { FileEntry, RootTree } from '../../../rootfs/tree.ts';

const ORIGIN = 'ldconfig';
const MAGIC = 'glibc-ld.so.cache1.1';
const HEADER_SIZE = 48;
const ENTRY_SIZE = 24;
const LITTLE_ENDIAN = 2;

/** FLAG_ELF_LIBC6 and the machine's own flag (dl-cache.h, sysdeps/unix/sysv/linux/<machine>/dl-cache.h). */
const FLAGS: Readonly<Record<string, number>> = { 'x86_64-64': 0x0303, 'aarch64-64': 0x0a03 };

interface Library {
  readonly name: string;
  readonly path: string;
  readonly flags: number;
}

/** Does nothing to a root without glibc. */
export async function writeLinkerCache(tree: RootTree): Promise<void> {
  // A layer's own stays.
  if (tree.file('/etc/ld.so.cache') !== undefined) return;
  const libc = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].find((triplet) => tree.file(`/lib/${triplet}/libc.so.6`));
  if (libc === undefined) return;
  const machine = libc.startsWith('x86_64') ? 'x86_64-64' : 'aarch64-64';
  const search = await SearchPath.read(tree);
  tree.addFile('/etc/ld.so.cache', formatCache(findLibraries(tree, search.defaults(machine))), { origin: ORIGIN });
}

/** What ldconfig finds: by soname, and by the name of a link for compilers. The first directory wins. */
function findLibraries(tree: RootTree, directories: readonly string[]): Library[] {
  using reader = new ContentReader();
  const found = new Map<string, Library>();
  const seen = new Set<string>();
  for (const directory of directories) {
    const real = tree.resolve(directory)?.path;
    if (real === undefined || seen.has(real)) continue;
    seen.add(real);
    for (const { path, type } of tree.children(real)) {
      const name = lastName(path);
      if (!/^(?:lib|ld-).*\.so(?:\.|$)/.test(name)) continue;
      const file = tree.file(path);
      const facts = file === undefined ? undefined : readFacts(file, reader);
      const flags = FLAGS[facts?.machine ?? ''];
      if (facts === undefined || flags === undefined) continue;
      // A file under another name than its soname is found by the soname's link, which is a name of its own; besides
      // those there are links for compilers.
      const isForCompilers = type === 'symlink' && name.endsWith('.so');
      if (facts.soname !== undefined && facts.soname !== name && !isForCompilers) continue;
      if (!found.has(name)) found.set(name, { name, path: `${directory}/${name}`, flags });
    }
  }
  return [...found.values()];
}

function readFacts(file: FileEntry, reader: ContentReader): ElfFacts | undefined {
  const size = contentSize(file.content);
  try {
    return readElf((offset, length) => reader.read(file.content, offset, Math.max(0, Math.min(length, size - offset))));
  } catch (error) {
    if (error instanceof ElfDamage) return undefined;
    throw error;
  }
}

export function formatCache(libraries: readonly Library[]): Buffer {
  const sorted = libraries.toSorted((a, b) => compareNames(b.name, a.name));
  const strings: Buffer[] = [];
  let offset = HEADER_SIZE + sorted.length * ENTRY_SIZE;
  const begin = offset;
  const entries = sorted.map(({ name, path, flags }) => {
    const text = Buffer.from(`${path}\0`);
    const entry = Buffer.alloc(ENTRY_SIZE);
    entry.writeInt32LE(flags, 0);
    // The name is the end of the path.
    entry.writeUInt32LE(offset + text.length - 1 - Buffer.byteLength(name), 4);
    entry.writeUInt32LE(offset, 8);
    strings.push(text);
    offset += text.length;
    return entry;
  });
  const header = Buffer.alloc(HEADER_SIZE);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(sorted.length, 20);
  header.writeUInt32LE(offset - begin, 24);
  header[28] = LITTLE_ENDIAN;
  return Buffer.concat([header, ...entries, ...strings]);
}

/** _dl_cache_libcmp: runs of digits by their value, and before them everything that is no digit. */
export function compareNames(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length) {
    const [one, other] = [a[i] ?? '', b[j] ?? ''];
    const [isDigit, isOtherDigit] = [/\d/.test(one), /\d/.test(other)];
    if (isDigit && isOtherDigit) {
      const run = /^\d+/.exec(a.slice(i))?.[0] ?? '';
      const otherRun = /^\d+/.exec(b.slice(j))?.[0] ?? '';
      if (Number(run) !== Number(otherRun)) return Number(run) - Number(otherRun);
      i += run.length;
      j += otherRun.length;
    } else if (isDigit || isOtherDigit) return isDigit ? 1 : -1;
    else if (one !== other) return (one.charCodeAt(0) || 0) - (other === '' ? 0 : other.charCodeAt(0));
    else {
      i += 1;
      j += 1;
    }
  }
  return j < b.length ? -1 : 0;
}
