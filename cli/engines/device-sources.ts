/**
 * The source files that the programs for the device are compiled from: everything in device/ but what only tests, fuzzing
 * and people read. Stages are keyed by those of one program, and a compilation works on a copy of all, so that both see the
 * same bytes.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
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

/** Those of {@link sourceInputs} that one program is made of: its crate, the crates that it needs, and what all have in common. */
export function programInputs(device: string, program: string, hashes: FileHashes): StageInput[] {
  const crates = [...crateClosure(device, program)].map((crate) => `device/${crate}/`);
  return sourceInputs(device, hashes).filter(
    ({ name }) => /^device\/Cargo\.\w+$/.test(name) || crates.some((crate) => name.startsWith(crate)),
  );
}

/** Directories below `device` of a crate and of all that it depends on to be built, from the Cargo.toml files. */
function crateClosure(device: string, program: string): ReadonlySet<string> {
  const shared = new Map(
    dependencies(readText(join(device, 'Cargo.toml')), 'workspace.dependencies').flatMap(([name, value]) => {
      const path = /\bpath = "([^"]+)"/.exec(value)?.[1];
      return path === undefined ? [] : [[name, path] as const];
    }),
  );
  const found = new Set([program]);
  // What is added to a set while it is walked is walked, too.
  for (const crate of found) {
    const manifest = readText(join(device, crate, 'Cargo.toml'));
    for (const section of ['dependencies', 'build-dependencies']) {
      for (const [name] of dependencies(manifest, section)) {
        const path = shared.get(name);
        if (path !== undefined) found.add(path);
      }
    }
  }
  return found;
}

/** `name` and what is behind the `=` of a section: all of ours are one line each, named by the workspace. */
function dependencies(manifest: string, section: string): readonly (readonly [name: string, value: string])[] {
  const text = `\n${manifest}`.split(`\n[${section}]\n`)[1]?.split('\n[')[0] ?? '';
  return [...text.matchAll(/^([\w-]+)(?:\.workspace)? = (.*)$/gm)].map(([, name = '', value = '']) => [name, value]);
}

function readText(file: string): string {
  return readFileSync(file, 'utf8');
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
