/**
 * What a toolchain is to the rest of the engine: stages before the configuration, and what is asked of Buildroot, once they
 * ran, in place of what the layers ask for.
 */
import { sha256 } from '../../../host/files.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import type { Stage, StageContext } from '../../../stages/stage.ts';
import type { StageFile } from '../../engine.ts';
import type { OwnAssignment } from '../configure/own-assignment.ts';
import type { BuildrootTree } from '../tree/buildroot-tree.ts';

/** How results of stages are found. */
export type Results = Pick<StageContext, 'outputOf'>;

export interface ToolchainPlan {
  /** Before the configuration: which toolchain it is. */
  readonly stages: readonly Stage[];
  /** JSON ToolchainFacts of engine.ts, in one of {@link stages}; undefined where Buildroot builds it together with the rest. */
  readonly facts?: StageFile;
  /** Before anything is built: the toolchain itself, where that takes long. */
  readonly built: readonly Stage[];
  /** Once {@link stages} ran. */
  readonly assignments: (results: Results) => Promise<readonly OwnAssignment[]>;
  /** Lines for the makefile of BR2_PACKAGE_OVERRIDE_FILE. */
  readonly overrides: (results: Results) => Promise<string>;
  /** Whether a symbol that a layer asks for is answered by the toolchain, whatever it says then. */
  readonly answers: (symbol: string) => boolean;
}

/** Buildroot builds one, or takes the one that layers name. */
export const OWN_TOOLCHAIN: ToolchainPlan = {
  stages: [],
  built: [],
  assignments: async () => [],
  overrides: async () => '',
  answers: () => false,
};

/** Symbols that say which toolchain Buildroot builds or takes, and of what. */
export function isToolchainSymbol(symbol: string): boolean {
  return TOOLCHAIN_SYMBOLS.test(symbol);
}

/** Tells compilers apart, for ccache: Buildroot's does not see that one has changed. */
export function compilerHash(config: DotConfig, { version }: Pick<BuildrootTree, 'version'>): string {
  const compiler = [...config].filter(([symbol]) => symbol === 'BR2_ARCH' || isToolchainSymbol(symbol));
  return sha256(JSON.stringify([version, compiler])).slice(0, 32);
}

const TOOLCHAIN_SYMBOLS =
  /^BR2_(?:TOOLCHAIN_(?:BUILDROOT|EXTERNAL)\w*|GCC_\w+|EXTRA_GCC_\w+|BINUTILS_\w+|(?:DEFAULT_)?KERNEL_HEADERS\w*|DEFAULT_KERNEL_VERSION|PACKAGE_HOST_LINUX_HEADERS_\w+|PACKAGE_GLIBC_KERNEL_COMPAT|GLIBC_\w+|UCLIBC_\w+|PTHREAD\w*)$/;
