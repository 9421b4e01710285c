/**
 * What the layers give to Buildroot besides symbols, as files to be: fragments, patches, the overlay, the users table, hook
 * scripts. Nothing is written here; what a build depends on can be told from the plan by content.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { throwAny } from '../../../failure.ts';
import { sha256 } from '../../../host/files.ts';
import type { Namespace } from '../../../kconfig/assignment.ts';
import { formatAssignment } from '../../../kconfig/value.ts';
import { PATCH_KINDS } from '../../../layers/layer.ts';
import { addLayerOverlay } from '../../../rootfs/layer-overlay.ts';
import type { LostMode } from '../../../rootfs/overlay-modes.ts';
import { RootTree } from '../../../rootfs/tree.ts';
import { treeDigest } from '../../../rootfs/tree-digest.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type BuildPlaces, LAYER_FILES } from '../build-places.ts';
import { askedOf } from '../configure/request.ts';
import { layerPatches, PATCH_DIRECTORIES } from './patches.ts';
import { hookScripts } from './scripts.ts';
import { layerUsers } from './users.ts';

export interface PlannedFile {
  readonly data: Uint8Array | string;
  readonly executable?: true;
}

export interface LayerFilesPlan {
  /** Path below the layer files → what is to be there. */
  readonly files: ReadonlyMap<string, PlannedFile>;
  /** Undefined if no layer has an overlay. */
  readonly overlay: RootTree | undefined;
  readonly overlayDigest: string;
  readonly lostModes: readonly LostMode[];
}

export interface LayerFilesOptions {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly places: BuildPlaces;
  /** Whether /bin, /lib and /sbin are links into /usr. */
  readonly mergedUsr: boolean;
  /** Files of other parts of the engine, by path below the layer files. */
  readonly more?: ReadonlyMap<string, PlannedFile>;
}

/** @throws Failure for whatever is wrong with a patch's name, an overlay, a users table */
export async function planLayerFiles(options: LayerFilesOptions): Promise<LayerFilesPlan> {
  const { config, environment, places, more } = options;
  const files = new Map<string, PlannedFile>(more);
  const fragments = [
    ['kernel', LAYER_FILES.kernelFragment],
    ['uboot', LAYER_FILES.ubootFragment],
    ['busybox', LAYER_FILES.busyboxFragment],
  ] as const satisfies readonly (readonly [Namespace, string])[];
  for (const [namespace, file] of fragments) {
    if (config.symbols[namespace].size > 0) files.set(file, { data: fragmentText(config, namespace) });
  }
  const layers = config.layers.map(({ layer }) => layer);
  const patches = layerPatches(layers);
  for (const kind of PATCH_KINDS) {
    for (const { directory, files: found } of patches[kind]) {
      for (const [name, file] of found) {
        files.set(join(PATCH_DIRECTORIES[kind], directory, name), { data: readFileSync(file) });
      }
    }
  }
  const users = layerUsers(layers);
  throwAny(users.failures);
  if (users.text !== '') files.set(LAYER_FILES.users, { data: users.text });
  for (const [file, data] of hookScripts(config, places, environment.hashes))
    files.set(file, { data, executable: true });
  return { files, ...(await overlayOf(options)) };
}

/** The winners, each with the layer that it comes from: what a person finds when they look into the build. */
export function fragmentText(config: ResolvedConfig, namespace: Namespace): string {
  const lines: string[] = [];
  let layer = '';
  for (const { symbol, value, origin } of askedOf(config, namespace)) {
    if (origin.layer !== layer) lines.push(`# ${origin.layer}`);
    layer = origin.layer;
    lines.push(formatAssignment(symbol, value));
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Links that the target directory has before anything of an overlay is copied there. */
const MERGED = ['bin', 'lib', 'sbin'];

async function overlayOf({ config, environment, mergedUsr }: LayerFilesOptions) {
  const tree = new RootTree();
  const seeds = mergedUsr ? MERGED : [];
  for (const name of seeds) {
    tree.addDirectory(`/usr/${name}`, { origin: 'Buildroot' });
    tree.addLink(`/${name}`, `usr/${name}`, { origin: 'Buildroot' });
  }
  const lostModes: LostMode[] = [];
  const context = { values: config.values, ownDirectories: [environment.project, environment.installation] };
  let any = false;
  for (const { layer } of config.layers) {
    any ||= layer.contents.overlay !== undefined;
    lostModes.push(...(await addLayerOverlay(tree, layer, context)));
  }
  // Of what was there before, only what layers put into it goes to Buildroot.
  for (const name of seeds) {
    tree.remove(`/${name}`);
    if (tree.children(`/usr/${name}`).length === 0) tree.remove(`/usr/${name}`);
  }
  return { overlay: any ? tree : undefined, overlayDigest: any ? treeDigest(tree) : sha256(''), lostModes };
}
