/**
 * The one stream of events that every stage reports to. The live tree, plain lines and JSON are renderings of it.
 *
 * Consumers match on `kind`; producers hold only a {@link Report}, so nothing below ui/ knows about terminals.
 */
import type { FailureParts } from '../failure.ts';

export type Event =
  /** The steps that may come, in their order; sent once, before the first of them. */
  | { readonly kind: 'plan'; readonly steps: readonly { readonly step: StepId; readonly title: string }[] }
  | { readonly kind: 'step-started'; readonly step: StepId; readonly title: string }
  /** Replaces the step's last progress; `done`/`total` are in `unit`s (packages, bytes). */
  | {
      readonly kind: 'step-progress';
      readonly step: StepId;
      readonly text: string;
      readonly done?: number;
      readonly total?: number;
      readonly unit?: string;
    }
  | {
      readonly kind: 'step-ended';
      readonly step: StepId;
      readonly outcome: 'done' | 'fresh' | 'failed' | 'stopped';
      readonly ms: number;
    }
  | { readonly kind: 'note'; readonly step?: StepId; readonly text: string }
  | {
      readonly kind: 'warning';
      readonly step?: StepId;
      readonly text: string;
      readonly cause?: string;
      readonly hint?: string;
    }
  | { readonly kind: 'failure'; readonly failure: FailureParts }
  /** What a program writes that the user called by way of Coracle, untouched. */
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array }
  /** The verb's result as data; `table` renders on terminals, `value` in JSON. */
  | { readonly kind: 'result'; readonly value: unknown; readonly text: string };

/** `<workspace>/<stage>`, or a single word for steps outside of a workspace. */
export type StepId = string;

export type Report = (event: Event) => void;
