/** Command lines for people to type, about a workspace that they named before, or let the environment name. */
import { quoteForPeople } from '../host/process.ts';
import type { ResolvedConfig } from './resolved.ts';

/** `coracle build qemu`, `coracle build virt/qemu,core/podman --offline`; with words that a shell takes as they are meant. */
export function commandLine(
  verb: string,
  { workspace, asked }: Pick<ResolvedConfig, 'workspace' | 'asked'>,
  options: readonly string[] = [],
): string {
  return ['coracle', verb, ...(asked ?? [workspace]), ...options].map(quoteForPeople).join(' ');
}
