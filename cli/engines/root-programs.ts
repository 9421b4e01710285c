/**
 * Coracle's own programs in the root: which ones the layers of a workspace ask for (`programs` in layer.yaml), and what the
 * manifest and the bill of materials say of them. How they get there is up to the engine.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Layer, ROOT_PROGRAMS, type RootProgram } from '../layers/layer.ts';
import type { PackageFacts } from './engine-tools.ts';

export interface AskedProgram {
  readonly name: RootProgram;
  /** First to last. */
  readonly layers: readonly string[];
}

/** Each once, however many layers ask for it, in the order of {@link ROOT_PROGRAMS}. */
export function askedPrograms(layers: readonly Layer[]): readonly AskedProgram[] {
  return ROOT_PROGRAMS.flatMap((name) => {
    const asking = layers.filter(({ programs }) => programs?.some(({ value }) => value === name));
    return asking.length === 0 ? [] : [{ name, layers: asking.map((layer) => layer.name) }];
  });
}

/** Where a program is in the root. */
export function programPath(name: RootProgram): string {
  return `/usr/bin/${name}`;
}

/** Of all programs of device/: that of its workspace. */
export function deviceVersion(installation: string): string {
  const text = readFileSync(join(installation, 'device/Cargo.toml'), 'utf8');
  return /^\[workspace\.package\]\n(?:[^[].*\n)*?version = "([^"]+)"/m.exec(text)?.[1] ?? '';
}

/** For an engine that has no packages of its own for them. */
export function programFacts({ name, layers }: AskedProgram, version: string): PackageFacts {
  return {
    name,
    kind: 'target',
    version,
    licences: ['MIT'],
    purl: `pkg:generic/${name}@${encodeURIComponent(version)}`,
    ...(layers[0] === undefined ? {} : { layer: layers[0] }),
    isAsked: true,
    dependencies: [],
    sources: [],
    patches: [],
  };
}
