/** One make that goes through the packages: told of while it runs, and in the words of a failed build where it fails. */
import { Failure } from '../../../failure.ts';
import type { StageContext } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { buildFailure, MakeOutput } from './build-failure.ts';
import { type BuildrootMake, runMake } from './make.ts';
import type { PackageInfos } from './package-info.ts';
import type { StepLine } from './progress.ts';
import { BuildWatch } from './watch-build.ts';
import { wholeMake } from './whole-make.ts';

export interface WatchedMakeOptions {
  readonly targets: readonly string[];
  readonly variables?: readonly string[];
  readonly config: ResolvedConfig;
  /** Of all packages that it goes through; empty where that is not known. */
  readonly infos: PackageInfos;
  /** Of them, those that need not be built. */
  readonly done?: ReadonlySet<string>;
  /** What packages took in earlier builds, in seconds. */
  readonly seconds?: ReadonlyMap<string, number>;
  readonly onStep?: (line: StepLine) => void;
  readonly context: Pick<StageContext, 'report' | 'step'>;
}

/** @throws Failure `package-failed`, `hook-failed`, `buildroot-failed`, and those of running a command */
export async function watchedMake(make: BuildrootMake, options: WatchedMakeOptions): Promise<void> {
  const { targets, variables, config, infos, done, seconds, onStep, context } = options;
  const output = new MakeOutput();
  using watch = new BuildWatch({
    output: make.places.output,
    packages: new Set([...infos].filter(([, { type }]) => type !== 'rootfs').map(([name]) => name)),
    done: done ?? new Set(),
    seconds: seconds ?? new Map(),
    report: context.report,
    step: context.step,
    ...(onStep === undefined ? {} : { onStep }),
  });
  const onLine = (line: string): void => output.take(line);
  try {
    const more = variables === undefined ? {} : { variables };
    await wholeMake(make.places.output, () => runMake(make, targets, { onLine, ...more }));
  } catch (error) {
    watch.look();
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw buildFailure(error, { config, infos, at: watch.at, output, make });
  } finally {
    watch.look();
  }
}
