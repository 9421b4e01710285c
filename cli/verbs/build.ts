import { type BuiltImage, buildWorkspaces } from '../farm/build.ts';
import { imageSummary } from '../farm/summary.ts';
import { BUILD_OPTIONS } from './build-options.ts';
import { chooseWorkspaces, namesOf, ORDER_OPTION } from './chosen-workspaces.ts';
import { defineVerb } from './verb.ts';

export const build = defineVerb({
  command: 'build [workspace..]',
  summary: 'Build images',
  details: `
Builds the named workspaces of coracle.yaml, or a list of layers (\`coracle build virt/qemu,core/podman\`); without a name,
the default one. What did not change is not made again. The image is in \`workspaces/<name>/stages/\`: \`slot/\` holds the
boot files with their manifest, \`disk/\` a disk image.

A build may be stopped at any moment; the next one goes on with the same result. Two builds of one workspace wait for
each other.
`,
  positionals: {
    workspace: { type: 'string', array: true, describe: 'Names in coracle.yaml, or a comma-separated list of layers' },
  },
  options: {
    all: { type: 'boolean', describe: 'Every workspace of coracle.yaml' },
    ...BUILD_OPTIONS,
    ...ORDER_OPTION,
    'check-reproducible': {
      type: 'boolean',
      describe: 'Build twice, in directories of different names and lengths, and compare every byte',
    },
  },
  streams: true,
  run: async (args, session) => {
    const { project, configs } = await chooseWorkspaces(session, {
      names: namesOf(args['workspace']),
      all: args.all,
      offline: args.offline,
      skiffOrder: args.skiffOrder,
    });
    const options = {
      installation: session.installation,
      project: project.directory,
      variables: session.environment,
      offline: args.offline === true,
      noWait: args.wait === false,
      ...(args.jobs === undefined ? {} : { jobs: args.jobs }),
      report: session.report,
      signal: session.signal,
    };
    if (args['checkReproducible'] === true) {
      const { checkReproducible } = await import('../farm/check-reproducible.ts');
      const results = await checkReproducible(configs, options);
      session.report({ kind: 'result', value: results, text: results.map(({ text }) => text).join('\n') });
      return results.every(({ same }) => same) ? 0 : 1;
    }
    const images = await buildWorkspaces(configs, options);
    session.report({ kind: 'result', value: images, text: await summaryText(images, session.cwd) });
    return 0;
  },
});

async function summaryText(images: readonly BuiltImage[], cwd: string): Promise<string> {
  return (await Promise.all(images.map((image) => imageSummary(image, cwd)))).join('\n');
}
