import { relative } from 'node:path';
import { useTool } from '../farm/use-tool.ts';
import { namesOf } from './chosen-workspaces.ts';
import { ANY_WORKSPACES, plannedWorkspaces } from './planned.ts';
import { defineVerb } from './verb.ts';

export const configure = defineVerb({
  command: 'configure [workspace..]',
  summary: 'Hold what layers ask for against what there is, and build nothing',
  details: `
For the buildroot engine, Buildroot is configured and every assignment of the layers compared with the final \`.config\`, whose
path is told. For the debian engine, the kernel's fragments are held against the kernel's package. What is not honoured is an
error with its reason, as in a build; \`coracle build\` does the same first.

    coracle configure
    coracle configure board --json
`,
  ...ANY_WORKSPACES,
  streams: true,
  run: async (args, session) => {
    const names = namesOf(args['workspace']);
    const plans = await plannedWorkspaces(session, { names, all: args.all, offline: args.offline });
    const found = [];
    for (const plan of plans) {
      const use = { verb: 'configure', title: 'say what it came to', noWait: args.wait === false, ...session };
      found.push({ workspace: plan.config.workspace, ...(await useTool(plan, plan.tools.configure, use)) });
    }
    const lines = found.map(({ workspace, what, asked, file }) => {
      const where = file === undefined ? '' : `: ${relative(session.cwd, file)}`;
      return `${workspace}: ${asked} assignments of layers were held against ${what}${where}`;
    });
    session.report({ kind: 'result', value: found, text: lines.join('\n') });
    return 0;
  },
});
