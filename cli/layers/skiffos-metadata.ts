/**
 * SkiffOS's metadata/ directory as parts of a Layer value, with SkiffOS's meaning: a one-line description, dependencies
 * separated by commas or white space, `name description` lines of commands, and an `unlisted` file that counts by being there.
 */
import { join } from 'node:path';
import type { FailureParts } from '../failure.ts';
import { readText } from '../host/look-at.ts';
import type { LayerCommand, Located } from './layer.ts';
import type { EntryKind } from './layer-contents.ts';
import { checkLayerName } from './layer-name.ts';
import { type LayerMetadata, NO_DEBIAN_PART } from './layer-yaml.ts';

const FILES = ['buildtarget', 'commands', 'dependencies', 'description', 'uniquegroup', 'unlisted'];

/**
 * @param entries what the directory holds; empty for a layer without metadata/.
 * @throws Failure `bad-layer-name`, `unreadable-file`
 */
export function readSkiffosMetadata(
  directory: string,
  entries: ReadonlyMap<string, EntryKind>,
  layer: string,
): { readonly metadata: LayerMetadata; readonly warnings: readonly FailureParts[] } {
  const read = (name: string): string => (entries.has(name) ? readText(join(directory, name), layer) : '');
  const words = (name: string) => locatedWords(read(name), join(directory, name));
  const depends = words('dependencies');
  for (const { value, place } of depends) checkLayerName({ name: value, place });
  return {
    metadata: {
      description: read('description').trim().replaceAll(/\s+/g, ' '),
      depends,
      conflicts: [],
      // Reserved by SkiffOS for what Coracle calls a role; a layer that has it means the same.
      provides: words('uniquegroup'),
      unlisted: entries.has('unlisted'),
      arch: [],
      commands: commands(read('commands')),
      accept: [],
      slots: [],
      debian: NO_DEBIAN_PART,
    },
    warnings: [...entries.keys()]
      .filter((name) => !FILES.includes(name) || name === 'buildtarget')
      .map((name) => ({
        code: 'unknown-file',
        message: `nothing reads ${name} in metadata/`,
        place: { file: join(directory, name) },
        layer,
      })),
  };
}

function commands(text: string): readonly LayerCommand[] {
  return text.split('\n').flatMap((line) => {
    const [, name, description] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(line) ?? [];
    return name === undefined || description === undefined ? [] : [{ name, description }];
  });
}

function locatedWords(text: string, file: string): readonly Located<string>[] {
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(/[^\s,]+/g)].map((match) => ({
      value: match[0],
      place: { file, line: index + 1, column: match.index + 1, length: match[0].length },
    })),
  );
}
