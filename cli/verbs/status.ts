import { planBuild, stagesOf } from '../farm/plan.ts';
import { forecastStages } from '../stages/forecast.ts';
import { inspectStages, type StageStatus } from '../stages/inspect-stages.ts';
import { chooseWorkspaces, namesOf, ORDER_OPTION } from './chosen-workspaces.ts';
import { defineVerb } from './verb.ts';

/** More reasons than this are counted, not listed. */
const SHOWN_REASONS = 8;

export const status = defineVerb({
  command: 'status [workspace]',
  summary: 'Say what is stale, and because of what',
  details: `
Looks, and changes nothing. Exit code 0 whether or not something is stale; \`--json\` tells which. For the buildroot engine it
also says, behind \`→\`, which packages the next build would build again, and why.
`,
  positionals: {
    workspace: { type: 'string', describe: 'A name in coracle.yaml, or a comma-separated list of layers' },
  },
  options: { all: { type: 'boolean', describe: 'Every workspace of coracle.yaml' }, ...ORDER_OPTION },
  run: async (args, session) => {
    const { project, configs } = await chooseWorkspaces(session, {
      names: namesOf(args['workspace']),
      all: args.all,
      skiffOrder: args.skiffOrder,
    });
    const found = [];
    for (const config of configs) {
      const plan = planBuild(config, {
        installation: session.installation,
        project: project.directory,
        variables: session.environment,
        offline: true,
      });
      const stages = await inspectStages(stagesOf(plan), plan.directory);
      const work = await forecastStages(stages, plan.directory, session.signal);
      found.push({ workspace: config.workspace, stages, work });
    }
    session.report({
      kind: 'result',
      value: found.map(({ workspace, stages, work }) => ({
        workspace,
        stages: stages.map((status) => asData(status, work)),
      })),
      text: found.map(({ workspace, stages, work }) => statusText(workspace, stages, work)).join('\n'),
    });
    return 0;
  },
});

/** Name of a stage → what it would do. */
type WorkLines = ReadonlyMap<string, readonly string[]>;

function asData({ stage, state, because, directory, lastMs }: StageStatus, work: WorkLines) {
  const lines = work.get(stage.name);
  return {
    stage: stage.name,
    title: stage.title,
    state,
    because,
    directory,
    ...(lastMs === undefined ? {} : { lastMs }),
    ...(lines === undefined ? {} : { work: lines }),
  };
}

function statusText(workspace: string, stages: readonly StageStatus[], work: WorkLines): string {
  const stale = stages.filter((stage) => stage.state === 'stale');
  if (stale.length === 0) return `${workspace}: nothing to do`;
  const width = Math.max(...stages.map((status) => status.stage.name.length));
  const lines = stages.flatMap((status) => [
    ...stageLines(status, width),
    ...(work.get(status.stage.name) ?? []).map((line) => `  ${' '.repeat(width)}  → ${line}`),
  ]);
  return [`${workspace}: ${stale.length} of ${stages.length} stages to do`, ...lines].join('\n');
}

function stageLines({ stage, state, because }: StageStatus, width: number): string[] {
  const shown = because.slice(0, SHOWN_REASONS);
  const rest = because.length - shown.length;
  const head = `  ${stage.name.padEnd(width)}  ${state}`;
  const reasons = rest > 0 ? [...shown, `and ${rest} more`] : shown;
  if (reasons.length <= 1) return [`${head}${reasons.map((reason) => `  ${reason}`).join('')}`];
  return [head, ...reasons.map((reason) => `  ${' '.repeat(width)}    ${reason}`)];
}
