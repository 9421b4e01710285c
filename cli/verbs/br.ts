import { Failure } from '../failure.ts';
import { useTool } from '../farm/use-tool.ts';
import { quoteForPeople } from '../host/process.ts';
import { BUILD_OPTIONS } from './build-options.ts';
import { namesOf } from './chosen-workspaces.ts';
import { plannedWorkspace } from './planned.ts';
import { defineVerb } from './verb.ts';

export const br = defineVerb({
  command: 'br <target..>',
  summary: "Pass targets through to Buildroot's make",
  details: `
Runs Buildroot's make in the workspace's output directory, with the layers' BR2_EXTERNAL trees and the environment of a
build, under the workspace's lock; configures first if need be. Words with \`=\` are variables of make's command line.

    coracle br busybox-rebuild
    coracle br -w qemu show-info
    coracle br -w qemu linux-rebuild -- V=1

What make writes goes to the terminal as it is, and to \`logs/br.log\` of the workspace. The exit code is make's. What a
target changed in the output directory is taken into the image by the next \`coracle build\` that has something to build.
`,
  positionals: {
    target: { type: 'string', array: true, describe: 'Targets, and variables as NAME=value' },
  },
  options: {
    workspace: { alias: 'w', type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
    offline: BUILD_OPTIONS.offline,
    wait: BUILD_OPTIONS.wait,
  },
  run: async (args, session) => {
    const words = namesOf(args['target']);
    const variables = words.filter((word) => word.includes('='));
    const targets = words.filter((word) => !word.includes('='));
    for (const word of words) refuse(word);
    const plan = await plannedWorkspace(session, { names: namesOf(args.workspace), offline: args.offline });
    const { make } = plan.tools;
    if (make === undefined) {
      throw new Failure({
        code: 'no-buildroot-here',
        message: `workspace ${plan.config.workspace} is built by the ${plan.config.engine} engine, which has no make`,
        hint: 'engine: buildroot in coracle.yaml, or another workspace: -w',
      });
    }
    const tool = make({
      targets,
      variables,
      onOutput: (data, stream) => session.report({ kind: 'output', stream, data }),
    });
    const retry = ['coracle', 'br', '-w', ...(plan.config.asked ?? [plan.config.workspace]), ...words];
    const title = `make ${words.join(' ')}`;
    const use = {
      verb: 'br',
      title,
      retry: retry.map(quoteForPeople).join(' '),
      noWait: args.wait === false,
      ...session,
    };
    return useTool(plan, tool, use);
  },
});

/** What Coracle itself gives to make, and what would be gone with the next build. */
function refuse(word: string): void {
  const own = /^(O|BR2_EXTERNAL|BR2_DL_DIR)=/.exec(word)?.[1];
  if (own !== undefined) {
    throw new Failure({ code: 'usage', message: `${own} is the workspace's own`, hint: 'leave it out' });
  }
  const menu = /^(?:(linux|uboot|busybox)-)?(?:menu|n|x|g)config$/.exec(word);
  if (menu !== null || /^(?:old|def|rand|allyes|allno)\w*config$|_defconfig$/.test(word)) {
    throw new Failure({
      code: 'usage',
      message: `${word} would change a configuration that is made of the layers, and be gone with the next build`,
      hint: 'what a layer says in its fragments stays',
    });
  }
}
