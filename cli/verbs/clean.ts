import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { workspaceDirectory } from '../farm/plan.ts';
import { takeLock } from '../host/lock.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import { chooseWorkspaces, namesOf } from './chosen-workspaces.ts';
import { defineVerb } from './verb.ts';

const RUN = 'run';

export const clean = defineVerb({
  command: 'clean [workspace..]',
  summary: 'Remove what a build made and can make again',
  details: `
Removes a workspace's stages and logs. Its \`run/\` directory, the guest's disk with persist, stays unless \`--run\` is
given. \`--cache\` removes downloads, unpacked packages and compiled programs, which all workspaces share.
`,
  positionals: {
    workspace: { type: 'string', array: true, describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    run: { type: 'boolean', describe: "Also the guest's disk of coracle run" },
    cache: { type: 'boolean', describe: 'Also the shared cache' },
  },
  run: async (args, session) => {
    const { project, configs } = await chooseWorkspaces(session, { names: namesOf(args['workspace']) });
    const purpose = (name: string): string => `coracle clean ${name}`;
    for (const { workspace } of configs) {
      const directory = workspaceDirectory(project.directory, workspace);
      await using _lock = await takeLock(join(directory, 'lock'), {
        what: `workspace ${workspace}`,
        purpose: purpose(workspace),
        waitMs: 0,
      });
      if (args.run === true) await removeRun(join(directory, RUN), workspace, purpose(workspace));
      for (const name of await readdir(directory)) {
        if (name !== 'lock' && name !== RUN) await rm(join(directory, name), { recursive: true, force: true });
      }
      session.report({ kind: 'note', text: `cleaned ${workspace}` });
    }
    if (args.cache === true) await rm(cacheDirectory(session.environment), { recursive: true, force: true });
    return 0;
  },
});

/** The guest's disk, unless a guest has it. @throws Failure `locked` */
async function removeRun(directory: string, workspace: string, purpose: string): Promise<void> {
  if (!existsSync(directory)) return;
  await using _lock = await takeLock(join(directory, 'lock'), {
    what: `the virtual machine of workspace ${workspace}`,
    purpose,
    waitMs: 0,
  });
  await rm(directory, { recursive: true, force: true });
}
