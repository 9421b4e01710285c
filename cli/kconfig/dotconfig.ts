/** Whole configurations as `.config` text: written for a Kconfig to read, and read back to see what it made of it. */
import type { MergedConfig, Value } from './assignment.ts';
import { readFragmentText } from './fragment-text.ts';
import { winner } from './merge.ts';
import { type FragmentSource, scanFragment } from './scan.ts';
import { formatAssignment } from './value.ts';

/** The winning value of every symbol, a line each, in the order of first assignment. */
export function formatDotConfig(config: MergedConfig): string {
  let text = '';
  for (const chain of config.values()) text += `${formatAssignment(chain.symbol, winner(chain).value)}\n`;
  return text;
}

/** A `.config` that a Kconfig has written: symbol → value. Absent symbols are absent. */
export type DotConfig = ReadonlyMap<string, Value>;

export function parseDotConfig(text: string, source: FragmentSource): DotConfig {
  const values = new Map<string, Value>();
  scanFragment(text, source, {
    line(_start, _end, _next, assignment) {
      if (assignment !== undefined) values.set(assignment.symbol, assignment.value);
    },
  });
  return values;
}

/** @param who stands for the layer in failures, e.g. `package linux-image-amd64` */
export function readDotConfig(file: string, who: string): DotConfig {
  return parseDotConfig(readFragmentText(file, who), { file, layer: who });
}
