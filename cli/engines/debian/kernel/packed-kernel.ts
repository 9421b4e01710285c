/** What a stage that brings a kernel hands to those that use it, and what of a workspace decides about a kernel. */
import { sha256 } from '../../../host/files.ts';
import { formatDotConfig } from '../../../kconfig/dotconfig.ts';
import type { StageInput } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';

/** A kernel in a tar that is laid out like a linux-image package, or the package of its source. */
export interface PackedKernel {
  /** For messages: `linux-image-6.1.0-56-cloud-amd64`. */
  readonly name: string;
  readonly version: string;
  /** Uncompressed, in the cache. */
  readonly tar: string;
  /** Identifies it: the SHA-256 of the package, or of what it was compiled from. */
  readonly key: string;
}

/** What is asked for and what is accepted; where it was written only matters to messages. */
export function symbolInputs(config: ResolvedConfig): readonly StageInput[] {
  const accepted = [...config.layers.flatMap(({ layer }) => layer.accept), ...(config.settings.accept ?? [])];
  const symbols = accepted.map(({ namespace, symbol }) => [namespace, symbol]);
  return [
    { name: 'kernel fragments', hash: sha256(formatDotConfig(config.symbols.kernel)) },
    { name: 'accepted differences', hash: sha256(JSON.stringify(symbols)) },
  ];
}
