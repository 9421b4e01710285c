/** What Buildroot says about its packages, as facts that do not depend on the engine, on this machine or on its mirrors. */
import { isAbsolute, join, relative } from 'node:path';
import { licenceList } from '../../../licences/licence-list.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { PackageFacts, PackagePatch, PackageSource } from '../../engine-tools.ts';
import { enabledBy } from '../build/build-failure.ts';
import type { PackageInfo, PackageInfos } from '../build/package-info.ts';
import type { BuildPlaces } from '../build-places.ts';
import { appliedPatches, givenPatch } from '../layer-files/patches.ts';
import { packageHashes } from './hash-files.ts';

export interface FactsParts {
  readonly config: ResolvedConfig;
  readonly places: BuildPlaces;
  /** The Buildroot tree's directory. */
  readonly tree: string;
}

/** Virtual packages are left out: who needs one, needs what stands behind it. Sorted by name. */
export function packageFacts(infos: PackageInfos, parts: FactsParts): readonly PackageFacts[] {
  const named = [...infos].filter(([, info]) => info.type !== 'rootfs' && info.virtual !== true);
  return named.map(([name, info]) => factsOf(name, info, infos, parts)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function factsOf(name: string, info: PackageInfo, infos: PackageInfos, parts: FactsParts): PackageFacts {
  const version = info.version ?? '';
  const enabled = enabledBy(name, parts.config, infos);
  const cpe = info['cpe-id'];
  return {
    name,
    kind: info.type === 'host' ? 'tool' : name === 'linux' ? 'kernel' : 'target',
    version,
    licences: licenceList(info.licenses === 'unknown' ? '' : (info.licenses ?? '')),
    ...(info.redistributable === false ? { restriction: 'Buildroot says REDISTRIBUTE = NO' } : {}),
    ...(cpe === undefined ? {} : { cpe }),
    purl: `pkg:generic/${encodeURIComponent(info.name)}${version === '' ? '' : `@${encodeURIComponent(version)}`}`,
    ...(enabled === undefined ? {} : { layer: enabled.layer }),
    isAsked: enabled !== undefined && !enabled.text.includes(', needed by '),
    dependencies: realDependencies(info.dependencies, infos),
    sources: sourcesOf(info, parts),
    patches: patchesOf(info, parts),
  };
}

function realDependencies(names: readonly string[], infos: PackageInfos): readonly string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const todo = [...names];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const info = infos.get(name);
    if (info?.virtual === true) todo.push(...info.dependencies);
    else if (info !== undefined) found.add(name);
  }
  return [...found].sort();
}

function sourcesOf(info: PackageInfo, { config, tree }: FactsParts): readonly PackageSource[] {
  const downloads = info.downloads ?? [];
  if (downloads.length === 0) return [];
  const hashes = packageHashes(info, tree);
  const { mirror } = config.settings.buildroot;
  return downloads.map(({ source, uris }) => {
    const places = uris.map((uri) => uri.replace(/^[^+]*\+/, ''));
    // Mirrors are of the machine that builds.
    const place = places.find((uri) => !uri.startsWith('file:') && (mirror === undefined || !uri.startsWith(mirror)));
    const hash = hashes.get(source);
    const url = place === undefined ? encodeURI(source) : `${place}/${encodeURI(source)}`;
    return { url, ...(hash === undefined ? {} : { sha256: hash }) };
  });
}

/** As the build applied them, or as the release says that it would; by the layer that gives them, or the tree. */
function patchesOf(info: PackageInfo, { config, places, tree }: FactsParts): readonly PackagePatch[] {
  const applied = info.patches ?? appliedPatches(join(places.output, info.build_dir ?? ''));
  const layers = config.layers.map(({ layer }) => layer);
  return applied.map((path) => {
    const file = isAbsolute(path) ? path : join(tree, path);
    const from = givenPatch(file, layers, places);
    if (from !== undefined) return { path: from.path, layer: from.layer };
    const inTree = relative(tree, file);
    const layer = layers.find(({ directory }) => file.startsWith(`${directory}/`));
    if (layer !== undefined) return { path: relative(layer.directory, file), layer: layer.name };
    return { path: inTree.startsWith('..') ? (file.split('/').at(-1) ?? file) : inTree };
  });
}
