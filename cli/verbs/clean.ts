import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { workspaceDirectory } from '../farm/plan.ts';
import { takeLock } from '../host/lock.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import { chooseWorkspaces, namesOf } from './chosen-workspaces.ts';
import { defineVerb } from './verb.ts';

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
    for (const config of configs) {
      const directory = workspaceDirectory(project.directory, config.workspace);
      await using _lock = await takeLock(join(directory, 'lock'), {
        what: `workspace ${config.workspace}`,
        purpose: `coracle clean ${config.workspace}`,
        waitMs: 0,
      });
      for (const name of await readdir(directory)) {
        if (name !== 'lock' && (name !== 'run' || args.run === true)) {
          await rm(join(directory, name), { recursive: true, force: true });
        }
      }
      session.report({ kind: 'note', text: `cleaned ${config.workspace}` });
    }
    if (args.cache === true) await rm(cacheDirectory(session.environment), { recursive: true, force: true });
    return 0;
  },
});
