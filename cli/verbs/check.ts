import { lintProject, type ProjectLint } from '../lint/lint-project.ts';
import { loadProject } from '../workspace/project.ts';
import { warningsTo } from './layer-words.ts';
import { defineVerb } from './verb.ts';

export const check = defineVerb({
  command: 'check [layer..]',
  summary: 'Look for mistakes in every layer and workspace that can be reached',
  details: `
Reads every layer of every root, and resolves every workspace of coracle.yaml; nothing is built. All mistakes are told at
once: broken YAML, unknown keys and directories, fragments that are none, hooks that cannot run, overlays that leave the
root, templates that use what nobody declares, dependencies that do not exist or lead in a circle.

Exit code 1 if there is a mistake; warnings alone do not count.
`,
  positionals: {
    layer: { type: 'string', array: true, describe: 'Only these layers' },
  },
  options: { offline: { type: 'boolean', describe: 'Use nothing but the cache' } },
  run: async (args, session) => {
    const project = await loadProject(session.cwd, session.environment, session.installation);
    const names = Array.isArray(args['layer']) ? args['layer'].map(String) : [];
    const found = await lintProject(project, names, { offline: args.offline, signal: session.signal });
    for (const warning of found.warnings) warningsTo(session)(warning);
    for (const failure of found.failures) session.report({ kind: 'failure', failure });
    session.report({ kind: 'result', value: found, text: summary(found) });
    return found.failures.length === 0 ? 0 : 1;
  },
});

function summary({ layers, workspaces, failures, warnings }: ProjectLint): string {
  const looked = [plural(layers, 'layer'), ...(workspaces > 0 ? [plural(workspaces, 'workspace')] : [])].join(' and ');
  const odd = warnings.length > 0 ? `, ${plural(warnings.length, 'warning')}` : '';
  return `${looked}: ${failures.length === 0 ? 'no mistakes' : plural(failures.length, 'mistake')}${odd}`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
