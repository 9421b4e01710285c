/**
 * The Buildroot tree and the BR2_EXTERNAL trees of one workspace, each read once and only when it is needed, and their
 * contents by hash: a plan can be made, and shown, where there is no tree.
 */

import { join } from 'node:path';
import { sha256 } from '../../../host/files.ts';
import type { KconfigModel } from '../../../kconfig/language/model.ts';
import { type KconfigSource, readKconfig } from '../../../kconfig/language/read-kconfig.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type DeviceSource, deviceSource, deviceTree } from '../device-source/device-source.ts';
import { type BuildrootTree, readBuildrootTree, readNames, type TreeParts, treeParts } from './buildroot-tree.ts';
import { type ExternalTree, externalTrees } from './external-trees.ts';
import { contentHash, type HashPart, PartHashes } from './part-hashes.ts';
import { treeStat } from './tree-stat.ts';

export interface TreeSource {
  /** @throws Failure, see {@link readBuildrootTree} */
  readonly tree: () => BuildrootTree;
  /** @throws Failure, see {@link externalTrees} */
  readonly externals: () => readonly ExternalTree[];
  /** What Coracle's own programs are compiled from, if a layer asks for one of them. */
  readonly device: () => DeviceSource | undefined;
  /**
   * The tree and the external trees by parts; those of an external tree begin with its name. Coracle's own has nothing but
   * packages.
   */
  readonly parts: () => Promise<TreeParts>;
  /** The Kconfig files of the tree with the external trees, as conf read them; they are read once, however often it is asked. */
  readonly model: (kconfig: KconfigSource) => KconfigModel;
}

export function treeSource(config: ResolvedConfig, environment: BuildEnvironment): TreeSource {
  const tree = once(() => readBuildrootTree(config.settings.buildroot));
  const device = once(() => deviceSource(config, environment));
  const own = once(() => {
    const programs = device();
    return programs === undefined ? [] : [deviceTree(programs, environment)];
  });
  const externals = once(() =>
    externalTrees(
      config.layers.map(({ layer }) => layer),
      own(),
    ),
  );
  const parts = once(async () => {
    const { directory } = tree();
    // Shared by all workspaces that are built from the tree.
    const remembered = join(environment.cache, 'buildroot/trees', `${sha256(directory).slice(0, 32)}.json`);
    const hashes = new PartHashes(remembered, directory);
    const whole = await treeStat(directory, readNames(directory));
    const found = new Map(hashes.all(whole) ?? (await readParts(directory, hashes, whole)));
    for (const external of externals()) {
      const byContent: HashPart = (_, names) => contentHash(external.directory, names, environment.hashes);
      const parts = treeParts(external.directory, byContent);
      const isOwn = own().includes(external);
      for (const [name, hash] of isOwn ? deviceParts(parts, device()?.digest) : parts) {
        found.set(`${external.name}/${name}`, hash);
      }
    }
    return found;
  });
  let known: KconfigModel | undefined;
  const model = (kconfig: KconfigSource): KconfigModel => {
    known ??= readKconfig(kconfig);
    return known;
  };
  return { tree, externals, device, parts, model };
}

async function readParts(directory: string, hashes: PartHashes, whole: string | undefined): Promise<TreeParts> {
  const parts = treeParts(directory, hashes.hash);
  await hashes.save(whole);
  return parts;
}

/** Its programs are compiled from device/ by what is in external.mk, and nothing there is for other packages. */
function deviceParts(parts: TreeParts, source: string | undefined): TreeParts {
  const all = [parts.get('infrastructure'), source].join(' ');
  const packages = [...parts].filter(([name]) => name.startsWith('package/'));
  return new Map(packages.map(([name, hash]) => [name, sha256(`${hash} ${all}`)]));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
