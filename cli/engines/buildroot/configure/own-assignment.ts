import type { Value } from '../../../kconfig/assignment.ts';

/** An assignment that Coracle makes itself, beside those of layers. */
export interface OwnAssignment {
  readonly symbol: string;
  readonly value: Value;
  readonly why: string;
}
