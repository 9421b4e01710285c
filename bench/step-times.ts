/** Reads the steps out of the events that `coracle … --json` writes. */
import type { Event } from '../cli/ui/events.ts';

export interface StepTime {
  /** Without the workspace. */
  readonly step: string;
  readonly ms: number;
}

export function readEvents(output: string): readonly Event[] {
  return output
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as Event);
}

/** What was done, in the order in which it ended; steps with nothing to do are left out. */
export function stepTimes(output: string): readonly StepTime[] {
  return readEvents(output).flatMap((event) =>
    event.kind === 'step-ended' && event.outcome === 'done'
      ? [{ step: event.step.split('/').at(-1) ?? event.step, ms: event.ms }]
      : [],
  );
}
