/**
 * The words of Kconfig configuration, shared by every stage: namespaces, values, assignments and their origin.
 *
 * Values are those of a `.config` file (Documentation/kbuild/kconfig-language.rst and conf's own writer).
 */

export const NAMESPACES = ['buildroot', 'kernel', 'uboot', 'busybox'] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** `n` is written both as `X=n` and as `# X is not set`; both read as the same value. */
export type Value =
  | { readonly kind: 'tristate'; readonly value: 'y' | 'm' | 'n' }
  /** Without its quotes and escapes. */
  | { readonly kind: 'string'; readonly value: string }
  /** As written, e.g. `-12`. */
  | { readonly kind: 'int'; readonly value: string }
  /** As written, e.g. `0x1F`. */
  | { readonly kind: 'hex'; readonly value: string };

/** Where an assignment was written. */
export interface Origin {
  /** Layer name, e.g. `core/podman`. */
  readonly layer: string;
  /** Absolute path of the fragment. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface Assignment {
  /** With its prefix as written: `BR2_INIT_BUSYBOX`, `CONFIG_EXT4_FS`. */
  readonly symbol: string;
  readonly value: Value;
  readonly origin: Origin;
}

/** Every assignment that was made to a symbol, first to last; the last one wins. Never empty. */
export interface SymbolChain {
  readonly symbol: string;
  readonly chain: readonly Assignment[];
}

/** Symbols of one namespace in the order of their first assignment. */
export type MergedConfig = ReadonlyMap<string, SymbolChain>;
