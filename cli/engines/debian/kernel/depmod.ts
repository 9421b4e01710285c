/**
 * The lists that modprobe and udev read (`modules.dep`, `modules.alias` and so on), made by the host's depmod over just
 * the modules that the image has. The same modules give the same bytes.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../../host/process.ts';
import { readContent } from '../../../rootfs/content.ts';
import type { Entry } from '../../../rootfs/entry.ts';
import { writeModules } from './expand-modules.ts';
import type { KernelModule, KernelTree } from './kernel-tree.ts';

export interface DepmodOptions {
  /** Empty; the modules are written here. */
  readonly scratch: string;
  readonly log?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Everything of `/usr/lib/modules/<release>` for the root. */
export async function moduleEntries(
  tree: KernelTree,
  modules: readonly KernelModule[],
  options: DepmodOptions,
): Promise<readonly Entry[]> {
  const directory = join(options.scratch, 'lib/modules', tree.release);
  await mkdir(directory, { recursive: true });
  await writeModules(join(directory, 'kernel'), modules);
  for (const [name, content] of tree.moduleLists) {
    const data = readContent(content);
    await writeFile(join(directory, name), name === 'modules.order' ? onlyKept(data, modules) : data);
  }
  await runCommand({
    // Without -C depmod would read what the host has in /etc/depmod.d.
    argv: ['depmod', '-b', options.scratch, '-C', '/dev/null', tree.release],
    cwd: options.scratch,
    signal: options.signal,
    ...(options.log === undefined ? {} : { log: options.log }),
  });
  const base = `/usr/lib/modules/${tree.release}`;
  const owner = { uid: 0, gid: 0, origin: `package ${tree.origin}` };
  const entries: Entry[] = modules.map((module) => ({
    ...owner,
    type: 'file',
    path: `${base}/kernel/${module.path}${module.suffix}`,
    mode: 0o644,
    content: module.content,
  }));
  for (const name of (await readdir(directory)).sort()) {
    if (name === 'kernel') continue;
    const data = await readFile(join(directory, name));
    entries.push({ ...owner, type: 'file', path: `${base}/${name}`, mode: 0o644, content: { kind: 'bytes', data } });
  }
  return entries;
}

/** depmod takes the order of modules with the same alias from this list. */
function onlyKept(order: Buffer, modules: readonly KernelModule[]): string {
  const kept = new Set(modules.map(({ path }) => `kernel/${path}.ko`));
  const lines = order.toString('utf8').split('\n');
  return lines
    .filter((line) => kept.has(line.replace(/\.(xz|zst|gz)$/, '')))
    .map((line) => `${line}\n`)
    .join('');
}
