/**
 * The source files that the programs for the device are compiled from: everything in device/ but what only tests, fuzzing
 * and people read. Stages are keyed by them, and a compilation works on a copy, so that both see the same bytes.
 */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../failure.ts';
import type { FileHashes } from '../stages/file-hashes.ts';
import type { StageInput } from '../stages/stage.ts';

/** Directories that no program comes from. */
const LEFT_OUT = new Set(['target', 'fuzz', 'tests']);

/** Paths below `device`, sorted. */
export function deviceSources(device: string): readonly string[] {
  return readdirSync(device, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && (/^Cargo\.(toml|lock)$/.test(entry.name) || entry.name.endsWith('.rs')))
    .map((entry) => join(entry.parentPath, entry.name).slice(device.length + 1))
    .filter((path) => !path.split('/').some((part) => LEFT_OUT.has(part)) && !/(^|\/)tests\.rs$/.test(path))
    .sort();
}

/** One input for each file, named as in the checkout. */
export function sourceInputs(device: string, hashes: FileHashes): StageInput[] {
  return deviceSources(device).map((path) => ({ name: `device/${path}`, hash: hashes.file(join(device, path)) }));
}

/** @throws Failure `changed-meanwhile` if a file is no longer what `inputs` say */
export function copySources(device: string, to: string, inputs: readonly StageInput[], hashes: FileHashes): void {
  for (const { name, hash } of inputs) {
    const path = name.slice('device/'.length);
    const copy = join(to, path);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(device, path), copy);
    if (hashes.file(copy) !== hash) {
      throw new Failure({
        code: 'changed-meanwhile',
        message: `${join(device, path)} was changed while it was being compiled`,
        hint: 'build again',
      });
    }
  }
}
