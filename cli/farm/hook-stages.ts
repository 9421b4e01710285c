/**
 * The layers' hooks before and after everything else, as stages: a `pre` hook runs again when it or its layer's scripts
 * changed, a `post` hook also when the image did. (The hooks on the root and on the boot partition belong to the stages
 * that make those.)
 */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildEnvironment } from '../engines/environment.ts';
import { hookInputs } from '../hooks/hook-inputs.ts';
import { hooksAt } from '../hooks/hook-moments.ts';
import { runPlannedHook } from '../hooks/run-hook.ts';
import { IMAGE_TIME } from '../rootfs/image-time.ts';
import type { Stage } from '../stages/stage.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';

interface HookStageParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  /** The workspace's directory. */
  readonly directory: string;
}

/** The stage of the `pre` hooks, or nothing if no layer has one. */
export function preHooksStage(parts: HookStageParts): Stage[] {
  return hookStage('pre', 'run the pre hooks', [], parts, async () => parts.directory);
}

/**
 * The stage of the `post` hooks, or nothing if no layer has one. Hooks find the finished image by links in their
 * directory (`slot`, `disk`); what they write beside them is kept.
 */
export function postHooksStage(parts: HookStageParts, image: { readonly slot: Stage; readonly disk: Stage }): Stage[] {
  return hookStage('post', 'run the post hooks', [image.slot, image.disk], parts, async (output) => {
    for (const stage of [image.slot, image.disk]) await symlink(join('..', stage.name), join(output, stage.name));
    return output;
  });
}

function hookStage(
  moment: 'pre' | 'post',
  title: string,
  needs: readonly Stage[],
  parts: HookStageParts,
  prepare: (output: string) => Promise<string>,
): Stage[] {
  const { config } = parts;
  const hooks = hooksAt(
    moment,
    config.layers.map(({ layer }) => layer),
    config.engine,
  );
  if (hooks.length === 0) return [];
  return [
    {
      name: `${moment}-hooks`,
      title,
      needs,
      inputs: async () => hooks.flatMap((hook) => hookInputs(hook, parts.environment.hashes)),
      run: async (context) => {
        const directory = await prepare(context.output);
        for (const hook of hooks) {
          await runPlannedHook(moment, hook, {
            config,
            directory,
            workspaceDirectory: parts.directory,
            log: context.log,
            sourceDateEpoch: IMAGE_TIME,
            signal: context.signal,
          });
        }
        return {};
      },
    },
  ];
}
