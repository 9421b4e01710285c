/**
 * ResolvedConfig: everything that the user asked for in one workspace, as pure data. Engines read this and nothing else
 * of the user's configuration.
 */
import type { MergedConfig, Namespace } from '../kconfig/assignment.ts';
import type { AcceptedDifference, Architecture } from '../layers/layer.ts';
import type { OrderedLayer } from '../layers/order-layers.ts';

export const ENGINES = ['debian', 'buildroot'] as const;
export type EngineName = (typeof ENGINES)[number];

export const TOOLCHAINS = ['shared', 'own', 'machine'] as const;
export const HOST_TOOLS = ['buildroot', 'machine'] as const;

export interface ResolvedConfig {
  readonly workspace: string;
  /** The words of a command line that mean this workspace again: its name unless it says something else. */
  readonly asked?: readonly string[];
  readonly engine: EngineName;
  readonly arch: Architecture;
  /** First to last; later wins. */
  readonly layers: readonly OrderedLayer[];
  readonly symbols: Readonly<Record<Namespace, MergedConfig>>;
  /** What templates may use: slots with their final values, and `workspace`, `engine`, `arch`, `version`. */
  readonly values: Readonly<Record<string, string>>;
  readonly settings: WorkspaceSettings;
}

/** What coracle.yaml says about a workspace besides its layers; every field has a default. */
export interface WorkspaceSettings {
  /** Version of the product: in the manifest, and a part of the names of its slots. */
  readonly version: string;
  readonly kernel: 'package' | 'source';
  readonly scripts: 'model' | 'run';
  readonly bootPartitionMiB: number;
  readonly persistMiB: number;
  readonly debian: DebianSource;
  readonly buildroot: BuildrootSettings;
  /** Differences that the workspace accepts, besides those that its layers accept. */
  readonly accept?: readonly AcceptedDifference[];
}

export interface BuildrootSettings {
  /** Absolute; not looked at before the engine needs it. */
  readonly tree: string;
  /** What named the tree, for messages: `CORACLE_BUILDROOT`, `buildroot: in coracle.yaml`. */
  readonly treeFrom: string;
  /** BR2_PRIMARY_SITE. */
  readonly mirror?: string;
  readonly toolchain: (typeof TOOLCHAINS)[number];
  readonly hostTools: (typeof HOST_TOOLS)[number];
}

export interface DebianSource {
  /** deb822-style sources instead of the host's own, or undefined. */
  readonly mirror?: string;
  readonly suites?: readonly string[];
  readonly components?: readonly string[];
  readonly keyring?: string;
}
