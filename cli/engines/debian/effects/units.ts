/**
 * Which systemd units start: what `systemctl enable`, `disable`, `mask` and presets do to the links below /etc/systemd.
 * Comes in: the tree with the units; goes out: links.
 */
import { readContent } from '../../../rootfs/content.ts';
import { lastName } from '../../../rootfs/path.ts';
import type { RootTree } from '../../../rootfs/tree.ts';

export type UnitScope = 'system' | 'user';

const PRESETS = ['/etc/systemd/system-preset', '/usr/lib/systemd/system-preset'];

interface Install {
  readonly wantedBy: readonly string[];
  readonly requiredBy: readonly string[];
  readonly alias: readonly string[];
  readonly also: readonly string[];
  readonly defaultInstance: string | undefined;
}

/** Whether there is such a unit; a template serves its instances. */
export function findUnit(tree: RootTree, unit: string, scope: UnitScope = 'system'): string | undefined {
  const template = unit.replace(/@[^.]*\./, '@.');
  for (const name of [unit, template]) {
    for (const directory of [`/etc/systemd/${scope}`, `/usr/lib/systemd/${scope}`]) {
      const entry = tree.file(`${directory}/${name}`);
      if (entry !== undefined) return entry.path;
    }
  }
  return undefined;
}

/** Makes the links of its [Install] section, and of the units named by `Also=`. A unit without a section stays as it is. */
export function enableUnit(
  tree: RootTree,
  unit: string,
  origin: string,
  scope: UnitScope = 'system',
  seen: Set<string> = new Set(),
): boolean {
  if (seen.has(unit)) return true;
  seen.add(unit);
  const path = findUnit(tree, unit, scope);
  if (path === undefined) return false;
  const install = readInstall(tree, path);
  const name = instanceName(unit, install.defaultInstance);
  const base = `/etc/systemd/${scope}`;
  const target = path.replace(/^\/usr\/lib\//, '/lib/');
  for (const [targets, suffix] of [
    [install.wantedBy, 'wants'],
    [install.requiredBy, 'requires'],
  ] as const) {
    for (const one of targets) tree.addLink(`${base}/${one}.${suffix}/${name}`, target, { origin });
  }
  for (const alias of install.alias) if (alias !== unit) tree.addLink(`${base}/${alias}`, target, { origin });
  for (const other of install.also) enableUnit(tree, other, origin, scope, seen);
  return true;
}

/** Removes every link below /etc/systemd that enables it. */
export function disableUnit(tree: RootTree, unit: string, scope: UnitScope = 'system'): void {
  const base = `/etc/systemd/${scope}`;
  for (const entry of tree.children(base)) {
    if (entry.type === 'directory' && /\.(?:wants|requires)$/.test(entry.path)) {
      for (const link of tree.children(entry.path)) if (lastName(link.path) === unit) tree.remove(link.path);
    } else if (entry.type === 'symlink' && lastName(entry.target) === unit && entry.target !== '/dev/null') {
      tree.remove(entry.path);
    }
  }
}

export function maskUnit(tree: RootTree, unit: string, origin: string, scope: UnitScope = 'system'): void {
  const path = `/etc/systemd/${scope}/${unit}`;
  tree.remove(path);
  tree.addLink(path, '/dev/null', { origin });
}

export function unmaskUnit(tree: RootTree, unit: string, scope: UnitScope = 'system'): void {
  const entry = tree.get(`/etc/systemd/${scope}/${unit}`);
  if (entry?.type === 'symlink' && entry.target === '/dev/null') tree.remove(entry.path);
}

/** What the preset files say of a unit; first match wins, and without one it is enabled. */
export function presetOf(tree: RootTree, unit: string): boolean {
  const files = new Map<string, string>();
  for (const directory of PRESETS) {
    for (const entry of tree.children(directory)) {
      const name = lastName(entry.path);
      if (name.endsWith('.preset') && !files.has(name)) files.set(name, entry.path);
    }
  }
  for (const name of [...files.keys()].sort()) {
    const file = tree.file(files.get(name) ?? '');
    if (file === undefined) continue;
    for (const line of readContent(file.content).toString('utf8').split('\n')) {
      const match = /^\s*(enable|disable)\s+(\S+)/.exec(line);
      if (match !== null && globMatches(match[2] ?? '', unit)) return match[1] === 'enable';
    }
  }
  return true;
}

function globMatches(glob: string, text: string): boolean {
  const source = glob
    .replace(/[\\^$.+()|{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(text);
}

/** `getty@.service` with a default instance becomes that instance. */
function instanceName(unit: string, instance: string | undefined): string {
  return instance === undefined ? unit : unit.replace('@.', `@${instance}.`);
}

function readInstall(tree: RootTree, path: string): Install {
  const file = tree.file(path);
  const text = file === undefined ? '' : readContent(file.content).toString('utf8').replace(/\\\n/g, ' ');
  const values = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n')) {
    const heading = /^\s*\[(.+)\]\s*$/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    const match = section === 'Install' ? /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line) : null;
    if (match === null) continue;
    const [, key = '', value = ''] = match;
    values.set(key, [...(values.get(key) ?? []), ...value.split(/\s+/).filter((word) => word !== '')]);
  }
  return {
    wantedBy: values.get('WantedBy') ?? [],
    requiredBy: values.get('RequiredBy') ?? [],
    alias: values.get('Alias') ?? [],
    also: values.get('Also') ?? [],
    defaultInstance: values.get('DefaultInstance')?.[0],
  };
}
