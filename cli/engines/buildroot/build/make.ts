/**
 * Buildroot's make for one workspace: out of the tree, into the workspace's output directory, with an environment that does
 * not depend on who builds.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finished, runCommand } from '../../../host/process.ts';
import type { BuildEnvironment } from '../../environment.ts';
import type { BuildPlaces } from '../build-places.ts';
import type { BuildrootTree } from '../tree/buildroot-tree.ts';
import { type ExternalTree, externalVariable } from '../tree/external-trees.ts';

export interface BuildrootMake {
  readonly tree: BuildrootTree;
  readonly externals: readonly ExternalTree[];
  readonly places: BuildPlaces;
  readonly environment: BuildEnvironment;
  /** Jobs that one make of a package may run at once. */
  readonly jobs: number;
  readonly log: string;
  readonly signal: AbortSignal;
}

export interface MakeOptions {
  readonly onLine?: (line: string) => void;
  /** Returns what it prints. */
  readonly capture?: true;
  /** Variables of the command line. */
  readonly variables?: readonly string[];
}

/** Downloads of all workspaces, by package. */
export function downloadDirectory(cache: string): string {
  return join(cache, 'downloads/buildroot');
}

export async function runMake(
  make: BuildrootMake,
  targets: readonly string[],
  { onLine, capture, variables = [] }: MakeOptions = {},
): Promise<Finished> {
  const { tree, externals, places, environment, jobs, log, signal } = make;
  await mkdir(places.output, { recursive: true });
  await mkdir(downloadDirectory(environment.cache), { recursive: true });
  process.umask(0o022);
  return runCommand({
    argv: [
      'nice',
      'make',
      '-C',
      tree.directory,
      `O=${places.output}`,
      `BR2_EXTERNAL=${externalVariable(externals)}`,
      `PARALLEL_JOBS=${jobs}`,
      ...variables,
      ...targets,
    ],
    cwd: tree.directory,
    env: {
      BR2_DL_DIR: downloadDirectory(environment.cache),
      BR2_CCACHE_DIR: join(environment.cache, 'ccache'),
      // A tree inside of another repository is not a commit of that.
      BR2_VERSION_FULL: tree.version,
      ...(environment.offline ? OFFLINE : {}),
    },
    log,
    signal,
    ...(onLine === undefined ? {} : { onLine }),
    ...(capture === true ? { stdout: 'capture' as const } : {}),
  });
}

/** What is not in the download directory is not looked for anywhere else. */
const OFFLINE = { BR2_PRIMARY_SITE: 'file:///nonexistent', BR2_PRIMARY_SITE_ONLY: 'y' };
