/** What all suites of others have in common: a runtime, a view, a scratch directory, and reasons to be skipped. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { type Runtime, runtimeUnderTest } from './runtime.ts';
import { type CgroupVersion, openView, type View } from './view.ts';

/** Skips the test where there is no such thing, with the reason. */
export function orSkip<T extends object>(context: TestContext, found: T | { readonly reason: string }): T {
  if ('reason' in found) {
    console.warn(`not tried: ${found.reason}`);
    context.skip(found.reason);
  }
  return found as T;
}

/**
 * Runs `work` with the runtime in a view; both, and the directory, are gone afterwards.
 *
 * @throws if something of the machine was changed that a runtime must not touch
 */
export async function withView<T>(
  context: TestContext,
  version: CgroupVersion,
  work: (view: View, runtime: Runtime, scratch: string) => Promise<T>,
): Promise<T> {
  const runtime = orSkip(context, runtimeUnderTest());
  const view = orSkip(context, await openView(version));
  // No space in its name: shell scripts of others do not quote everything. Containers' users have to get in.
  const scratch = mkdtempSync(join(tmpdir(), 'coracle-oci-'));
  try {
    await view.run(['chmod', '755', scratch]);
    return await work(view, runtime, scratch);
  } finally {
    await view.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The suite takes long: it runs where CORACLE_OCI_SUITES is set. */
export function onlyWhenAsked(context: TestContext, minutes: number): void {
  if (process.env['CORACLE_OCI_SUITES']) return;
  context.skip(`takes some ${minutes} minutes; CORACLE_OCI_SUITES=1 runs it`);
}

/** As `orSkip`, of a directory. */
export function directoryOrSkip(context: TestContext, found: string | { readonly reason: string }): string {
  return orSkip(context, typeof found === 'string' ? { path: found } : found).path;
}
