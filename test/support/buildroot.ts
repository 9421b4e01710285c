/**
 * Builds with a real Buildroot tree, in the test's own process: a project in a directory whose path make can work with, the
 * machine's compiler as toolchain and its programs as host packages, and a package of our own as init, so that nothing has
 * to be downloaded. CORACLE_BUILDROOT names the tree; without it these tests are skipped, and say so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, onTestFinished } from 'vitest';
import { buildPlaces } from '../../cli/engines/buildroot/build-places.ts';
import { buildrootEngine } from '../../cli/engines/buildroot/engine.ts';
import { JobBudget } from '../../cli/host/job-budget.ts';
import { readTarEntries } from '../../cli/rootfs/tar-entries.ts';
import { RootTree } from '../../cli/rootfs/tree.ts';
import { FileHashes } from '../../cli/stages/file-hashes.ts';
import { forecastStages } from '../../cli/stages/forecast.ts';
import { inspectStages } from '../../cli/stages/inspect-stages.ts';
import { runStages } from '../../cli/stages/run-stages.ts';
import type { Event } from '../../cli/ui/events.ts';
import { loadProject } from '../../cli/workspace/project.ts';
import { resolveWorkspace } from '../../cli/workspace/resolve-workspace.ts';
import type { ResolvedConfig } from '../../cli/workspace/resolved.ts';
import { type Tree, writeTree } from './files.ts';
import { noProgram } from './no-program.ts';
import { CACHE } from './small-project.ts';

export const BUILDROOT = process.env['CORACLE_BUILDROOT'];

const INSTALLATION = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
/** Packages of the tests' own: an init, and one that misbehaves on request. */
export const EXTERNAL = join(INSTALLATION, 'test/fixtures/buildroot-external');

/** Skipped without a tree, with a word about it. */
export function describeWithBuildroot(name: string, tests: () => void): void {
  if (BUILDROOT === undefined) {
    process.stderr.write(`skipped: ${name}: CORACLE_BUILDROOT names no Buildroot tree (docs/testing.md)\n`);
  }
  describe.skipIf(BUILDROOT === undefined)(name, tests);
}

/** A layer that is a base by itself: an init that prints a line and switches off, and no BusyBox. */
export const TINY: Tree = {
  'layers/test/tiny/layer.yaml': 'description: An init of our own\nprovides: [base]\n',
  'layers/test/tiny/buildroot/base': [
    'BR2_INIT_NONE=y',
    'BR2_SYSTEM_BIN_SH_NONE=y',
    '# BR2_PACKAGE_BUSYBOX is not set',
    'BR2_PACKAGE_TINY_INIT=y',
    '',
  ].join('\n'),
  'layers/test/tiny/buildroot_ext': { link: EXTERNAL },
};

export interface BuildrootProject {
  readonly directory: string;
  /** Writes files of the project, over those that are there. */
  readonly write: (files: Tree) => void;
  readonly resolve: () => Promise<ResolvedConfig>;
  /** Runs the engine's stages up to `buildroot`; what was reported. */
  readonly build: (options?: BuildOptions) => Promise<readonly Event[]>;
  /** Lines of the work that a build would begin with. */
  readonly forecast: () => Promise<readonly string[]>;
  /** Buildroot's output directory. */
  readonly output: string;
  readonly finalConfig: () => Promise<string>;
  /** The root as it would go into the image. */
  readonly root: () => Promise<RootTree>;
}

export interface BuildOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: Event) => void;
  /** Stop after this stage; `buildroot` unless told. */
  readonly upTo?: string;
}

/**
 * A project with one workspace, `w`, of the given layers. Removed when the test ends.
 *
 * @param more lines of the workspace in coracle.yaml
 */
export function buildrootProject(
  layers: readonly string[],
  files: Tree,
  more: readonly string[] = [],
): BuildrootProject {
  // The directories that other tests use have a blank in their names on purpose.
  const directory = mkdtempSync(join(tmpdir(), 'coracle-buildroot-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const machine = more.some((line) => line.includes('toolchain:'))
    ? []
    : ['    buildroot: {toolchain: machine, hostTools: machine}'];
  writeTree(directory, {
    'coracle.yaml': [
      'layers: [{path: layers}]',
      'workspaces:',
      '  w:',
      `    layers: [${layers.join(', ')}]`,
      '    engine: buildroot',
      '    arch: x86_64',
      ...machine,
      ...more,
      '',
    ].join('\n'),
    ...files,
  });
  const workspace = join(directory, 'workspaces/w');
  const environment = { ...process.env, ...CACHE };
  const resolve = async (): Promise<ResolvedConfig> =>
    resolveWorkspace(await loadProject(directory, environment, INSTALLATION), 'w');
  const plan = async () =>
    buildrootEngine.plan(
      await resolve(),
      {
        installation: INSTALLATION,
        project: directory,
        cache: CACHE.CORACLE_CACHE,
        offline: false,
        hashes: new FileHashes(),
      },
      workspace,
      noProgram,
    );
  const { output } = buildPlaces(workspace);
  return {
    directory,
    output,
    write: (changed) => writeTree(directory, changed),
    resolve,
    build: async ({ signal, onEvent, upTo = 'buildroot' } = {}) => {
      const events: Event[] = [];
      const { stages } = await plan();
      await runStages(stages.slice(0, stages.findIndex(({ name }) => name === upTo) + 1), {
        workspace,
        name: 'w',
        report: (event) => {
          events.push(event);
          onEvent?.(event);
        },
        signal: signal ?? new AbortController().signal,
        jobs: new JobBudget(2),
      });
      return events;
    },
    forecast: async () => {
      const { stages } = await plan();
      const statuses = await inspectStages(stages, workspace);
      const lines = await forecastStages(statuses, workspace, new AbortController().signal);
      return lines.get('buildroot') ?? [];
    },
    finalConfig: () => readFile(join(workspace, 'stages/buildroot-config/.config'), 'utf8'),
    root: async () => {
      const tree = new RootTree();
      const entries = await readTarEntries(join(workspace, 'stages/buildroot/rootfs.tar'), 'Buildroot');
      for (const entry of entries) if (entry.type !== 'hardlink') tree.put(entry);
      for (const entry of entries) if (entry.type === 'hardlink') tree.put(entry);
      return tree;
    },
  };
}

/** Whether make was started. */
export function wasBuilt(events: readonly Event[]): boolean {
  return events.some((event) => event.kind === 'step-started' && event.step === 'w/buildroot');
}
