/** A network of its own for a program, with nothing in it. */
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'vitest';
import type { Wrapper } from './coracle.ts';

/** Skips the test where none can be made. */
export function noNetwork(context: TestContext): Wrapper {
  const wrapper: Wrapper = process.getuid?.() === 0 ? ['unshare', '--net'] : ['unshare', '--net', '--map-root-user'];
  try {
    execFileSync(wrapper[0], [...wrapper.slice(1), 'true'], { stdio: 'pipe' });
  } catch (error) {
    context.skip(`cannot make an empty network: ${(error as Error).message.split('\n').at(-2) ?? ''}`);
  }
  return wrapper;
}
