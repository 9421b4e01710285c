/**
 * What went wrong in a build, from where make was and what it said: the package, the phase, the first telling lines, and the
 * layer that the package is there for.
 */
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { hookTimeoutMs } from '../../../hooks/hook-environment.ts';
import { hookNames } from '../../../hooks/hook-moments.ts';
import { winner } from '../../../kconfig/merge.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { appliedPatches, givenPatch } from '../layer-files/patches.ts';
import { HOOK_END_MARK, HOOK_MARK, TIMED_OUT } from '../layer-files/scripts.ts';
import type { BuildrootMake } from './make.ts';
import { type PackageInfos, packageSymbol } from './package-info.ts';
import type { StepLine } from './progress.ts';

/** Keeps the last of what make says, and of that what tells most. */
export class MakeOutput {
  #lines: string[] = [];
  #hook: string | undefined;
  #hookExitCode: number | undefined;

  take(line: string): void {
    if (line.startsWith(HOOK_END_MARK)) {
      this.#hookExitCode = Number(line.slice(HOOK_END_MARK.length));
      return;
    }
    // A step begins: what was said before does not belong to it.
    if (line.startsWith('>>> ')) {
      this.#lines = [];
      this.#hook = line.startsWith(HOOK_MARK) ? line.slice(HOOK_MARK.length).trim() : undefined;
      if (this.#hook !== undefined) return;
    }
    this.#lines.push(line);
    if (this.#lines.length > MOST_LINES) this.#lines.shift();
  }

  /** The hook that was at work, `post-build of my/app`. */
  get hook(): string | undefined {
    return this.#hook;
  }

  /** With which it ended, if it said so: undefined where the script around it came to no end. */
  get hookExitCode(): number | undefined {
    return this.#hookExitCode;
  }

  /** From the first line that speaks of an error, to where make gives up. */
  get telling(): readonly string[] {
    const lines = this.#lines.filter((line) => line.trim() !== '');
    const end = lines.findIndex((line) => /^make(?:\[\d+\])?: \*\*\* \[.*(?:pkg-generic|Makefile|fs\/)/.test(line));
    const said = end === -1 ? lines : lines.slice(0, end);
    const first = said.findIndex((line) => ERROR.test(line));
    return (first === -1 ? said.slice(-TELLING) : said.slice(first, first + TELLING)).map((line) => line.trimEnd());
  }
}

const MOST_LINES = 4000;
const TELLING = 12;
const ERROR =
  /(?:^|[\s:])(?:fatal )?error[\s:]|^ERROR|\bundefined reference\b|\*\*\* |\bNo such file or directory\b|\bcannot find\b|\bfailed\b|\bnot found\b/i;

export interface FailedBuild {
  readonly config: ResolvedConfig;
  readonly infos: PackageInfos;
  readonly at: StepLine | undefined;
  readonly output: MakeOutput;
  readonly make: Pick<BuildrootMake, 'places' | 'environment'>;
}

export function buildFailure(error: Failure, build: FailedBuild): Failure {
  const { config, infos, at, output, make } = build;
  const cause = output.telling.join('\n') || error.parts.cause;
  if (output.hook !== undefined) return hookFailure(output.hook, error, { ...build, cause });
  if (at === undefined || at.edge === 'end') {
    return new Failure({ ...error.parts, code: 'buildroot-failed', message: 'Buildroot ended with an error', cause });
  }
  const enabled = enabledBy(at.package, config, infos);
  const hints = [enabled?.text ?? unaskedText(at.package, infos), ...fetchHints(at, cause ?? '', build)];
  const failed = new Failure({
    ...error.parts,
    code: 'package-failed',
    message: `${describePackage(at.package, infos)} failed in the step ${at.step}`,
    cause,
    layer: enabled?.layer,
    ...(enabled === undefined ? {} : { place: enabled.place }),
    hint: hints.join('\n'),
  });
  const patch = at.step === 'patch' ? lastPatch(at.package, infos, make) : undefined;
  return patch === undefined ? failed : patchFailure(patch, failed, describePackage(at.package, infos), build);
}

function hookFailure(hook: string, { parts }: Failure, failed: FailedBuild & { readonly cause: string | undefined }) {
  const { config, output, cause } = failed;
  const [name = '', layer] = hook.split(' of ');
  const known = hookNames.some((one) => one === name)
    ? config.layers.find((one) => one.layer.name === layer)
    : undefined;
  const program = known?.layer.contents.hooks[name];
  const place = program === undefined ? undefined : { file: program };
  const about = { ...parts, place, layer, cause };
  const code = output.hookExitCode;
  if (code === TIMED_OUT) {
    return new Failure({
      ...about,
      code: 'hook-timeout',
      message: `hook ${hook} did not end within ${hookTimeoutMs(process.env) / 1000} s and was stopped`,
      hint: 'CORACLE_HOOK_TIMEOUT=<seconds> allows more',
    });
  }
  const how = code === undefined ? 'an error' : `exit code ${code}`;
  return new Failure({ ...about, code: 'hook-failed', message: `hook ${hook} ended with ${how}` });
}

/** The patch at which the step stopped. */
function lastPatch(name: string, infos: PackageInfos, { places }: FailedBuild['make']): string | undefined {
  const directory = infos.get(name)?.build_dir;
  return directory === undefined ? undefined : appliedPatches(join(places.output, directory)).at(-1);
}

/** @param patch absolute. @param what has it, `hello 1.0` */
function patchFailure(patch: string, { parts }: Failure, what: string, { config, make }: FailedBuild): Failure {
  const layers = config.layers.map(({ layer }) => layer);
  const given = givenPatch(patch, layers, make.places);
  const below = layers.find(({ directory }) => patch.startsWith(`${directory}/`));
  const hint = `make the patch anew for ${what}, or have Buildroot build the version that it was made for`;
  return new Failure({
    ...parts,
    code: 'patch-failed',
    message: `the patch ${given?.path ?? patch.split('/').at(-1)} does not apply to ${what}`,
    place: { file: given?.file ?? patch },
    // A patch of the tree may stumble over what a layer asks for.
    layer: given?.layer ?? below?.name ?? parts.layer,
    hint: [hint, parts.hint].join('\n'),
  });
}

/** What helps where a source could not be had. */
function fetchHints({ step }: StepLine, cause: string, { config, make }: FailedBuild): readonly string[] {
  const isFetch = step === 'download' || (step === 'extract' && /wget|curl|download|hash/i.test(cause));
  if (!isFetch) return [];
  if (make.environment.offline) return ['it was not fetched before: coracle source fetches what a workspace needs'];
  if (/wrong \S+ hash/.test(cause)) return [];
  const { mirror } = config.settings.buildroot;
  const sites =
    mirror === undefined
      ? 'buildroot: {mirror: URL} of the workspace in coracle.yaml names a site to ask before those of the packages'
      : `the mirror ${mirror} was asked before the site of the package`;
  return [`${sites}; coracle source fetches all that a workspace needs, without building`];
}

function unaskedText(name: string, infos: PackageInfos): string {
  const users = infos.get(name)?.reverse_dependencies ?? [];
  const why = 'no layer asks for it by name: a default of Buildroot, or an option of a layer, brings it';
  return users.length === 0 ? `${name}: ${why}` : `${name} is needed by ${users.join(', ')}; ${why}`;
}

function describePackage(name: string, infos: PackageInfos): string {
  const version = infos.get(name)?.version;
  return version === undefined || version === '' ? name : `${name} ${version}`;
}

/** The layer that turned the package on, or the nearest package above it that one did. */
export function enabledBy(name: string, config: ResolvedConfig, infos: PackageInfos) {
  const seen = new Set<string>();
  let round: readonly (readonly string[])[] = [[name]];
  while (round.length > 0) {
    const next: (readonly string[])[] = [];
    for (const path of round) {
      const [top = ''] = path;
      if (seen.has(top)) continue;
      seen.add(top);
      const symbol = top === 'linux' ? 'BR2_LINUX_KERNEL' : packageSymbol(top.replace(/^host-/, 'host_'));
      const chain = config.symbols.buildroot.get(symbol);
      const won = chain === undefined ? undefined : winner(chain);
      if (won?.value.kind === 'tristate' && won.value.value !== 'n') {
        const via = path.length === 1 ? '' : `, needed by ${path.slice(0, -1).reverse().join(', needed by ')}`;
        return {
          layer: won.origin.layer,
          place: { file: won.origin.file, line: won.origin.line },
          text: `${name}${via}: ${won.origin.layer} asks for it (${symbol}=y)`,
        };
      }
      for (const above of infos.get(top)?.reverse_dependencies ?? []) next.push([above, ...path]);
    }
    round = next;
  }
  return undefined;
}
