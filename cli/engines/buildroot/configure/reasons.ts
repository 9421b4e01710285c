/** Why a configuration is not what was asked for. */
import type { Namespace } from '../../../kconfig/assignment.ts';
import type { DotConfig } from '../../../kconfig/dotconfig.ts';
import type { Architecture } from '../../../layers/layer.ts';
import type { Difference, ExplainedDifference } from './check-request.ts';

export interface PackageKconfig {
  readonly namespace: Exclude<Namespace, 'buildroot'>;
  /** The package's source, with its .config. */
  readonly directory: string;
  readonly actual: DotConfig;
  readonly arch: Architecture;
}

export function explainPackage(found: readonly Difference[], _package: PackageKconfig): readonly ExplainedDifference[] {
  return found.map((one) => ({ ...one, cause: 'its Kconfig decided otherwise' }));
}
