/** Chooses the toolchain that a workspace is built with. */
import { winner } from '../../../kconfig/merge.ts';
import type { ConfigureParts } from '../configure/configure-stage.ts';
import { machineToolchainPlan } from './machine-toolchain-plan.ts';
import { sharedToolchainPlan } from './shared-toolchain-plan.ts';
import { OWN_TOOLCHAIN, type ToolchainPlan } from './toolchain.ts';

export function planToolchain(parts: Omit<ConfigureParts, 'toolchain'>): ToolchainPlan {
  const { config, environment, source } = parts;
  const { toolchain } = config.settings.buildroot;
  if (toolchain === 'machine') return machineToolchainPlan(config, environment, source);
  return toolchain === 'own' || asksForExternal(parts) ? OWN_TOOLCHAIN : sharedToolchainPlan(parts);
}

/** Layers that name a ready toolchain leave nothing to share. */
function asksForExternal({ config }: Pick<ConfigureParts, 'config'>): boolean {
  const chain = config.symbols.buildroot.get('BR2_TOOLCHAIN_EXTERNAL');
  const value = chain === undefined ? undefined : winner(chain).value;
  return value?.kind === 'tristate' && value.value === 'y';
}
