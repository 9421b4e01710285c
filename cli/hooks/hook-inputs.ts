/** What the result of a stage that runs hooks depends on. */
import type { FileHashes } from '../stages/file-hashes.ts';
import type { StageInput } from '../stages/stage.ts';
import type { PlannedHook } from './hook-moments.ts';

/** The hook itself, and what its layer keeps for programs: `scripts/` and `resources/`. */
export function hookInputs({ layer, program }: PlannedHook, hashes: FileHashes): StageInput[] {
  const directories = [layer.contents.scripts, layer.contents.resources].filter((path) => path !== undefined);
  return [
    { name: program, hash: hashes.file(program) },
    ...directories.flatMap((path) => hashes.directory(path, path)),
  ];
}
