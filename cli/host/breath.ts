/** Long work that never waits for anything lets nothing in: no Ctrl-C, no timer. This lets them in now and then. */
import { setImmediate } from 'node:timers/promises';

/** Often enough for a person at a key, and too seldom to cost anything. */
const BETWEEN_MS = 50;

/**
 * A function to await between the pieces of the work.
 *
 * @throws the signal's reason, from that function, once it is aborted.
 */
export function breath(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  return async () => {
    signal?.throwIfAborted();
    if (performance.now() - last < BETWEEN_MS) return;
    await setImmediate();
    last = performance.now();
    signal?.throwIfAborted();
  };
}
