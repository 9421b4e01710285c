/** The toolchain that is put together from this machine's compiler, as a stage: which one it was is in its result. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDotConfig } from '../../../kconfig/dotconfig.ts';
import type { Stage } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type MachineToolchain, machineToolchain, machineToolchainState } from '../machine/toolchain.ts';
import { treeHash } from '../tree/buildroot-tree.ts';
import type { TreeSource } from '../tree/tree-source.ts';
import { isToolchainSymbol, type Results, type ToolchainPlan } from './toolchain.ts';

const FACTS = 'toolchain.json';

export function machineToolchainPlan(
  config: ResolvedConfig,
  environment: BuildEnvironment,
  source: TreeSource,
): ToolchainPlan {
  const options = () => ({ tree: source.tree().directory, cache: environment.cache, offline: environment.offline });
  const stage: Stage = {
    name: 'toolchain',
    title: "put a toolchain together from the machine's compiler",
    needs: [],
    inputs: async () => [
      { name: 'architecture', hash: config.arch },
      { name: 'the Buildroot tree', hash: treeHash(await source.parts()) },
      { name: "this machine's compiler", hash: await machineToolchainState(config.arch, options()) },
    ],
    changesInputs: true,
    run: async (context) => {
      const made = await machineToolchain(config.arch, { ...context, ...options() });
      const text = `built with the toolchain of this machine, for development only: ${made.parts.join(', ')}`;
      context.report({ kind: 'warning', step: context.step, text });
      await writeFile(join(context.output, FACTS), JSON.stringify(made));
      return { digest: made.digest };
    },
  };
  const facts = async ({ outputOf }: Results): Promise<MachineToolchain> =>
    JSON.parse(await readFile(join(outputOf(stage), FACTS), 'utf8')) as MachineToolchain;
  return {
    stages: [stage],
    facts: { stage, path: FACTS },
    built: [],
    assignments: async (results) => {
      const { symbols } = await facts(results);
      const parsed = parseDotConfig(symbols.map((line) => `${line}\n`).join(''), { file: FACTS, layer: 'toolchain' });
      return [...parsed].map(([symbol, value]) => ({ symbol, value, why: 'toolchain: machine' }));
    },
    overrides: async (results) => (await facts(results)).overrides,
    answers: isToolchainSymbol,
  };
}
