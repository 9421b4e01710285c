/**
 * What a make leaves behind that was killed together with Coracle, or by a power cut: files that a compiler or linker had
 * begun to write are newer than their sources, and the next make would take them for done. So a mark beside the output
 * directory says that make is at work; whoever finds one takes back the packages that make was at. A make that ends by
 * itself, that fails or is stopped in order, has removed such files, and goes on where it was.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type StepLine, StepLog } from './progress.ts';

/**
 * Nobody else may be at work in the output directory meanwhile.
 *
 * @param output Buildroot's output directory (`O=`)
 * @param work runs make
 */
export async function wholeMake<T>(output: string, work: () => Promise<T>): Promise<T> {
  const mark = `${output}.at-work`;
  if (existsSync(mark)) await removeCutPackages(output);
  await mkdir(dirname(mark), { recursive: true });
  await writeFile(mark, '');
  try {
    return await work();
  } finally {
    await rm(mark, { force: true });
  }
}

async function removeCutPackages(output: string): Promise<void> {
  const build = join(output, 'build');
  const cut = cutPackages(new StepLog(join(build, 'build-time.log'), false).read());
  for (const entry of existsSync(build) ? readdirSync(build, { withFileTypes: true }) : []) {
    if (!entry.isDirectory() || ![...cut].some((name) => entry.name.startsWith(`${name}-`))) continue;
    // The log has no versions: `linux` may be `linux-6.12` or `linux-headers-6.12`. What is complete was not cut off.
    if (existsSync(join(build, entry.name, '.stamp_installed'))) continue;
    await rm(join(build, entry.name), { recursive: true, force: true });
  }
}

/** Those whose last step has not ended. */
function cutPackages(lines: readonly StepLine[]): ReadonlySet<string> {
  const last = new Map(lines.map((line) => [line.package, line.edge]));
  return new Set([...last].flatMap(([name, edge]) => (edge === 'start' ? [name] : [])));
}
