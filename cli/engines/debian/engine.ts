/**
 * The debian engine: a root and a kernel of Debian's binary packages, for any architecture, without root privileges and
 * without running anything of the packages. docs/debian-engine.md describes it.
 */
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import type { DeviceProgram, Engine, EnginePlan } from '../engine.ts';
import type { BuildEnvironment } from '../environment.ts';
import { askedPrograms } from '../root-programs.ts';
import { BOOT_FILES, bootFilesStage } from './boot-files-stage.ts';
import { planKernel } from './kernel/plan.ts';
import { packagesStage, packedKernel } from './packages-stage.ts';
import { PACKAGE_RECORDS, ROOT_INDEX, rootStage } from './root-stage.ts';
import { SCRIPTS_TAR, scriptsStage } from './run-scripts/scripts-stage.ts';
import { debianTools } from './tools/tools.ts';

export const debianEngine = { name: 'debian', plan } satisfies Engine;

function plan(
  config: ResolvedConfig,
  environment: BuildEnvironment,
  _workspaceDirectory: string,
  deviceProgram: DeviceProgram,
): EnginePlan {
  const packages = packagesStage(config, environment);
  const kernel = planKernel({ config, environment, packages, unpacked: packedKernel(environment, packages) });
  const scripts = config.settings.scripts === 'run' ? scriptsStage(config, environment, packages) : undefined;
  const programs = askedPrograms(config.layers.map(({ layer }) => layer)).map((program) => ({
    ...program,
    stage: deviceProgram(program.name),
  }));
  const root = rootStage({
    config,
    environment,
    packages,
    modules: kernel.modules,
    programs,
    scripts: scripts && { stage: scripts, path: SCRIPTS_TAR },
  });
  const bootFiles = bootFilesStage(config, environment, packages);
  return {
    stages: [
      packages,
      ...kernel.stages,
      ...(scripts === undefined ? [] : [scripts]),
      ...programs.map(({ stage }) => stage),
      root,
      bootFiles,
    ],
    output: {
      kernel: kernel.image,
      kernelFacts: kernel.facts,
      root: { stage: root, path: ROOT_INDEX },
      initramfsModules: kernel.initramfsModules,
      bootFiles: { stage: bootFiles, path: BOOT_FILES },
      packages: { stage: root, path: PACKAGE_RECORDS },
    },
    tools: debianTools(config, environment, { packages, kernel: kernel.check }),
  };
}
