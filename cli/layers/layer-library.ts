/**
 * The layers that can be reached: finds one by name in an ordered list of roots, the first root that has it winning, and
 * reads only what is asked for. A name that no root has is a failure with the nearest names.
 */
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { isDirectory } from '../host/look-at.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import type { Layer, LayerRoot } from './layer.ts';
import { CONTENT_DIRECTORIES, compareNames, LAYER_FILE, listDirectory, METADATA_DIRECTORY } from './layer-contents.ts';
import { checkLayerName, LAYER_NAME, LAYER_NAME_PART, type LayerRequest } from './layer-name.ts';
import { isLayer, readLayer } from './read-layer.ts';

/** Where a repository of layers keeps them, if not at its top. */
export const WHERE_REPOSITORIES_KEEP_LAYERS: readonly string[] = ['layers', 'configs'];

/** A layer directory that was seen but not read. */
export interface LayerPlace {
  readonly name: string;
  readonly root: LayerRoot;
  readonly directory: string;
  /** Roots further back that have a layer of the same name, which is not used. */
  readonly hides: readonly LayerRoot[];
}

export class LayerLibrary {
  readonly roots: readonly LayerRoot[];
  readonly #read = new Map<string, Layer>();

  constructor(roots: readonly LayerRoot[]) {
    this.roots = roots;
  }

  /** @throws Failure `bad-layer-name`, `unknown-layer`, and what is wrong with the layer */
  find(request: LayerRequest): Layer {
    const known = this.#read.get(request.name);
    if (known !== undefined) return known;
    checkLayerName(request);
    const hollow: string[] = [];
    for (const root of this.roots) {
      const directory = join(root.directory, request.name);
      const layer = isDirectory(directory) ? readLayer(request.name, root, directory) : undefined;
      if (layer !== undefined) {
        this.#read.set(request.name, layer);
        return layer;
      }
      if (isDirectory(directory)) hollow.push(directory);
    }
    throw this.#unknown(request, hollow);
  }

  /** Every layer of every root, sorted by name. Walks the roots, which `find` never does. */
  list(): readonly LayerPlace[] {
    const found = new Map<string, LayerPlace>();
    for (const root of this.roots) {
      for (const name of layerNames(root)) {
        const first = found.get(name);
        const place = { name, root, directory: join(root.directory, name), hides: [] };
        if (first === undefined) found.set(name, place);
        // A directory may be named twice, by the environment and by coracle.yaml.
        else if (first.directory !== place.directory) found.set(name, { ...first, hides: [...first.hides, root] });
      }
    }
    return [...found.values()].sort((a, b) => compareNames(a.name, b.name));
  }

  #unknown({ name, place }: LayerRequest, hollow: readonly string[]): Failure {
    const names = this.list().map((layer) => layer.name);
    const roots = this.roots.map(({ label, directory }) =>
      label.includes(directory) ? label : `${label} (${directory})`,
    );
    return new Failure({
      code: 'unknown-layer',
      message: `there is no layer ${name}`,
      place,
      cause: hollow
        .map(
          (directory) =>
            `${directory} holds nothing of a layer: no ${LAYER_FILE}, ${METADATA_DIRECTORY}/, ${CONTENT_DIRECTORIES.slice(0, 2).join('/, ')}/ …`,
        )
        .join('\n'),
      hint: [
        didYouMean(name, names),
        ...this.roots.flatMap(wholeRepository),
        `looked in ${roots.join(', ')}`,
        'coracle layers --all lists what there is',
      ]
        .filter((part) => part !== undefined)
        .join('\n'),
    });
  }
}

/** A variable of SkiffOS names the directory of the groups itself; somebody may have named the checkout around it. */
function wholeRepository({ label, directory }: LayerRoot): readonly string[] {
  return WHERE_REPOSITORIES_KEEP_LAYERS.filter((name) => isDirectory(join(directory, name))).map(
    (name) => `${label} has a directory ${name}/: name that`,
  );
}

/** Names that cannot be asked for are left out: a root may hold other things than layers. */
function layerNames(root: LayerRoot): readonly string[] {
  return directoriesIn(root.directory)
    .filter((group) => LAYER_NAME_PART.test(group))
    .flatMap((group) =>
      directoriesIn(join(root.directory, group))
        .map((name) => `${group}/${name}`)
        .filter((name) => LAYER_NAME.test(name) && isLayer(listDirectory(join(root.directory, name)))),
    );
}

function directoriesIn(directory: string): readonly string[] {
  if (!isDirectory(directory)) return [];
  return [...listDirectory(directory)].filter(([, kind]) => kind === 'directory').map(([name]) => name);
}
