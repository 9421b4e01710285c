import { join, relative } from 'node:path';
import { publish, useTool } from '../farm/use-tool.ts';
import { addToBundle, summaryText } from '../reports/legal-bundle.ts';
import { BUILD_OPTIONS } from './build-options.ts';
import { namesOf } from './chosen-workspaces.ts';
import { ONE_WORKSPACE, plannedWorkspace } from './planned.ts';
import { defineVerb } from './verb.ts';

export const legalInfo = defineVerb({
  command: 'legal-info [workspace]',
  summary: 'Gather the licences of all that is in an image',
  details: `
Writes \`workspaces/<name>/legal-info/\`: what the engine gathers (Buildroot's own bundle with sources, licences, patches
and manifest; the copyright files of Debian's packages), the licence files of the layers that took part, Coracle's own, and
\`SUMMARY.txt\`, \`summary.json\`: packages that may not simply be passed on, licences that somebody has to read, files of
root overlays that no licence covers. The directory is complete or not there.

    coracle legal-info
    coracle legal-info qemu --offline

It is a help, and no legal advice.
`,
  positionals: ONE_WORKSPACE,
  options: { offline: BUILD_OPTIONS.offline, wait: BUILD_OPTIONS.wait },
  streams: true,
  run: async (args, session) => {
    const plan = await plannedWorkspace(session, { names: namesOf(args['workspace']), offline: args.offline });
    const { tools, config, directory } = plan;
    const to = join(directory, 'legal-info');
    const tool = {
      needs: [...tools.legalInfo.needs, ...tools.packages.needs],
      run: tools.legalInfo.run,
    };
    const use = { verb: 'legal-info', title: 'gather the licences', noWait: args.wait === false, ...session };
    const summary = await useTool(plan, tool, use, async (_, context) => {
      const packages = await tools.packages.run(context);
      const layers = config.layers.map(({ layer }) => layer);
      const made = await addToBundle(context.output, { packages, layers, installation: session.installation });
      await publish(context, to);
      return made;
    });
    session.report({
      kind: 'result',
      value: { workspace: config.workspace, directory: to, ...summary },
      text: `${summaryText(summary)}\n${relative(session.cwd, to)}`,
    });
    return 0;
  },
});
