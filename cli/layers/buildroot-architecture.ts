/**
 * The architecture that Buildroot fragments ask for. Layers of SkiffOS have no other way to say it: a board sets
 * BR2_aarch64=y. The symbols are one choice of Buildroot's arch/Config.in, so the last of them that is set counts.
 */
import type { Assignment, MergedConfig } from '../kconfig/assignment.ts';
import { winner } from '../kconfig/merge.ts';
import type { Architecture, Layer } from './layer.ts';

export const BUILDROOT_SYMBOLS = { x86_64: 'BR2_x86_64', arm64: 'BR2_aarch64' } as const satisfies Readonly<
  Record<Architecture, string>
>;

/** What else the choice has, in one of the releases of Buildroot. */
const OTHERS = [
  ...['BR2_aarch64_be', 'BR2_arceb', 'BR2_arcle', 'BR2_arm', 'BR2_armeb', 'BR2_csky', 'BR2_i386', 'BR2_loongarch64'],
  ...['BR2_m68k', 'BR2_microblazebe', 'BR2_microblazeel', 'BR2_mips', 'BR2_mips64', 'BR2_mips64el', 'BR2_mipsel'],
  ...['BR2_nds32', 'BR2_nios2', 'BR2_or1k', 'BR2_powerpc', 'BR2_powerpc64', 'BR2_powerpc64le', 'BR2_riscv'],
  ...['BR2_s390x', 'BR2_sh', 'BR2_sh64', 'BR2_sparc', 'BR2_sparc64', 'BR2_xtensa'],
];

export interface AskedArchitecture {
  /** Undefined: one that Coracle does not build for. */
  readonly arch: Architecture | undefined;
  readonly assignment: Assignment;
}

/** Undefined if no fragment of these layers says anything. @param symbols merged from the fragments of `layers`, in order */
export function buildrootArchitecture(layers: readonly Layer[], symbols: MergedConfig): AskedArchitecture | undefined {
  const known = new Map<string, Architecture | undefined>([
    ...OTHERS.map((symbol) => [symbol, undefined] as const),
    ...Object.entries(BUILDROOT_SYMBOLS).map(([arch, symbol]) => [symbol, arch as Architecture] as const),
  ]);
  const files = layers.flatMap((layer) => layer.contents.fragments.buildroot);
  const rank = ({ origin }: Assignment): number => files.indexOf(origin.file);
  const set = [...known.keys()]
    .flatMap((symbol) => symbols.get(symbol) ?? [])
    .map(winner)
    .filter(({ value }) => value.kind === 'tristate' && value.value === 'y')
    .sort((a, b) => rank(a) - rank(b) || a.origin.line - b.origin.line);
  const assignment = set.at(-1);
  return assignment === undefined ? undefined : { arch: known.get(assignment.symbol), assignment };
}
