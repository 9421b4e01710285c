/**
 * What the output directory was last made of, kept beside it. It is written before make begins, once all that has to be built
 * anew was taken back: whatever becomes of that make, the next one goes on from there.
 */
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../../host/files.ts';
import type { Value } from '../../../kconfig/assignment.ts';
import type { PackageInfo } from '../build/package-info.ts';
import type { BuildFacts } from './plan-work.ts';

/** Raise it when what is kept means something else. */
const FORMAT = 'coracle-buildroot-1';

interface StateFile {
  readonly format: string;
  readonly dotConfig: Readonly<Record<string, Value>>;
  readonly parts: Readonly<Record<string, string>>;
  readonly layerFiles: Readonly<Record<string, string>>;
  readonly overlay: Readonly<Record<string, string>>;
  readonly named: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, PackageInfo>>;
}

/** Undefined if there is none, or none that can be relied on. */
export async function readState(path: string): Promise<BuildFacts | undefined> {
  try {
    const file = JSON.parse(await readFile(path, 'utf8')) as StateFile;
    if (file.format !== FORMAT) return undefined;
    return {
      dotConfig: new Map(Object.entries(file.dotConfig)),
      parts: new Map(Object.entries(file.parts)),
      layerFiles: new Map(Object.entries(file.layerFiles)),
      overlay: new Map(Object.entries(file.overlay)),
      named: new Map(Object.entries(file.named)),
      packages: new Map(Object.entries(file.packages)),
    };
  } catch {
    return undefined;
  }
}

export async function writeState(path: string, facts: BuildFacts): Promise<void> {
  const file: StateFile = {
    format: FORMAT,
    dotConfig: Object.fromEntries(facts.dotConfig),
    parts: Object.fromEntries(facts.parts),
    layerFiles: Object.fromEntries(facts.layerFiles),
    overlay: Object.fromEntries(facts.overlay),
    named: Object.fromEntries(facts.named),
    packages: Object.fromEntries(facts.packages),
  };
  await writeFileAtomic(path, JSON.stringify(file));
}
