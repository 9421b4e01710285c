import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { refuseWhileUsed } from '../farm/cache-in-use.ts';
import { cleanTarget } from '../farm/clean-target.ts';
import { workspaceDirectory } from '../farm/plan.ts';
import { writingCache } from '../host/cache-writes.ts';
import { takeLock } from '../host/lock.ts';
import { isDirectory } from '../host/look-at.ts';
import { writing } from '../host/system-failure.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import { chooseWorkspace } from '../workspace/choose-workspace.ts';
import { loadProject, type Project } from '../workspace/project.ts';
import { namesOf } from './chosen-workspaces.ts';
import { defineVerb, type Session } from './verb.ts';

const RUN = 'run';

export const clean = defineVerb({
  command: 'clean [workspace..]',
  summary: 'Remove what a build made and can make again',
  details: `
Removes a workspace's stages and logs: of the named workspaces, of the default one, or with \`--all\` of every directory in
\`workspaces/\`. Their \`run/\`, the guest's disk with persist, stays unless \`--run\` is given.

\`--target\` removes no more than the target directory of the buildroot engine: packages that are not asked for any more leave
their files there, and so does what a hook did. The next build installs every package anew, and compiles nothing for it.

\`--cache\` empties the cache that all projects share: downloads, unpacked packages, compiled programs and kernels. Alone it
cleans no workspace, and needs no project. It refuses while a build runs.

    coracle clean mini
    coracle clean --all --run
    coracle clean --cache
`,
  positionals: {
    workspace: { type: 'string', array: true, describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    all: { type: 'boolean', describe: 'Every workspace that was built here' },
    run: { type: 'boolean', describe: "Also the guest's disk of coracle run" },
    target: {
      type: 'boolean',
      describe: "Only Buildroot's target directory: packages are installed into it anew, nothing is compiled",
    },
    cache: { type: 'boolean', describe: 'The cache that projects share; of workspaces only those that are named' },
  },
  run: async (args, session) => {
    const names = namesOf(args['workspace']);
    const cache = args.cache === true ? cacheDirectory(session.environment) : undefined;
    // Before anything is gone.
    if (cache !== undefined) await refuseWhileUsed(cache);
    if (cache === undefined || names.length > 0 || args.all === true || args.run === true) {
      const project = await loadProject(session.cwd, session.environment, session.installation);
      for (const workspace of await workspacesOf(project, names, args.all === true)) {
        await cleanWorkspace(project, workspace, { run: args.run === true, target: args.target === true });
        session.report({ kind: 'note', text: `cleaned ${workspace}` });
      }
    }
    if (cache !== undefined) await cleanCache(cache, session);
    return 0;
  },
});

/** Not resolved: a workspace whose layers are gone or broken can be cleaned, too. */
async function workspacesOf(project: Project, names: readonly string[], all: boolean): Promise<readonly string[]> {
  if (!all) return (names.length === 0 ? [undefined] : names).map((name) => chooseWorkspace(project, name).name);
  const directory = workspaceDirectory(project.directory, '');
  const found = await readdir(directory).catch(() => []);
  return found.filter((name) => isDirectory(join(directory, name))).sort();
}

interface WhatToClean {
  readonly run: boolean;
  /** Nothing but the target directory. */
  readonly target: boolean;
}

async function cleanWorkspace(project: Project, workspace: string, { run, target }: WhatToClean): Promise<void> {
  const directory = workspaceDirectory(project.directory, workspace);
  const purpose = `coracle clean ${workspace}`;
  await using _lock = await takeLock(join(directory, 'lock'), { what: `workspace ${workspace}`, purpose, waitMs: 0 });
  if (run) await removeRun(join(directory, RUN), workspace, purpose);
  if (target) return writing(directory, () => cleanTarget(directory));
  await writing(directory, async () => {
    for (const name of await readdir(directory)) {
      if (name !== 'lock' && name !== RUN) await rm(join(directory, name), { recursive: true, force: true });
    }
  });
}

/** The guest's disk, unless a guest has it. @throws Failure `locked` */
async function removeRun(directory: string, workspace: string, purpose: string): Promise<void> {
  if (!existsSync(directory)) return;
  await using _lock = await takeLock(join(directory, 'lock'), {
    what: `the virtual machine of workspace ${workspace}`,
    purpose,
    waitMs: 0,
  });
  await writing(directory, () => rm(directory, { recursive: true, force: true }));
}

/** What is in the directory, not the directory: it may be a link, or have a file system of its own. */
async function cleanCache(cache: string, { report }: Session): Promise<void> {
  await writingCache(cache, async () => {
    for (const name of await entriesOf(cache)) await rm(join(cache, name), { recursive: true, force: true });
  });
  report({ kind: 'note', text: `cleaned the cache ${cache}` });
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}
