/**
 * The buildroot engine: upstream Buildroot cross-compiles the whole image from the workspace's resolved configuration.
 * docs/buildroot-engine.md describes it.
 */
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import type { Engine, EngineOutput, EnginePlan } from '../engine.ts';
import type { BuildEnvironment } from '../environment.ts';
import { buildStage } from './build/build-stage.ts';
import { buildPlaces } from './build-places.ts';
import { configureStage } from './configure/configure-stage.ts';
import { rootStage } from './root-stage.ts';
import { planToolchain } from './toolchain/plan-toolchain.ts';
import { buildrootTools } from './tools/tools.ts';
import { checkPathForMake } from './tree/path-for-make.ts';
import { treeSource } from './tree/tree-source.ts';

export const buildrootEngine: Engine = { name: 'buildroot', plan };

function plan(config: ResolvedConfig, environment: BuildEnvironment, workspaceDirectory: string): EnginePlan {
  const places = buildPlaces(workspaceDirectory);
  const source = treeSource(config, environment);
  const toolchain = planToolchain({ config, environment, places, source });
  const configure = configureStage({ config, environment, places, source, toolchain });
  const build = buildStage({ config, environment, places, source, toolchain, configure });
  const root = rootStage({ config, environment, build });
  const file = (path: string) => ({ stage: root, path });
  return {
    check: () => {
      source.tree();
      source.externals();
      checkPathForMake(places.directory, `the workspace ${config.workspace}`);
    },
    stages: [...toolchain.stages, configure, ...toolchain.built, build, root],
    output: {
      kernel: file('kernel'),
      kernelFacts: file('facts.json'),
      root: file('root.index'),
      initramfsModules: file('initramfs.json'),
      bootFiles: file('boot-files.json'),
      packages: file('packages.json'),
      ...(toolchain.facts === undefined ? {} : { toolchain: toolchain.facts }),
      ...fromMachine(config),
    },
    tools: buildrootTools({ config, environment, places, source, toolchain, configure, build }),
  };
}

function fromMachine({ settings: { buildroot } }: ResolvedConfig): Pick<EngineOutput, 'fromMachine'> {
  const parts = (['toolchain', 'hostTools'] as const).filter((one) => buildroot[one] === 'machine');
  return parts.length === 0 ? {} : { fromMachine: parts };
}
