/** Options of every verb that builds. */
import type { Options } from 'yargs';

export const BUILD_OPTIONS = {
  jobs: { alias: 'j', type: 'number', describe: 'Stages at work at once, over all workspaces (default: processors)' },
  offline: { type: 'boolean', describe: 'Use nothing but the cache' },
  wait: { type: 'boolean', default: true, describe: 'Wait while somebody else builds the workspace; --no-wait fails' },
} as const satisfies Record<string, Options>;
