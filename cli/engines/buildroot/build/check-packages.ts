/**
 * The configurations of kernel, U-Boot and BusyBox, compared with what the layers' fragments ask for as soon as each exists:
 * before it is compiled, and long before the image is complete.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, Failures, throwAny } from '../../../failure.ts';
import type { Namespace } from '../../../kconfig/assignment.ts';
import { readDotConfig } from '../../../kconfig/dotconfig.ts';
import { readKconfig } from '../../../kconfig/language/read-kconfig.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import { type CheckedRequest, differences, judgeDifferences } from '../configure/check-request.ts';
import { explainDifferences, packageKconfig } from '../configure/reasons.ts';
import { askedOf } from '../configure/request.ts';
import type { PackageInfos } from './package-info.ts';
import type { StepLine } from './progress.ts';

/** Packages that have a Kconfig of their own, and the namespace that fragments for it are in. */
export const KCONFIG_PACKAGES: Readonly<Record<string, Exclude<Namespace, 'buildroot'>>> = {
  linux: 'kernel',
  uboot: 'uboot',
  busybox: 'busybox',
};

export interface PackageCheckParts {
  readonly config: ResolvedConfig;
  readonly infos: PackageInfos;
  /** Buildroot's output directory. */
  readonly output: string;
  readonly report: (checked: CheckedRequest) => void;
}

export class PackageChecks {
  readonly #parts: PackageCheckParts;
  readonly #done = new Set<string>();
  readonly #failures: Failure[] = [];

  constructor(parts: PackageCheckParts) {
    this.#parts = parts;
  }

  /** @returns whether something is wrong: make need not go on */
  onStep({ edge, step, package: name }: StepLine): boolean {
    if (edge === 'start' && (step === 'configure' || step === 'build')) this.#check(name);
    return this.#failures.length > 0;
  }

  /** Those whose packages were not built this time, too. @throws Failure `symbol-not-honoured`, all at once */
  finish(): void {
    for (const name of Object.keys(KCONFIG_PACKAGES)) this.#check(name);
    throwAny(this.#failures);
  }

  #check(name: string): void {
    const { config, infos, output, report } = this.#parts;
    const namespace = KCONFIG_PACKAGES[name];
    const info = infos.get(name);
    if (namespace === undefined || info?.build_dir === undefined || this.#done.has(name)) return;
    const directory = join(output, info.build_dir);
    const file = join(directory, '.config');
    if (!existsSync(file)) return;
    this.#done.add(name);
    try {
      const what = `${name} ${info.version ?? ''}`.trim();
      const actual = readDotConfig(file, what);
      const found = differences(askedOf(config, namespace), actual);
      const explained = explainDifferences(found, {
        config,
        namespace,
        actual,
        model: () => readKconfig(packageKconfig(namespace, directory, config.arch)),
      });
      const checked = judgeDifferences(explained, config, { namespace, what });
      report(checked);
      this.#failures.push(...checked.failures);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#failures.push(...(error instanceof Failures ? error.all : [error]));
    }
  }
}
