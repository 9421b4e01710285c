/** A menu of Kconfig for one namespace of a workspace: what it shows, and what fragments make of it. */
import type { Namespace } from '../../../kconfig/assignment.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { OwnAssignment } from '../configure/own-assignment.ts';

export const MENU_PROGRAMS = { menuconfig: 'mconf', nconfig: 'nconf', xconfig: 'qconf' } as const;
export type MenuName = keyof typeof MENU_PROGRAMS;

export interface Configured {
  /** The final `.config`, and what it says. */
  readonly text: string;
  readonly final: DotConfig;
  /** What Coracle sets itself. */
  readonly own: readonly OwnAssignment[];
}

export interface ConfigurationMenu {
  readonly namespace: Namespace;
  /** What is configured, for messages: `Buildroot 2026.02.3`, `linux 6.12.1`. */
  readonly what: string;
  /** What a workspace's fragments come to. */
  readonly configure: (config: ResolvedConfig) => Promise<Configured>;
  /** Whether {@link configure} takes a fraction of a second, so that it can be asked often. */
  readonly isQuick: boolean;
  /** Lets the user work. @returns the `.config` that was saved, undefined if none was */
  readonly open: (config: ResolvedConfig) => Promise<string | undefined>;
  /** A final configuration without what follows from defaults; undefined where the Kconfig cannot do that. */
  readonly compact?: (dotConfig: string) => Promise<DotConfig>;
}
