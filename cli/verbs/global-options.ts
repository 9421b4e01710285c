/** Options of every verb. */
import type { Options } from 'yargs';

export const GLOBAL_OPTIONS = {
  json: { type: 'boolean', describe: 'Answer as JSON on stdout; a verb that takes its time writes one event a line' },
  'plain-output': { type: 'boolean', describe: 'Plain lines even on a terminal' },
} as const satisfies Record<string, Options>;
