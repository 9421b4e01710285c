/** What an output directory is to be made of, gathered from a configuration, the layer files and the trees. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../../host/files.ts';
import type { Value } from '../../../kconfig/assignment.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import type { Entry } from '../../../rootfs/entry.ts';
import type { FileHashes } from '../../../stages/file-hashes.ts';
import type { PackageInfos } from '../build/package-info.ts';
import type { BuildPlaces } from '../build-places.ts';
import type { LayerFilesPlan } from '../layer-files/plan-layer-files.ts';
import type { TreeParts } from '../tree/buildroot-tree.ts';
import { contentHash } from '../tree/part-hashes.ts';
import { reachOf } from './classify.ts';
import type { BuildFacts } from './plan-work.ts';

export interface FactsSources {
  readonly dotConfig: DotConfig;
  readonly parts: TreeParts;
  readonly plan: LayerFilesPlan;
  readonly packages: PackageInfos;
  /** Directory of the Buildroot tree. */
  readonly tree: string;
  readonly places: BuildPlaces;
  readonly hashes: FileHashes;
}

export function gatherFacts(sources: FactsSources): BuildFacts {
  const { dotConfig, parts, plan, packages, hashes } = sources;
  return {
    dotConfig,
    parts,
    layerFiles: new Map(
      [...plan.files].map(([name, { data, executable }]) => [name, sha256(data) + (executable ?? '')]),
    ),
    overlay: new Map((plan.overlay?.entries() ?? []).map((entry) => [entry.path, describeEntry(entry, hashes)])),
    named: namedFiles(dotConfig, sources),
    packages,
  };
}

function describeEntry(entry: Entry, hashes: FileHashes): string {
  const what = `${entry.type} ${entry.mode.toString(8)}`;
  switch (entry.type) {
    case 'file':
      return `${what} ${entry.content.kind === 'bytes' ? sha256(entry.content.data) : hashes.file(entry.content.file)}`;
    case 'symlink':
    case 'hardlink':
      return `${what} ${entry.target}`;
    default:
      return what;
  }
}

/**
 * Files and directories that values name: a board's kernel configuration, its device table, overlays of a fragment.
 *
 * @param values symbol → value: of a final configuration, or what is asked for
 * @returns symbol → hash of what it names
 */
export function namedFiles(
  values: Iterable<readonly [string, Value]>,
  { tree, places, hashes }: Pick<FactsSources, 'tree' | 'places' | 'hashes'>,
): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  for (const [symbol, value] of values) {
    if (value.kind !== 'string' || !value.value.includes('/') || reachOf(symbol) === 'nothing') continue;
    const found = value.value
      .split(/\s+/)
      .map((word) => (word.startsWith('/') ? word : join(tree, word)))
      .filter((path) => path.split('/').length > 2 && !path.startsWith(`${places.directory}/`) && existsSync(path));
    if (found.length > 0) named.set(symbol, contentHash(tree, found, hashes));
  }
  return named;
}
