/**
 * The root as maintainer scripts left it, made fit for an image: what only the installation needed goes (package tools,
 * dpkg's database, logs, caches), and so does what must be a device's own (host keys, machine id).
 */
import { readTarEntries } from '../../../rootfs/tar-entries.ts';
import { RootTree } from '../../../rootfs/tree.ts';
import { ConfiguredRoot } from '../configured-root.ts';
import { DEFAULT_EXCLUSIONS, type PathTest, pathTest } from '../exclusions.ts';
import type { UnpackedPackage } from '../unpacked.ts';

/** Nothing of these is in an image. */
const LEFTOVERS: readonly string[] = [
  ...DEFAULT_EXCLUSIONS,
  '/dev/*',
  '/proc/*',
  '/sys/*',
  '/run/*',
  '/tmp/*',
  '/var/tmp/*',
  '/etc/.pwd.lock',
  '/etc/passwd-',
  '/etc/group-',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/subuid-',
  '/etc/subgid-',
  '/etc/hostname',
  '/etc/resolv.conf',
  '/etc/apt/apt.conf.d/99mmdebstrap',
  '/etc/apt/sources.list.d/0000*',
  '/etc/ssh/ssh_host_*',
  '/etc/dropbear/dropbear_*_host_key',
  '/etc/ld.so.cache',
  '/var/cache/apt/**',
  '/var/cache/debconf/**',
  '/var/cache/ldconfig/**',
  '/var/lib/apt/**',
  '/var/lib/dpkg/**',
  '/var/lib/systemd/random-seed',
  '/var/lib/systemd/deb-systemd-*',
  '/var/lib/ucf/**',
  '/var/log/apt',
  '/var/log/*.log',
  '/usr/**/__pycache__',
];

export interface ScriptsRootOptions {
  readonly architecture: string;
  /** Packages that are in the root, and those that only the scripts needed. */
  readonly kept: readonly UnpackedPackage[];
  readonly tools: readonly UnpackedPackage[];
  readonly assumed: ReadonlySet<string>;
}

export async function readScriptsRoot(tar: string, options: ScriptsRootOptions): Promise<ConfiguredRoot> {
  const tree = new RootTree('packages');
  const entries = await readTarEntries(tar, 'packages');
  // mmdebstrap's tar has a link now and then in front of its file.
  for (const entry of entries) if (entry.type !== 'hardlink') tree.put(entry);
  for (const entry of entries) if (entry.type === 'hardlink') tree.put(entry);
  removeTools(tree, await pathsOf(options.tools), await pathsOf(options.kept));
  removeAll(tree, pathTest(LEFTOVERS));
  removeDangling(tree);
  const versions = new Map(options.kept.map((one) => [one.locked.name, one.locked.version]));
  const root = new ConfiguredRoot(tree, options.architecture, versions, options.assumed);
  root.accounts.users.clear();
  root.accounts.groups.clear();
  root.accounts.mergeFiles(root.readFile('/etc/passwd') ?? '', root.readFile('/etc/group') ?? '');
  if (tree.file('/etc/machine-id') !== undefined) {
    tree.addFile('/etc/machine-id', '', { origin: 'image', mode: 0o444 });
  }
  return root;
}

async function pathsOf(packages: readonly UnpackedPackage[]): Promise<Set<string>> {
  const paths = new Set<string>();
  for (const one of packages) {
    for (const entry of await readTarEntries(one.dataTar, `package ${one.locked.name}`)) {
      if (entry.type !== 'directory') paths.add(entry.path);
    }
  }
  return paths;
}

/** Files first, then the directories that became empty by it. */
function removeTools(tree: RootTree, tools: ReadonlySet<string>, kept: ReadonlySet<string>): void {
  for (const path of tools) {
    const entry = kept.has(path) ? undefined : tree.resolve(path.slice(0, path.lastIndexOf('/')) || '/');
    if (entry === undefined) continue;
    tree.remove(`${entry.path === '/' ? '' : entry.path}${path.slice(path.lastIndexOf('/'))}`);
    let directory = entry.path;
    while (directory !== '/' && tree.children(directory).length === 0) {
      tree.remove(directory);
      directory = directory.slice(0, directory.lastIndexOf('/')) || '/';
    }
  }
}

/** Links of units and alternatives whose program went; twice, since an alternative is a link to a link. */
function removeDangling(tree: RootTree): void {
  for (let round = 0; round < 2; round += 1) {
    for (const entry of tree.entries()) {
      if (entry.type !== 'symlink') continue;
      const isManaged =
        entry.target.startsWith('/etc/alternatives/') || /^\/etc\/(?:alternatives|systemd)\//.test(entry.path);
      if (isManaged && entry.target !== '/dev/null' && tree.resolve(entry.path) === undefined) tree.remove(entry.path);
    }
  }
}

function removeAll(tree: RootTree, test: PathTest): void {
  for (const entry of tree.entries()) if (test(entry.path)) tree.remove(entry.path);
}
