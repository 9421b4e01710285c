import { expect, it } from 'vitest';
import { breath } from './breath.ts';

it('lets a signal into work that does not wait', async () => {
  const stopper = new AbortController();
  setTimeout(() => stopper.abort(new Error('stopped')), 10);
  const breathe = breath(stopper.signal);
  const work = async (): Promise<void> => {
    for (;;) await breathe();
  };
  await expect(work()).rejects.toThrow('stopped');
});
