/** Options of every verb that builds. */
import type { Options } from 'yargs';
import { numberOption } from './number-option.ts';

/** More jobs than a build has are no use, and no harm. */
const MOST_JOBS = 1024;

export const BUILD_OPTIONS = {
  jobs: {
    alias: 'j',
    ...numberOption('jobs', {
      describe:
        'Jobs at once, over all workspaces and those of make included; as many as there are processors if not given',
      least: 1,
      most: MOST_JOBS,
    }),
  },
  offline: { type: 'boolean', describe: 'Use nothing but the cache' },
  wait: {
    type: 'boolean',
    default: true,
    describe: 'With --no-wait, fail at once while somebody else builds the workspace, instead of waiting',
  },
} as const satisfies Record<string, Options>;
