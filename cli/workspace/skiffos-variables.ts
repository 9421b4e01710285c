/** Variables that hooks and commands of SkiffOS layers rely on (scripts/primary_env.sh, enumerate_configs.sh). */
import type { ResolvedConfig } from './resolved.ts';
import { listedLayers } from './skiffos-base.ts';

/** @param buildroot the directory of Buildroot's output, or what may be taken for it: it holds `target/` and `images/` */
export function skiffosVariables(
  { workspace, layers, settings }: Pick<ResolvedConfig, 'workspace' | 'layers' | 'settings'>,
  buildroot: string,
): Record<string, string> {
  const listed = listedLayers(layers);
  const names = listed.map(({ name }) => name);
  return {
    SKIFF_CONFIG: names.join(','),
    SKIFF_CONFIGS: names.join(' '),
    SKIFF_CONFIG_PATH: listed.map(({ directory }) => directory).join(' '),
    SKIFF_WORKSPACE: workspace,
    SKIFF_WORKSPACE_DIR: buildroot,
    SKIFF_BUILDROOT_DIR: buildroot,
    SKIFF_VERSION: settings.version,
    SKIFF_VERSION_COMMIT: settings.version,
    BUILDROOT_DIR: buildroot,
    WORKSPACE_DIR: buildroot,
  };
}
