/**
 * The build after one byte of one overlay file has changed: time, and the memory of every program that takes part. Only
 * what depends on the file may be made again.
 *
 *     node bench/overlay-change.ts [workspace]
 */
import { readFileSync } from 'node:fs';
import { BenchProject } from './bench-project.ts';
import { type CommandCost, medianCost } from './measure.ts';
import { costs, duration, goal, line, megabytes } from './print.ts';
import { stepTimes } from './step-times.ts';

const ROUNDS = 5;

const workspace = process.argv[2] ?? 'qemu';
using project = new BenchProject();
project.writeOverlay('etc/bench', 'start');
const first = await project.coracle('build', workspace, '--json');
const runs: CommandCost[] = [];
const versions = new Set<string>([version()]);
for (let round = 0; round < ROUNDS; round++) {
  project.writeOverlay('etc/bench', String(round));
  runs.push(await project.coracle('build', workspace, '--json'));
  versions.add(version());
}
if (versions.size !== ROUNDS + 1) throw new Error('a change of an overlay did not reach the image');

line(`one overlay file changed, workspace ${workspace}, medians of ${ROUNDS}`);
const cost = medianCost(runs);
costs([
  { what: 'first build, warm cache', cost: first, remark: memoryText(first) },
  { what: 'build after the change', cost, remark: memoryText(runs.at(-1) ?? first) },
]);
const stages = stepTimes(runs.at(-1)?.stdout ?? '');
line(`  of it: ${stages.map(({ step, ms }) => `${step} ${duration(ms).trim()}`).join(', ')}`);
goal('build after a one-file overlay change', cost.wallMs, 5000, duration);
const peaks = [first, ...runs].flatMap(({ peak }) => [peak.together]);
goal('memory, all programs together', Math.max(...peaks), 400e6, megabytes);

function version(): string {
  return (
    JSON.parse(readFileSync(project.inWorkspace(workspace, 'stages/slot/manifest.json'), 'utf8')) as { version: string }
  ).version;
}

function memoryText({ peak }: CommandCost): string {
  const largest = [...peak.ofPrograms].sort(([, a], [, b]) => b - a).slice(0, 3);
  return `memory ${megabytes(peak.together)} (${largest.map(([name, bytes]) => `${name} ${megabytes(bytes)}`).join(', ')})`;
}
