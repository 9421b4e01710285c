/**
 * Packages made a root tree: entries of all packages, then what their maintainer scripts come to on a fresh installation.
 * Nothing is unpacked to disk and nothing of the packages runs.
 */

import { Failure } from '../../failure.ts';
import type { Entry } from '../../rootfs/entry.ts';
import { readTarEntries } from '../../rootfs/tar-entries.ts';
import { RootTree } from '../../rootfs/tree.ts';
import { ConfiguredRoot } from './configured-root.ts';
import { linkAlternatives } from './effects/alternatives.ts';
import { accountedCommands, applyFileEffects, chosenAlternatives, prepareRoot } from './effects/apply-effects.ts';
import type { Effect } from './effects/effect-schema.ts';
import { DEFAULT_EXCLUSIONS, type PathTest, pathTest } from './exclusions.ts';
import { MaintainerScripts, type ScriptProblem } from './maintainer-scripts.ts';
import { configurationOrder, interests, relationNames } from './package-order.ts';
import type { UnpackedPackage } from './unpacked.ts';

export interface FinishOptions {
  /** Globs of what layers leave out; scripts still see it. */
  readonly exclude: readonly string[];
  readonly effects: readonly Effect[];
}

export interface ComposeOptions extends FinishOptions {
  /** Debian's architecture. */
  readonly architecture: string;
  readonly assumed: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
}

export interface Composed {
  readonly root: ConfiguredRoot;
  /** Empty if every script is accounted for. */
  readonly problems: readonly ScriptProblem[];
}

export async function composePackages(
  packages: readonly UnpackedPackage[],
  options: ComposeOptions,
): Promise<Composed> {
  const order = configurationOrder(packages);
  const tree = new RootTree('packages');
  mergeUsr(tree, options.architecture);
  const versions = new Map(packages.map((one) => [one.locked.name, one.locked.version]));
  const root = new ConfiguredRoot(tree, options.architecture, versions, options.assumed);
  const scripts = await MaintainerScripts.load(root, accountedCommands(options.effects));
  prepareRoot(root, options.effects);
  root.accounts.writeTo(tree, 'accounts');
  if (!versions.has('libc-bin')) writeNameService(tree);
  for (const one of order) scripts.run(one, { script: 'preinst', args: ['install'] });
  const isUnread = pathTest(DEFAULT_EXCLUSIONS);
  for (const one of order) {
    options.signal?.throwIfAborted();
    await unpackInto(root, one, packages, isUnread);
  }
  systemLinks(root);
  for (const one of order) scripts.run(one, { script: 'postinst', args: ['configure', ''] });
  for (const one of order) {
    const names = interests(one);
    if (names.length > 0) scripts.run(one, { script: 'postinst', args: ['triggered', names.join(' ')] });
  }
  finishRoot(root, options);
  return { root, problems: scripts.problems };
}

/** What layers say about the configured root, and what only lives while a system runs. */
export function finishRoot(root: ConfiguredRoot, options: FinishOptions): void {
  applyFileEffects(root, options.effects);
  const isExcluded = pathTest(options.exclude);
  for (const entry of root.tree.entries()) if (isExcluded(entry.path)) root.tree.remove(entry.path);
  linkAlternatives(root, chosenAlternatives(options.effects));
  emptyVolatile(root.tree);
  // A root without bash is entered by its own shell.
  if (root.resolve('/bin/bash') === undefined) root.accounts.change('root', { shell: '/bin/sh' });
  root.accounts.writeTo(root.tree, 'accounts');
}

/** The merged /usr that every current release of Debian has; not every package of bookworm ships it that way. */
function mergeUsr(tree: RootTree, architecture: string): void {
  const names = architecture === 'amd64' ? ['bin', 'sbin', 'lib', 'lib64'] : ['bin', 'sbin', 'lib'];
  for (const name of names) {
    tree.addDirectory(`/usr/${name}`, { origin: 'merged /usr' });
    tree.addLink(`/${name}`, `usr/${name}`, { origin: 'merged /usr' });
  }
}

/** base-files ships them as directories, and makes links of them in its postinst only where /run is already in use. */
function systemLinks(root: ConfiguredRoot): void {
  for (const [path, target] of [
    ['/var/run', '/run'],
    ['/var/lock', '/run/lock'],
  ] as const) {
    root.tree.remove(path);
    root.tree.addLink(path, target, { origin: 'merged /run' });
  }
}

async function unpackInto(
  root: ConfiguredRoot,
  one: UnpackedPackage,
  packages: readonly UnpackedPackage[],
  isUnread: PathTest,
): Promise<void> {
  const { name } = one.locked;
  const entries = await readTarEntries(one.dataTar, `package ${name}`);
  const linked = new Set(entries.flatMap((entry) => (entry.type === 'hardlink' ? [entry.target] : [])));
  for (const entry of entries) {
    // A file that others are hard links to is needed to put those.
    if (isUnread(entry.path) && !linked.has(entry.path)) continue;
    const diversion = root.diversions.get(entry.path);
    const path = diversion !== undefined && diversion.by !== name ? diversion.to : entry.path;
    if (mayPut(root, { ...entry, path }, one, packages))
      root.tree.put(path === entry.path ? entry : { ...entry, path });
  }
  for (const path of linked) if (isUnread(path)) root.tree.remove(path);
}

/** Two packages with the same file: one of them has to say that it replaces the other's. */
function mayPut(
  root: ConfiguredRoot,
  entry: Entry,
  one: UnpackedPackage,
  packages: readonly UnpackedPackage[],
): boolean {
  if (entry.type === 'directory') return true;
  const there = root.entry(entry.path);
  if (there === undefined || there.type === 'directory' || !there.origin.startsWith('package ')) return true;
  const otherName = there.origin.slice('package '.length);
  const other = packages.find((each) => each.locked.name === otherName);
  if (other === undefined || other === one) return true;
  if (relationNames(one.control, 'replaces').includes(otherName)) return true;
  if (relationNames(other.control, 'replaces').includes(one.locked.name)) return false;
  if (there.type === 'symlink' && entry.type === 'symlink' && there.target === entry.target) return true;
  throw new Failure({
    code: 'packages-conflict',
    message: `the packages ${otherName} and ${one.locked.name} both have ${there.path}`,
    hint: 'leave one of the two packages out, or exclude the path',
  });
}

/** libc-bin brings it; a root without that package looks up names in the same places. */
function writeNameService(tree: RootTree): void {
  const files = ['passwd', 'group', 'shadow', 'gshadow'].map(
    (name) => `${name}:${' '.repeat(15 - name.length)}files\n`,
  );
  const others = [
    'hosts:          files dns\n',
    'networks:       files\n',
    'protocols:      files\n',
    'services:       files\n',
  ];
  tree.addFile('/etc/nsswitch.conf', [...files, '\n', ...others].join(''), { origin: 'name service' });
}

function emptyVolatile(tree: RootTree): void {
  for (const directory of ['/tmp', '/run', '/var/tmp']) {
    for (const entry of tree.children(directory)) tree.remove(entry.path);
  }
  for (const [path, mode] of [
    ['/dev', 0o755],
    ['/proc', 0o555],
    ['/sys', 0o555],
    ['/run', 0o755],
    ['/tmp', 0o1777],
    ['/var/tmp', 0o1777],
    ['/root', 0o700],
  ] as const) {
    if (tree.get(path) === undefined) tree.addDirectory(path, { origin: 'root', mode });
  }
}
