/** Chooses the toolchain that a workspace is built with. */
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import type { TreeSource } from '../tree/tree-source.ts';
import { machineToolchainPlan } from './machine-toolchain-plan.ts';
import type { ToolchainPlan } from './toolchain.ts';

const OWN: ToolchainPlan = {
  stages: [],
  assignments: async () => [],
  overrides: async () => '',
  answers: () => false,
};

export function planToolchain(
  config: ResolvedConfig,
  environment: BuildEnvironment,
  source: TreeSource,
): ToolchainPlan {
  return config.settings.buildroot.toolchain === 'machine' ? machineToolchainPlan(config, environment, source) : OWN;
}
