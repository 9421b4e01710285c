/**
 * What programs above a runtime (podman, containerd) are tested in: a view of their own with its own /run, where they keep
 * sockets at fixed places, a scratch directory, the runtime under test, and what all this leaves behind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingPrograms } from './busybox-root.ts';
import { type Runtime, runtimeUnderTest } from './runtime.ts';
import { type CgroupVersion, openView, type Ran, type RunOptions, type View } from './view.ts';

export interface UpperLayer {
  readonly view: View;
  readonly runtime: Runtime;
  readonly scratch: string;
  /** Cgroup controllers that can be used in the view. */
  readonly controllers: ReadonlySet<string>;
  close(): Promise<void>;
}

/** A reason where there are no such programs or no such view. */
export async function openUpperLayer(
  version: CgroupVersion,
  programs: readonly string[],
): Promise<UpperLayer | { readonly reason: string }> {
  const missing = missingPrograms([...programs, 'busybox', 'unshare', 'nsenter', 'mount']);
  if (missing !== null) return { reason: missing };
  const runtime = runtimeUnderTest();
  if ('reason' in runtime) return runtime;
  const view = await openView(version);
  if ('reason' in view) return view;
  const scratch = mkdtempSync(join(tmpdir(), 'coracle-oci-'));
  const close = async (): Promise<void> => {
    await view.close();
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    // A container's mapped users have to get in.
    await done(view, ['chmod', '755', scratch]);
    await done(view, ['mount', '-t', 'tmpfs', '-o', 'mode=755', 'run', '/run']);
    const listed = await done(view, [
      'sh',
      '-c',
      version === 'v1' ? 'ls /sys/fs/cgroup' : 'cat /sys/fs/cgroup/cgroup.controllers',
    ]);
    return { view, runtime, scratch, controllers: new Set(listed.stdout.split(/\s+/)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws with what it said if the command fails */
export async function done(view: View, argv: readonly string[], options?: RunOptions): Promise<Ran> {
  const ran = await view.run(argv, options);
  if (ran.exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${ran.exitCode}: ${ran.stdout}${ran.stderr}`);
  return ran;
}

/**
 * What of containers can be seen in the view: mounts below the scratch directory or of namespaces held by nobody's
 * process, cgroups below the given directories, directories of containers.
 */
export async function leftBehind(layer: UpperLayer, cgroup: string, state: string): Promise<readonly string[]> {
  const script = [
    `grep -F " ${layer.scratch}/" /proc/self/mountinfo`,
    `find /sys/fs/cgroup -mindepth 1 -path "*${cgroup}/*" -type d`,
    `find ${state} -mindepth 1 -maxdepth 1`,
  ].join('\n');
  const { stdout } = await layer.view.run(['sh', '-c', script]);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Asks again until the answer is as wanted. @throws with the last answer after ten seconds */
export async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > end) throw new Error(`not in ten seconds; the last answer was ${JSON.stringify(answer)}`);
  }
}
