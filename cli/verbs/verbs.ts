/** The verbs by name. A verb's module is loaded when it is asked for, so that the others cost nothing. */
import type { Verb } from './verb.ts';

export interface VerbEntry {
  readonly command: string;
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

export const VERBS: readonly VerbEntry[] = [
  { command: 'build [workspace..]', summary: 'Build images', load: async () => (await import('./build.ts')).build },
  {
    command: 'status [workspace]',
    summary: 'Say what is stale, and because of what',
    load: async () => (await import('./status.ts')).status,
  },
];
