import { join, relative, resolve } from 'node:path';
import type { PackageTimes } from '../engines/engine-tools.ts';
import { Failure } from '../failure.ts';
import { imagePackages } from '../farm/image-packages.ts';
import { type BuildPlan, stagesOf } from '../farm/plan.ts';
import { useTool } from '../farm/use-tool.ts';
import { writeFileAtomic } from '../host/files.ts';
import { lookAt } from '../host/look-at.ts';
import { writing } from '../host/system-failure.ts';
import { measureImage } from '../image/size-report.ts';
import { type BarChart, barChart } from '../reports/bar-chart.ts';
import { readTreeIndex } from '../rootfs/tree-index.ts';
import { mustBeThere, readImage } from '../run/image.ts';
import { inspectStages } from '../stages/inspect-stages.ts';
import { commandLine } from '../workspace/command-line.ts';
import { BUILD_OPTIONS } from './build-options.ts';
import { namesOf } from './chosen-workspaces.ts';
import { numberOption } from './number-option.ts';
import { ONE_WORKSPACE, plannedWorkspace } from './planned.ts';
import { defineVerb, type Session } from './verb.ts';

const DRAWINGS = { build: drawTimes, size: drawSizes, depends: drawDependencies } as const;

interface DrawOptions {
  readonly top: number;
  readonly tools: boolean;
}

export const graph = defineVerb({
  command: 'graph <what> [workspace]',
  summary: 'Draw what takes the time, what takes the room, or what needs what',
  details: `
Writes an SVG, which any browser shows: \`build\`, the seconds that each package took, by step (with the debian engine, each
stage of the build); \`size\`, the bytes of each package, layer and effect in root.squashfs; \`depends\`, which package needs
which. The same build gives the same picture.

    coracle graph size
    coracle graph depends qemu --tools
    coracle graph build qemu --top 60 --output times.svg
`,
  positionals: {
    what: { choices: Object.keys(DRAWINGS), describe: 'What to draw' },
    ...ONE_WORKSPACE,
  },
  options: {
    output: { alias: 'o', type: 'string', describe: 'A file; workspaces/<name>/graphs/<what>.svg unless given' },
    top: {
      default: 40,
      ...numberOption('top', { describe: 'Bars of a chart; the others are one', least: 1, most: 100_000 }),
    },
    offline: BUILD_OPTIONS.offline,
    tools: { type: 'boolean', describe: 'depends: also packages that run on the machine that builds' },
  },
  run: async (args, session) => {
    const what = args['what'] as keyof typeof DRAWINGS;
    const plan = await plannedWorkspace(session, { names: namesOf(args['workspace']), offline: args.offline });
    const picture = await DRAWINGS[what](plan, session, { top: args.top, tools: args.tools === true });
    const file =
      args.output === undefined ? join(plan.directory, 'graphs', `${what}.svg`) : resolve(session.cwd, args.output);
    await writing(file, () => writeFileAtomic(file, picture));
    const value = { workspace: plan.config.workspace, what, file };
    session.report({ kind: 'result', value, text: relative(session.cwd, file) });
    return 0;
  },
});

/** Steps that are told apart, in their order; all others are one. */
const STEPS = ['download', 'extract', 'patch', 'configure', 'build', 'install'] as const;

async function drawTimes(plan: BuildPlan, session: Session, { top }: DrawOptions): Promise<string> {
  const { workspace } = plan.config;
  const { buildTimes } = plan.tools;
  const use = { verb: 'graph', title: 'read the times', ...session, asBuilt: true };
  const times = buildTimes === undefined ? [] : await useTool(plan, buildTimes, use);
  if (times.length === 0 && lookAt(plan.manifest) === undefined) throw notBuilt(plan);
  const chart = times.length > 0 ? packageChart(times) : await stageChart(plan);
  return barChart({ title: `${workspace}: ${chart.of}`, unit: 'seconds by the clock', most: top, ...chart });
}

function packageChart(times: readonly PackageTimes[]) {
  const partOf = (step: string): number => {
    const part = STEPS.findIndex((one) => step === one || step.startsWith(`${one}-`));
    return part === -1 ? STEPS.length : part;
  };
  const bars = times.map(({ name, steps }) => {
    const values = [...STEPS, 'other'].map(() => 0);
    for (const [step, seconds] of steps) values[partOf(step)] = (values[partOf(step)] ?? 0) + seconds;
    return { name, values };
  });
  return { of: 'build time of each package', parts: [...STEPS, 'other'], bars };
}

async function stageChart(plan: BuildPlan) {
  const stages = await inspectStages(stagesOf(plan), plan.directory);
  const bars = stages.flatMap(({ stage, lastMs }) =>
    lastMs === undefined ? [] : [{ name: stage.name, values: [lastMs / 1000] }],
  );
  return { of: 'build time of each stage', parts: ['stage'], bars };
}

async function drawSizes(plan: BuildPlan, _session: Session, { top }: DrawOptions): Promise<string> {
  const { workspace } = plan.config;
  const image = await readImage({ ...plan, name: workspace, build: commandLine('build', plan.config) });
  await mustBeThere(image, [plan.root]);
  const { origins } = measureImage(await readTreeIndex(plan.root), image.facts);
  const chart: BarChart = {
    title: `${workspace}: size of each package in root.squashfs`,
    unit: 'MB, packed (estimated)',
    parts: ['packed'],
    bars: origins.map(({ name, packed }) => ({ name, values: [packed / 1e6] })),
    most: top,
  };
  return barChart(chart);
}

async function drawDependencies(plan: BuildPlan, session: Session, { tools }: DrawOptions): Promise<string> {
  const use = { verb: 'graph', title: 'list the packages', ...session };
  const isBuilt = lookAt(plan.manifest) !== undefined;
  const packages = isBuilt ? await imagePackages(plan, use) : await useTool(plan, plan.tools.packages, use);
  const shown = packages.filter(({ kind }) => tools || kind !== 'tool');
  const { dependencyGraph } = await import('../reports/dependency-graph.ts');
  return dependencyGraph(`${plan.config.workspace}: which package needs which`, shown);
}

function notBuilt({ config }: BuildPlan): Failure {
  return new Failure({
    code: 'not-built',
    message: `nothing of workspace ${config.workspace} has been built yet`,
    hint: commandLine('build', config),
  });
}
