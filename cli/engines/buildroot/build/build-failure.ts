/**
 * What went wrong in a build, from where make was and what it said: the package, the phase, the first telling lines, and the
 * layer that the package is there for.
 */
import { Failure } from '../../../failure.ts';
import { hookNames } from '../../../hooks/hook-moments.ts';
import { winner } from '../../../kconfig/merge.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { HOOK_MARK } from '../layer-files/scripts.ts';
import { type PackageInfos, packageSymbol } from './package-info.ts';
import type { StepLine } from './progress.ts';

/** Keeps the last of what make says, and of that what tells most. */
export class MakeOutput {
  #lines: string[] = [];
  #hook: string | undefined;

  take(line: string): void {
    if (line.startsWith(HOOK_MARK)) this.#hook = line.slice(HOOK_MARK.length).trim();
    // A step begins: what was said before does not belong to it.
    if (line.startsWith('>>> ')) {
      this.#lines = [];
      if (!line.startsWith(HOOK_MARK)) this.#hook = undefined;
    }
    this.#lines.push(line);
    if (this.#lines.length > MOST_LINES) this.#lines.shift();
  }

  /** The hook that was at work, `post-build of my/app`. */
  get hook(): string | undefined {
    return this.#hook;
  }

  /** From the first line that speaks of an error, to where make gives up. */
  get telling(): readonly string[] {
    const lines = this.#lines.filter((line) => line.trim() !== '');
    const end = lines.findIndex((line) =>
      /^make(?:\[\d+\])?: \*\*\* \[.*(?:pkg-generic|Makefile|fs\/common)/.test(line),
    );
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
  readonly offline: boolean;
}

export function buildFailure(error: Failure, build: FailedBuild): Failure {
  const { config, infos, at, output, offline } = build;
  const cause = output.telling.join('\n') || error.parts.cause;
  if (output.hook !== undefined) {
    const [name = '', layer] = output.hook.split(' of ');
    const known = hookNames.some((one) => one === name)
      ? config.layers.find((one) => one.layer.name === layer)
      : undefined;
    const program = known?.layer.contents.hooks[name];
    return new Failure({
      ...error.parts,
      code: 'hook-failed',
      message: `hook ${output.hook} ended with an error`,
      place: program === undefined ? undefined : { file: program },
      layer,
      cause,
    });
  }
  if (at === undefined || at.edge === 'end') {
    return new Failure({ ...error.parts, code: 'buildroot-failed', message: 'Buildroot ended with an error', cause });
  }
  const enabled = enabledBy(at.package, config, infos);
  const isFetch = at.step === 'download' || (at.step === 'extract' && /wget|curl|download|hash/i.test(cause ?? ''));
  return new Failure({
    ...error.parts,
    code: 'package-failed',
    message: `${describePackage(at.package, infos)} failed in the step ${at.step}`,
    cause,
    layer: enabled?.layer,
    ...(enabled === undefined ? {} : { place: enabled.place }),
    hint: [
      enabled?.text ?? unaskedText(at.package, infos),
      ...(isFetch && offline ? ['it was not fetched before: coracle source fetches what a workspace needs'] : []),
    ].join('\n'),
  });
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
