/**
 * The stage that puts a slot together: kernel, initramfs, root.squashfs and the manifest that vouches for them. Its
 * directory is the slot: complete, or not there.
 */
import { copyFile, link, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineOutput, KernelFacts, PackageRecord, StageFile, ToolchainFacts } from '../engines/engine.ts';
import type { BuildEnvironment } from '../engines/environment.ts';
import { sha256 } from '../host/files.ts';
import type { Stage, StageContext, StageInput } from '../stages/stage.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { boardFile, readBoard } from './board.ts';
import { type FileFacts, fileFacts } from './file-facts.ts';
import { INITRAMFS_FACTS, INITRAMFS_FILE } from './initramfs.ts';
import { MANIFEST_FILE, makeManifest, manifestText, type SlotContent, type SlotOrigin } from './manifest.ts';
import { type Revision, revisionsOf } from './revision.ts';
import { SQUASHFS_FACTS, SQUASHFS_FILE, type SquashfsFacts } from './squashfs.ts';

export const KERNEL_FILE = 'kernel';

export interface SlotParts {
  readonly engine: EngineOutput;
  readonly squashfs: Stage;
  readonly initramfs: Stage;
}

export function slotStage(config: ResolvedConfig, environment: BuildEnvironment, parts: SlotParts): Stage {
  const { kernel, kernelFacts, packages, toolchain } = parts.engine;
  const board = boardFile(config, environment.installation);
  return {
    name: 'slot',
    title: 'put the slot together',
    needs: unique([
      ...[kernel.stage, kernelFacts.stage, packages.stage, parts.squashfs, parts.initramfs],
      ...(toolchain === undefined ? [] : [toolchain.stage]),
    ]),
    inputs: async () => [
      { name: 'format of the slot', hash: '2' },
      {
        name: 'name, version, layers and kernel parameters of the workspace',
        hash: sha256(JSON.stringify([identityOf(config), parts.engine.fromMachine])),
      },
      { name: `board ${board.name}`, hash: environment.hashes.file(board.path) },
      ...revisionInputs(await origins(config, environment)),
    ],
    run: async (context) => {
      const at = (file: StageFile): string => join(context.outputOf(file.stage), file.path);
      const squashfs = await readJson<SquashfsFacts>(join(context.outputOf(parts.squashfs), SQUASHFS_FACTS));
      const initramfs = await readJson<FileFacts>(join(context.outputOf(parts.initramfs), INITRAMFS_FACTS));
      const facts = await readJson<KernelFacts>(at(kernelFacts));
      await takeFile(context, at(kernel), KERNEL_FILE);
      await takeFile(context, join(context.outputOf(parts.initramfs), INITRAMFS_FILE), INITRAMFS_FILE);
      await takeFile(context, join(context.outputOf(parts.squashfs), SQUASHFS_FILE), SQUASHFS_FILE);
      const { name, kernelParameters } = readBoard(board, config.arch);
      const fromLayers = kernelParametersOf(config);
      const content: SlotContent = {
        arch: config.arch,
        board: name,
        kernelRelease: facts.release,
        kernelParameters: [...kernelParameters, ...fromLayers],
        files: [await fileFacts(join(context.output, KERNEL_FILE)), initramfs, squashfs.file],
        verity: squashfs.verity,
      };
      const origin: SlotOrigin = {
        workspace: config.workspace,
        engine: config.engine,
        fromMachine: parts.engine.fromMachine,
        toolchain: toolchain && (await readJson<ToolchainFacts>(at(toolchain))),
        packages: await readJson<readonly PackageRecord[]>(at(packages)),
        ...(await origins(config, environment)),
      };
      const text = manifestText(makeManifest(config.settings.version, content, origin));
      await writeFile(join(context.output, MANIFEST_FILE), text);
      return { digest: sha256(text) };
    },
  };
}

function identityOf(config: ResolvedConfig): unknown {
  const { workspace, engine, arch, settings, layers } = config;
  const names = layers.map(({ layer }) => layer.name);
  return [workspace, engine, arch, settings.version, names, kernelParametersOf(config)];
}

function kernelParametersOf({ layers }: ResolvedConfig): readonly string[] {
  return layers.flatMap(({ layer }) => (layer.kernelParameters ?? []).map(({ value }) => value));
}

type Origins = Pick<SlotOrigin, 'layers' | 'revision'>;

async function origins(config: ResolvedConfig, environment: BuildEnvironment): Promise<Origins> {
  const project = join(environment.project, 'coracle.yaml');
  const local = config.layers.filter(({ layer }) => layer.root.commit === undefined);
  const revisions = await revisionsOf([project, ...local.map(({ layer }) => layer.directory)]);
  const layers = config.layers.map(({ layer }) => ({
    name: layer.name,
    // A git root is checked out at its pin by Coracle itself.
    revision:
      layer.root.commit === undefined ? revisions.get(layer.directory) : { commit: layer.root.commit, dirty: false },
  }));
  const own = revisions.get(project);
  const dirty = own?.dirty || layers.some(({ revision }) => revision?.dirty && revision.commit === own?.commit);
  return { layers, revision: own && { commit: own.commit, dirty } };
}

function revisionInputs({ layers, revision }: Origins): readonly StageInput[] {
  const input = (name: string, { commit, dirty }: Revision): StageInput => ({ name, hash: `${commit} ${dirty}` });
  return [
    ...(revision ? [input('commit of the project', revision)] : []),
    ...layers.flatMap(({ name, revision: of }) => (of ? [input(`commit of ${name}`, of)] : [])),
  ];
}

/** A second name for the file where that can be had: results of stages are never changed in place. */
async function takeFile(context: StageContext, from: string, name: string): Promise<void> {
  const to = join(context.output, name);
  try {
    await link(await realpath(from), to);
  } catch {
    await copyFile(from, to);
  }
}

function unique(stages: readonly Stage[]): Stage[] {
  return [...new Set(stages)];
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}
