/**
 * The scripts through which Buildroot runs the layers' hooks: one for each of its moments, which sets the documented
 * environment for each hook in turn and stops at the first that fails.
 */
import { hookEnvironment, hookTimeoutMs } from '../../../hooks/hook-environment.ts';
import { type HookName, hooksAt } from '../../../hooks/hook-moments.ts';
import { IMAGE_TIME } from '../../../rootfs/image-time.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { type BuildPlaces, LAYER_FILES } from '../build-places.ts';

/** The first argument of a script is the directory that its moment is about (Buildroot's manual, "Customizing"). */
export const SCRIPT_MOMENTS = [
  { moment: 'post-build', symbol: 'BR2_ROOTFS_POST_BUILD_SCRIPT', file: LAYER_FILES.postBuild },
  { moment: 'post-fakeroot', symbol: 'BR2_ROOTFS_POST_FAKEROOT_SCRIPT', file: LAYER_FILES.postFakeroot },
  { moment: 'post-image', symbol: 'BR2_ROOTFS_POST_IMAGE_SCRIPT', file: LAYER_FILES.postImage },
] as const satisfies readonly { moment: HookName; symbol: string; file: string }[];

/** Marks the line that says which hook runs, for whoever reads the output of make. */
export const HOOK_MARK = '>>> coracle-hook';

/** Name among the layer files → text, executable. @throws Failure `bad-hook-timeout` */
export function hookScripts(config: ResolvedConfig, places: BuildPlaces): ReadonlyMap<string, string> {
  const layers = config.layers.map(({ layer }) => layer);
  return new Map(
    SCRIPT_MOMENTS.flatMap(({ moment, file }) => {
      const hooks = hooksAt(moment, layers, config.engine);
      if (hooks.length === 0) return [];
      const seconds = hookTimeoutMs(process.env) / 1000;
      const runs = hooks.flatMap((hook) => {
        const { SOURCE_DATE_EPOCH: _, ...environment } = hookEnvironment(moment, hook, {
          config,
          directory: DIRECTORY,
          workspaceDirectory: places.output,
          log: '',
          sourceDateEpoch: IMAGE_TIME,
        });
        const variables = Object.entries(environment).map(([name, value]) =>
          value === DIRECTORY ? `${name}="$1"` : `${name}=${quote(value)}`,
        );
        return [
          `echo ${quote(`${HOOK_MARK} ${hook.name} of ${hook.layer.name}`)}`,
          `env ${variables.join(' ')} \\`,
          `  timeout --kill-after=5 ${seconds} ${quote(hook.program)} "$1" </dev/null`,
        ];
      });
      const head = ['#!/bin/sh', '# Written by Coracle for every build.', 'set -eu', 'cd "$1"', 'umask 022'];
      return [[file, [...head, ...runs, ''].join('\n')]];
    }),
  );
}

/** Stands for the script's first argument. */
const DIRECTORY = '$1';

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
