/**
 * Who uses the cache: each build keeps a lock of its own in `<cache>/in-use/` while it runs, so that nobody takes the cache
 * away meanwhile. Builds do not wait for each other here.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { inUse, livingHolders, takeLock } from '../host/lock.ts';

/** Shows that the cache is in use until it is disposed; where that cannot be written, the build goes on without it. */
export async function useCache(cache: string, purpose: string): Promise<AsyncDisposable> {
  const name = `${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    return await takeLock(join(signsOf(cache), name), { what: `the cache ${cache}`, purpose });
  } catch {
    return { [Symbol.asyncDispose]: async () => undefined };
  }
}

/** @throws Failure `locked` while a build uses the cache; signs of builds that were killed are swept away. */
export async function refuseWhileUsed(cache: string): Promise<void> {
  const [holder] = await livingHolders(signsOf(cache));
  if (holder !== undefined) throw inUse(`the cache ${cache}`, holder);
}

function signsOf(cache: string): string {
  return join(cache, 'in-use');
}
