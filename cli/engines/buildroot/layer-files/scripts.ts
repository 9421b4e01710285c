/**
 * The scripts through which Buildroot runs the layers' hooks: one for each of its moments, which sets the documented
 * environment for each hook in turn and stops at the first that fails.
 */

import { join } from 'node:path';
import { hookEnvironment, hookTimeoutMs } from '../../../hooks/hook-environment.ts';
import { hookInputs } from '../../../hooks/hook-inputs.ts';
import { type HookName, hooksAt } from '../../../hooks/hook-moments.ts';
import { sha256 } from '../../../host/files.ts';
import { IMAGE_TIME } from '../../../rootfs/image-time.ts';
import type { FileHashes } from '../../../stages/file-hashes.ts';
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

/** Marks the line that says with which exit code a hook ended that failed. */
export const HOOK_END_MARK = 'coracle-hook-exit-code:';

/** What timeout(1) itself ends with where a program had to be stopped. */
export const TIMED_OUT = 124;

const ENDED = `ended() { echo "${HOOK_END_MARK} $1"; exit "$1"; }`;

/**
 * Name among the layer files → text, executable. Each names the content of its hooks, so that it changes as they do.
 *
 * @throws Failure `bad-hook-timeout`, `unreadable-file`
 */
export function hookScripts(
  config: ResolvedConfig,
  places: BuildPlaces,
  hashes: FileHashes,
): ReadonlyMap<string, string> {
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
        const content = sha256(JSON.stringify(hookInputs(hook, hashes).map(({ hash }) => hash)));
        return [
          `# What the hook is, and what its layer keeps for it: ${content}`,
          `echo ${quote(`${HOOK_MARK} ${hook.name} of ${hook.layer.name}`)}`,
          ...(hook.layer.form === 'skiffos' ? asInSkiffos(places) : ['cd "$1"']),
          `env ${variables.join(' ')} \\`,
          `  timeout --kill-after=5 ${seconds} ${quote(hook.program)} "$1" </dev/null || ended $?`,
        ];
      });
      const head = ['#!/bin/sh', '# Written by Coracle for every build.', 'set -eu', 'umask 022', ENDED];
      return [[file, [...head, ...runs, ''].join('\n')]];
    }),
  );
}

/** SkiffOS runs its layers' hooks in the output directory, with the tools that Buildroot built before those of the machine. */
function asInSkiffos({ output }: BuildPlaces): string[] {
  return [`cd ${quote(output)}`, `PATH=${quote(join(output, 'host/bin'))}:$PATH`];
}

/** Stands for the script's first argument. */
const DIRECTORY = '$1';

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
