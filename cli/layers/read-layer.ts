/** Reads one layer from its directory: either form on disk becomes the same Layer value. */
import { join } from 'node:path';
import { Failure, Failures, throwAny } from '../failure.ts';
import type { Layer, LayerRoot } from './layer.ts';
import { withPrograms } from './layer-commands.ts';
import {
  CONTENT_DIRECTORIES,
  type EntryKind,
  LAYER_FILE,
  listDirectory,
  METADATA_DIRECTORY,
  MISNAMED,
  readContents,
} from './layer-contents.ts';
import { type LayerMetadata, NO_DEBIAN_PART, readLayerYaml } from './layer-yaml.ts';
import { readSkiffosMetadata } from './skiffos-metadata.ts';

/**
 * @param unsaid the form of a directory that has neither layer.yaml nor metadata/
 * @returns undefined if the directory holds nothing that makes a layer.
 * @throws Failure, all mistakes of the layer at once.
 */
export function readLayer(
  name: string,
  root: LayerRoot,
  directory: string,
  unsaid: Layer['form'] = 'skiffos',
): Layer | undefined {
  const entries = listDirectory(directory, name);
  if (!isLayer(entries)) return undefined;
  const form = entries.has(LAYER_FILE) ? 'coracle' : entries.has(METADATA_DIRECTORY) ? 'skiffos' : unsaid;
  const failures: Failure[] = [];
  const about = attempt(failures, () => readAbout(name, directory, entries));
  const found = attempt(failures, () => readContents(name, directory, form, entries));
  throwAny(failures);
  if (about === undefined || found === undefined) return undefined;
  const warnings = [...about.warnings, ...found.warnings];
  return {
    name,
    root,
    directory,
    form,
    ...about.metadata,
    commands: withPrograms(about.metadata.commands, found.contents.extensions),
    contents: found.contents,
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/** Whether a directory with these entries is a layer, however wrong it may be. */
export function isLayer(entries: ReadonlyMap<string, EntryKind>): boolean {
  if (entries.has(LAYER_FILE) || entries.get(METADATA_DIRECTORY) === 'directory') return true;
  if ([...entries.keys()].some((name) => MISNAMED.test(name))) return true;
  return CONTENT_DIRECTORIES.some((name) => entries.get(name) === 'directory');
}

/** A layer that says nothing of itself, such as the user's own overrides. */
export const NO_METADATA: LayerMetadata = {
  description: '',
  depends: [],
  conflicts: [],
  provides: [],
  unlisted: false,
  arch: [],
  commands: [],
  accept: [],
  slots: [],
  debian: NO_DEBIAN_PART,
};

function readAbout(
  name: string,
  directory: string,
  entries: ReadonlyMap<string, EntryKind>,
): ReturnType<typeof readSkiffosMetadata> {
  if (entries.has(LAYER_FILE)) return { metadata: readLayerYaml(join(directory, LAYER_FILE), name), warnings: [] };
  if (entries.get(METADATA_DIRECTORY) !== 'directory') return { metadata: NO_METADATA, warnings: [] };
  const metadata = join(directory, METADATA_DIRECTORY);
  return readSkiffosMetadata(metadata, listDirectory(metadata, name), name);
}

function attempt<T>(failures: Failure[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failures) failures.push(...error.all);
    else if (error instanceof Failure) failures.push(error);
    else throw error;
    return undefined;
  }
}
