/**
 * Modules without the compression that some kernel packages have: the squashfs compresses better, and the initramfs loads
 * plain files. Expanded once for a kernel into `<cache>/modules/<key>/`; packages with plain modules need nothing.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writingCache } from '../../../host/cache-writes.ts';
import { syncDirectory, temporaryBeside } from '../../../host/files.ts';
import { runCommand } from '../../../host/process.ts';
import { ContentReader, contentSize } from '../../../rootfs/content.ts';
import type { KernelModule, KernelTree } from './kernel-tree.ts';

const EXPANDERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  '.ko.xz': ['xz', '--decompress', '--quiet', '--'],
  '.ko.zst': ['zstd', '--decompress', '--rm', '--quiet', '--'],
  '.ko.gz': ['gzip', '--decompress', '--quiet', '--'],
};
/** Well below the kernel's limit for the arguments of a program. */
const FILES_PER_CALL = 500;

export interface ExpandOptions {
  readonly cache: string;
  /** Identifies the kernel: the SHA-256 of its package. */
  readonly key: string;
  readonly signal?: AbortSignal | undefined;
}

export async function expandModules(tree: KernelTree, options: ExpandOptions): Promise<KernelTree> {
  const packed = [...tree.modules.values()].filter((module) => module.suffix !== '.ko');
  if (packed.length === 0) return tree;
  const directory = join(options.cache, 'modules', options.key);
  if (!existsSync(directory)) await writingCache(options.cache, () => expandInto(directory, packed, options.signal));
  const modules = new Map(tree.modules);
  for (const module of packed) {
    const file = join(directory, `${module.path}.ko`);
    const { size } = await stat(file);
    modules.set(module.name, { ...module, suffix: '.ko', content: { kind: 'slice', file, offset: 0, size } });
  }
  return { ...tree, modules };
}

async function expandInto(directory: string, modules: readonly KernelModule[], signal: AbortSignal | undefined) {
  await mkdir(dirname(directory), { recursive: true });
  const temporary = temporaryBeside(directory);
  try {
    await writeModules(temporary, modules);
    for (const [suffix, argv] of Object.entries(EXPANDERS)) {
      const files = modules.filter((module) => module.suffix === suffix).map(({ path }) => `${path}${suffix}`);
      for (let first = 0; first < files.length; first += FILES_PER_CALL) {
        await runCommand({ argv: [...argv, ...files.slice(first, first + FILES_PER_CALL)], cwd: temporary, signal });
      }
    }
    await rename(temporary, directory).catch((error: NodeJS.ErrnoException) => {
      // Another build has expanded the same kernel meanwhile.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    await syncDirectory(dirname(directory));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Writes each module as it is packed to its path below `directory`. */
export async function writeModules(directory: string, modules: Iterable<KernelModule>): Promise<void> {
  using reader = new ContentReader();
  const made = new Set<string>();
  for (const module of modules) {
    const path = join(directory, `${module.path}${module.suffix}`);
    if (!made.has(dirname(path))) await mkdir(dirname(path), { recursive: true });
    made.add(dirname(path));
    const file = await open(path, 'w');
    try {
      await file.writeFile(reader.read(module.content, 0, contentSize(module.content)));
    } finally {
      await file.close();
    }
  }
}
