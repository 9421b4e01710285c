import { DEFAULT_REV } from '../layers/git-root.ts';
import { refreshSchemas } from '../scaffold/refresh-schemas.ts';
import { chooseWorkspace } from '../workspace/choose-workspace.ts';
import { forgetPackages, type MovedPin, movePins } from '../workspace/move-pins.ts';
import { loadProject } from '../workspace/project.ts';
import { table } from './layer-words.ts';
import { defineVerb } from './verb.ts';

export const update = defineVerb({
  command: 'update [workspace..]',
  summary: 'Move to newer versions: pins of layer repositories, and packages',
  details: `
\`coracle.lock\` names the exact commit of every repository of layers and the exact version of every package. This looks
the repositories' tags and branches up again and pins what they are now, and forgets the packages of the named workspaces
(all, if none is named), so that the next build takes the newest. The copies of the JSON Schemas that editors use
(\`.coracle/\`) are brought up to date too.

    coracle update --git
    coracle update --packages qemu
`,
  positionals: {
    workspace: { type: 'string', array: true, describe: 'Workspaces whose packages are looked up anew' },
  },
  options: {
    git: { type: 'boolean', describe: 'Only the repositories of layers' },
    packages: { type: 'boolean', describe: 'Only the packages' },
  },
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const given = Array.isArray(args['workspace']) ? args['workspace'].map(String) : [];
    const workspaces = given.map((name) => chooseWorkspace(project, name).name);
    const both = args.git !== true && args.packages !== true;
    const pins = both || args.git === true ? await movePins(project, { signal: session.signal }) : [];
    const forgotten = both || args.packages === true ? await forgetPackages(project, workspaces) : [];
    const schemas = both ? await refreshSchemas(project.directory) : [];
    if (schemas.length > 0)
      session.report({ kind: 'note', text: `editors' schemas written anew: ${schemas.join(', ')}` });
    session.report({ kind: 'result', value: { git: pins, packages: forgotten }, text: updateText(pins, forgotten) });
    return 0;
  },
});

function updateText(pins: readonly MovedPin[], forgotten: readonly string[]): string {
  const rows = pins.map(({ url, rev, from, to }) => [
    rev === DEFAULT_REV ? url : `${url}@${rev}`,
    from === to
      ? `still ${short(to)}`
      : from === undefined
        ? `pinned at ${short(to)}`
        : `${short(from)} → ${short(to)}`,
  ]);
  const packages = forgotten.length > 0 ? [`packages are looked up by the next build: ${forgotten.join(', ')}`] : [];
  const lines = [...(rows.length > 0 ? [table(rows)] : []), ...packages];
  return lines.length > 0 ? lines.join('\n') : 'nothing is pinned';
}

function short(commit: string): string {
  return commit.slice(0, 12);
}
