/**
 * The kernel of a workspace as stages, whether it comes ready in a package or is compiled from source. This is what the
 * engine's plan calls.
 */
import type { Stage, StageContext } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type KernelPlan, planPackedKernel } from './kernel-plan.ts';
import type { PackedKernel } from './packed-kernel.ts';
import { kernelPatches, planSourceKernel } from './source/source-plan.ts';

export interface KernelParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  /** The stage that brings the packages. */
  readonly packages: Stage;
  /** An unpacked package of that stage: the kernel's, or its source (only asked for with `kernel: source`). */
  readonly unpacked: (kind: 'image' | 'source', context: StageContext) => Promise<PackedKernel>;
}

export function planKernel(parts: KernelParts): KernelPlan {
  const { config, environment, packages, unpacked } = parts;
  const image = (context: StageContext): Promise<PackedKernel> => unpacked('image', context);
  if (config.settings.kernel === 'package') {
    const unused = kernelPatches(config).map(({ layer }) => layer);
    const warnings = [...new Set(unused)].map(
      (layer) => `the kernel patches of ${layer} are left out: the kernel comes compiled (kernel: source applies them)`,
    );
    return planPackedKernel({ config, environment, from: packages, kernel: image, warnings });
  }
  const source = (context: StageContext): Promise<PackedKernel> => unpacked('source', context);
  const compiled = planSourceKernel({ config, environment, from: packages, source, kernel: image });
  const plan = planPackedKernel({ config, environment, from: compiled.stage, kernel: compiled.kernel, warnings: [] });
  return { ...plan, stages: [compiled.stage, ...plan.stages] };
}
