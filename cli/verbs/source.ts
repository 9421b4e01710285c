import { relative } from 'node:path';
import { fetchWorkspaces } from '../farm/fetch-sources.ts';
import { megabytes } from '../farm/summary.ts';
import { namesOf } from './chosen-workspaces.ts';
import { ANY_WORKSPACES, plannedWorkspaces } from './planned.ts';
import { defineVerb } from './verb.ts';

export const source = defineVerb({
  command: 'source [workspace..]',
  summary: 'Fetch and check everything that workspaces need',
  details: `
Afterwards \`coracle build --offline\` works without a network. What is there already is checked by its hash, and fetched
again if it is damaged. Sources of all workspaces are in one directory of the cache. The toolchain that workspaces share is
among them: where the cache has none, it is built.

    coracle source
    coracle source --all
    coracle source qemu --offline

With \`--offline\` nothing is fetched: the first source that is missing is named.
`,
  ...ANY_WORKSPACES,
  streams: true,
  run: async (args, session) => {
    const names = namesOf(args['workspace']);
    const plans = await plannedWorkspaces(session, { names, all: args.all, offline: args.offline });
    const { report, signal } = session;
    const fetched = await fetchWorkspaces(plans, { report, signal, noWait: args.wait === false });
    const lines = fetched.map(
      ({ workspace, files, bytes, directory }) =>
        `${workspace}: ${files} files, ${megabytes(bytes)}, in ${shown(directory, session.cwd)}`,
    );
    session.report({ kind: 'result', value: fetched, text: lines.join('\n') });
    return 0;
  },
});

function shown(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short.startsWith('..') ? path : short;
}
