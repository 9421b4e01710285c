/**
 * The layers that can be reached: finds one by name in an ordered list of roots, the first root that has it winning, and
 * reads only what is asked for. A name that no root has is a failure with the nearest names.
 */
import { join } from 'node:path';
import { Failure, type FailureParts } from '../failure.ts';
import { isDirectory } from '../host/look-at.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import type { Layer, LayerRoot } from './layer.ts';
import { CONTENT_DIRECTORIES, compareNames, LAYER_FILE, listDirectory, METADATA_DIRECTORY } from './layer-contents.ts';
import { checkLayerName, LAYER_NAME, LAYER_NAME_RULE, type LayerRequest } from './layer-name.ts';
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
  /** By directory of a root. */
  readonly #walked = new Map<string, readonly string[]>();

  constructor(roots: readonly LayerRoot[]) {
    this.roots = roots;
  }

  /** @throws Failure `bad-layer-name`, `unknown-layer`, and what is wrong with the layer */
  find(request: LayerRequest): Layer {
    const known = this.#read.get(request.name);
    if (known !== undefined) return known;
    this.#checkName(request);
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
      for (const name of this.#layerDirectories(root.directory).filter((each) => LAYER_NAME.test(each))) {
        const first = found.get(name);
        const place = { name, root, directory: join(root.directory, name), hides: [] };
        if (first === undefined) found.set(name, place);
        // A directory may be named twice, by the environment and by coracle.yaml.
        else if (first.directory !== place.directory) found.set(name, { ...first, hides: [...first.hides, root] });
      }
    }
    return [...found.values()].sort((a, b) => compareNames(a.name, b.name));
  }

  /** Directories that hold a layer, but are called what no layer can be; so nobody can ask for them. */
  misnamed(): readonly FailureParts[] {
    return this.#misnamed().map(({ name, directory }) => ({
      code: 'bad-layer-name',
      message: `${JSON.stringify(name)} is not a layer name, so this layer cannot be asked for`,
      place: { file: directory },
      hint: `rename the directory: ${LAYER_NAME_RULE}`,
    }));
  }

  #misnamed(): readonly Pick<LayerPlace, 'name' | 'directory'>[] {
    const directories = new Set(this.roots.map((root) => root.directory));
    return [...directories].flatMap((directory) =>
      this.#layerDirectories(directory)
        .filter((name) => !LAYER_NAME.test(name))
        .map((name) => ({ name, directory: join(directory, name) })),
    );
  }

  #layerDirectories(root: string): readonly string[] {
    const found = this.#walked.get(root) ?? layerDirectories(root);
    this.#walked.set(root, found);
    return found;
  }

  #checkName(request: LayerRequest): void {
    try {
      checkLayerName(request);
    } catch (error) {
      const there = this.#misnamed().find(({ name }) => name === request.name);
      if (there === undefined || !(error instanceof Failure)) throw error;
      throw error.with({ cause: `${there.directory} is a layer that has to be renamed` });
    }
  }

  #unknown({ name, place }: LayerRequest, hollow: readonly string[]): Failure {
    const names = this.list().map((layer) => layer.name);
    // On a command line, a space ends the name.
    const cut = this.#misnamed().find((layer) => layer.name.split(/[\s,]/)[0] === name);
    const renamed = cut && `${cut.directory} has to be renamed before it can be used: ${LAYER_NAME_RULE}`;
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
        renamed,
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

/** `<group>/<name>` of all that looks like a layer, names that cannot be asked for among them. */
function layerDirectories(root: string): readonly string[] {
  return directoriesIn(root).flatMap((group) =>
    directoriesIn(join(root, group))
      .map((name) => `${group}/${name}`)
      .filter((name) => isLayer(listDirectory(join(root, name)))),
  );
}

function directoriesIn(directory: string): readonly string[] {
  if (!isDirectory(directory)) return [];
  return [...listDirectory(directory)].filter(([, kind]) => kind === 'directory').map(([name]) => name);
}
