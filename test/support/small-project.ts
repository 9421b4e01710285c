/**
 * A project whose image is small and soon built, for tests that need a real build. It is built once for a test file and
 * copied for each test, so that a test may spoil its copy.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, type TestContext } from 'vitest';
import { cacheDirectory } from '../../cli/workspace/cache-directory.ts';
import { coracle } from './coracle.ts';
import { type Tree, temporaryDirectory, writeTree } from './files.ts';

/** The user's own cache: what other tests and builds fetched is not fetched again. */
export const CACHE = { CORACLE_CACHE: cacheDirectory(process.env) };

export const SMALL: Tree = {
  'coracle.yaml': [
    'layers:',
    '  - path: layers',
    'workspaces:',
    '  small:',
    '    layers: [base/mini, virt/qemu, my/app]',
    '    arch: x86_64',
    '    bootPartitionMiB: 64',
    '    persistMiB: 16',
    '',
  ].join('\n'),
  'layers/my/app/layer.yaml': 'description: An application\n',
  'layers/my/app/root_overlay/etc/motd': 'hello\n',
};

/** Time for a build by a machine that has other things to do, the first download of everything included. */
export const FIRST_BUILD_MS = 600_000;

/**
 * @param more files besides those of {@link SMALL}, or instead of them
 * @returns makes a copy of the built project for one test, which is skipped if packages cannot be had.
 */
export function builtProject(more: Tree = {}): (context: TestContext) => string {
  let built = '';
  let missing: string | undefined;
  beforeAll(async () => {
    built = mkdtempSync(join(tmpdir(), 'coracle built '));
    writeTree(built, { ...SMALL, ...more });
    missing = await buildSmall(built);
  }, FIRST_BUILD_MS);
  afterAll(() => rmSync(built, { recursive: true, force: true }));
  return (context) => {
    if (missing !== undefined) {
      process.stderr.write(`skipped: ${context.task.name}: ${missing}\n`);
      context.skip(missing);
    }
    const copy = temporaryDirectory();
    execFileSync('cp', ['--archive', '--reflink=auto', `${built}/.`, copy]);
    return copy;
  };
}

/** Without a network if the cache can do it; @returns why it cannot be built here, if that is the machine's fault. */
async function buildSmall(project: string): Promise<string | undefined> {
  const offline = await coracle(project, ['build', 'small', '--offline'], CACHE);
  if (offline.exitCode === 0) return undefined;
  const online = await coracle(project, ['build', 'small'], CACHE);
  if (online.exitCode === 0) return undefined;
  if (/cannot be read from|cannot fetch|is not on this machine|doctor --fix/.test(online.stderr)) {
    return `a build needs what this machine lacks: ${online.stderr.split('\n').find((line) => /^error: /.test(line))}`;
  }
  throw new Error(`the small project does not build:\n${online.stderr}`);
}
