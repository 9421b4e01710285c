/** What the packages of an image are, by the last build; whether the image is still what the configuration asks for. */
import type { PackageFacts } from '../engines/engine-tools.ts';
import { readImage } from '../run/image.ts';
import { inspectStages } from '../stages/inspect-stages.ts';
import { commandLine } from '../workspace/command-line.ts';
import { type BuildPlan, stagesOf } from './plan.ts';
import { type ToolUse, useTool } from './use-tool.ts';

/** @throws Failure `not-built` */
export async function imagePackages(plan: BuildPlan, use: ToolUse): Promise<readonly PackageFacts[]> {
  await readImage({ ...plan, name: plan.config.workspace, build: commandLine('build', plan.config) });
  const stale = (await inspectStages(stagesOf(plan), plan.directory)).some(({ state }) => state === 'stale');
  if (stale) {
    use.report({
      kind: 'warning',
      text: `the image of workspace ${plan.config.workspace} is older than its configuration`,
      hint: `${commandLine('status', plan.config)} says what has changed`,
    });
  }
  return useTool(plan, plan.tools.packages, { ...use, asBuilt: true });
}
