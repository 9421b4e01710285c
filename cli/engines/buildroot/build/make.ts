/**
 * Buildroot's make for one workspace: out of the tree, into the workspace's output directory, with an environment that does
 * not depend on who builds.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobShare, MakeJobs } from '../../../host/job-budget.ts';
import { type Command, type Finished, runCommand } from '../../../host/process.ts';
import type { BuildEnvironment } from '../../environment.ts';
import type { BuildPlaces } from '../build-places.ts';
import type { BuildrootTree } from '../tree/buildroot-tree.ts';
import { type ExternalTree, externalVariable } from '../tree/external-trees.ts';

export interface BuildrootMake {
  readonly tree: BuildrootTree;
  readonly externals: readonly ExternalTree[];
  readonly places: BuildPlaces;
  readonly environment: BuildEnvironment;
  readonly jobs: Pick<JobShare, 'make'>;
  /** Of the compilers that it uses, see {@link compilerHash}; without it nothing is compiled. */
  readonly compilers?: string;
  readonly log: string;
  readonly signal: AbortSignal;
}

export interface MakeOptions {
  readonly onLine?: (line: string) => void;
  /** See {@link Command.onData}. */
  readonly onData?: (data: Buffer, stream: 'stdout' | 'stderr') => void;
  /** Make's own exit codes that are no failure; 0 unless told. */
  readonly accept?: readonly number[];
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
  { onLine, onData, accept, capture, variables = [] }: MakeOptions = {},
): Promise<Finished> {
  return make.jobs.make(async (jobs) =>
    runCommand({
      ...(await makeCommand(make, [...variables, ...targets], jobs)),
      descriptors: jobs.descriptors,
      log: make.log,
      signal: make.signal,
      ...(onLine === undefined ? {} : { onLine }),
      ...(onData === undefined ? {} : { onData }),
      ...(accept === undefined ? {} : { accept }),
      ...(capture === true ? { stdout: 'capture' as const } : {}),
    }),
  );
}

/** @param words targets, and variables of the command line */
export async function makeCommand(
  { tree, externals, places, environment, compilers }: Omit<BuildrootMake, 'jobs' | 'log' | 'signal'>,
  words: readonly string[],
  { env: fromJobs, perProgram }: Pick<MakeJobs, 'env' | 'perProgram'>,
) {
  await mkdir(places.output, { recursive: true });
  await mkdir(downloadDirectory(environment.cache), { recursive: true });
  process.umask(0o022);
  const argv: Command['argv'] = [
    'nice',
    'make',
    '-C',
    tree.directory,
    `O=${places.output}`,
    `BR2_EXTERNAL=${externalVariable(externals)}`,
    `PARALLEL_JOBS=${perProgram}`,
    ...(environment.offline ? OFFLINE : []),
    ...words,
  ];
  const env = {
    ...fromJobs,
    BR2_DL_DIR: downloadDirectory(environment.cache),
    BR2_CCACHE_DIR: join(environment.cache, 'ccache'),
    ...(compilers === undefined ? {} : { CCACHE_NAMESPACE: compilers }),
    // A tree inside of another repository is not a commit of that.
    BR2_VERSION_FULL: tree.version,
    ...Object.assign({}, ...externals.map(({ variables }) => variables)),
  };
  return { argv, cwd: tree.directory, env };
}

/** What is not in the download directory is not looked for anywhere else. Variables of `.config` win over the environment. */
const OFFLINE = ['BR2_PRIMARY_SITE=file:///nonexistent', 'BR2_PRIMARY_SITE_ONLY=y'];
