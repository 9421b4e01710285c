/**
 * The kernel's part of the debian engine as stages: check what was asked of the kernel, then take its image and modules.
 * The kernel comes in an uncompressed tar laid out like a linux-image package; whether the distribution or `kernel: source`
 * made it, makes no difference here.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwAny } from '../../../failure.ts';
import { sha256 } from '../../../host/files.ts';
import { ContentReader, contentSize, readContent } from '../../../rootfs/content.ts';
import { readTarEntries } from '../../../rootfs/tar-entries.ts';
import { RootTree } from '../../../rootfs/tree.ts';
import { treeDigest } from '../../../rootfs/tree-digest.ts';
import { writeTreeIndex } from '../../../rootfs/tree-index.ts';
import type { Stage, StageContext, StageInput } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { InitramfsModule, KernelFacts, StageFile } from '../../engine.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { checkSymbols, type SymbolCheck } from './check-symbols.ts';
import { moduleEntries } from './depmod.ts';
import { expandModules, writeModules } from './expand-modules.ts';
import { parseSymbolModules, type SymbolModules, symbolsByModule } from './kbuild-modules.ts';
import { type KernelModule, type KernelTree, ModinfoIndex, readKernelTree } from './kernel-tree.ts';
import { type ModuleRequests, moduleRequests } from './module-requests.ts';
import { type PackedKernel, symbolInputs } from './packed-kernel.ts';
import { type ModuleSelection, type SelectOptions, selectModules } from './select-modules.ts';

export interface PackedKernelParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  /** The stage that brings the kernel. */
  readonly from: Stage;
  readonly kernel: (context: StageContext) => Promise<PackedKernel>;
  /** What the user should hear of whenever the kernel is looked at. */
  readonly warnings: readonly string[];
}

export interface KernelPlan {
  readonly stages: readonly Stage[];
  /** Of them, the one that holds the kernel against what layers ask of it. */
  readonly check: Stage;
  readonly image: StageFile;
  /** JSON {@link KernelFacts}. */
  readonly facts: StageFile;
  /** JSON list of {@link InitramfsModule}. */
  readonly initramfsModules: StageFile;
  /** A root tree index: modules, their lists, and which are loaded early. */
  readonly modules: StageFile;
}

/** Raise it when the same inputs give another result. */
const FORMAT = '1';
const KEEP = 'keep.json';

export function planPackedKernel(parts: PackedKernelParts): KernelPlan {
  const check = checkStage(parts);
  const kernel = kernelStage(parts, check);
  const file = (path: string): StageFile => ({ stage: kernel, path });
  return {
    stages: [check, kernel],
    check,
    image: file('kernel'),
    facts: file('facts.json'),
    initramfsModules: file('initramfs.json'),
    modules: file('modules.index'),
  };
}

function checkStage(parts: PackedKernelParts): Stage {
  const { config, environment } = parts;
  return {
    name: 'kernel-symbols',
    title: 'check the kernel against what layers ask of it',
    needs: [parts.from],
    inputs: async () => [...symbolInputs(config), ...loadedInputs(config), { name: 'format', hash: FORMAT }],
    run: async (context) => {
      const packed = await parts.kernel(context);
      const tree = await readPacked(packed, environment, context);
      using reader = new ContentReader();
      const symbolModules = await readSymbolModules(tree, environment);
      const loaded = { ...moduleRequests(config), root: [] };
      const selection = selectModules(tree, new ModinfoIndex(tree, reader), loaded, possible(tree, symbolModules));
      const check = checkSymbols(config, { tree, symbolModules, early: new Set(names(selection)) });
      throwAny(check.failures);
      for (const text of parts.warnings) context.report({ kind: 'warning', step: context.step, text });
      reportCheck(check, tree, context);
      const keep = JSON.stringify(check.keep);
      await writeFile(join(context.output, KEEP), keep);
      return { digest: sha256(keep) };
    },
  };
}

function possible(tree: KernelTree, symbolModules: SymbolModules): Pick<SelectOptions, 'possible'> {
  return tree.symbolModules === undefined ? {} : { possible: symbolsByModule(symbolModules) };
}

function names(selection: ModuleSelection): string[] {
  // With nothing else asked for, what the root keeps is what is loaded early and its dependencies.
  return selection.root.map((module) => module.name);
}

function kernelStage(parts: PackedKernelParts, check: Stage): Stage {
  const { config, environment } = parts;
  return {
    name: 'kernel',
    title: 'take the kernel and its modules',
    needs: [parts.from, check],
    inputs: async () => [
      ...loadedInputs(config),
      { name: 'kernel modules', hash: hashOf(moduleRequests(config).root.map(({ pattern }) => pattern)) },
      { name: 'format', hash: FORMAT },
    ],
    run: async (context) => {
      const packed = await parts.kernel(context);
      const tree = await readPacked(packed, environment, context);
      using reader = new ContentReader();
      const keep = JSON.parse(await readFile(join(context.outputOf(check), KEEP), 'utf8')) as string[];
      const requests = moduleRequests(config);
      const symbolModules = await readSymbolModules(tree, environment);
      const options = { keep, ...possible(tree, symbolModules) };
      const selection = selectModules(tree, new ModinfoIndex(tree, reader), requests, options);
      if (selection.idle.length > 0) {
        const modules = selection.idle.map(({ pattern, layer }) => `${pattern} (${layer})`).join(', ');
        const text = `${tree.origin} has none of these modules, which layers would keep: ${modules}`;
        context.report({ kind: 'warning', step: context.step, text });
      }
      const root = await rootTree(tree, selection, context);
      await writeTreeIndex(root, join(context.output, 'modules.index'));
      const image = readContent(tree.image);
      await writeFile(join(context.output, 'kernel'), image);
      const facts: KernelFacts = { release: tree.release, version: packed.version };
      await writeFile(join(context.output, 'facts.json'), JSON.stringify(facts));
      await writeInitramfs(selection.initramfs, context);
      const order = selection.initramfs.map((module) => module.path);
      return { digest: hashOf([FORMAT, facts, sha256(image), treeDigest(root), order]) };
    },
  };
}

async function readPacked(packed: PackedKernel, environment: BuildEnvironment, { signal }: StageContext) {
  const tree = readKernelTree(await readTarEntries(packed.tar, `package ${packed.name}`), packed.name);
  return expandModules(tree, { cache: environment.cache, key: packed.key, signal });
}

async function rootTree(tree: KernelTree, selection: ModuleSelection, context: StageContext): Promise<RootTree> {
  const root = new RootTree();
  const scratch = join(context.scratch, 'depmod');
  for (const entry of await moduleEntries(tree, selection.root, { ...context, scratch })) root.put(entry);
  if (selection.early.length > 0) {
    const text = selection.early.map((name) => `${name}\n`).join('');
    root.addFile('/usr/lib/modules-load.d/coracle.conf', text, { origin: 'early modules of layers' });
  }
  return root;
}

/** Modules are written by the names of their files; the list names them from where it stands, as a project may be moved. */
async function writeInitramfs(modules: readonly KernelModule[], context: StageContext) {
  const flat = modules.map((module) => ({ ...module, path: module.path.slice(module.path.lastIndexOf('/') + 1) }));
  await mkdir(join(context.output, 'initramfs'));
  await writeModules(join(context.output, 'initramfs'), flat);
  const list = flat.map(
    (module): InitramfsModule => ({
      name: module.name,
      file: join('initramfs', `${module.path}${module.suffix}`),
    }),
  );
  await writeFile(join(context.output, 'initramfs.json'), JSON.stringify(list));
}

/** The kernel's own table if it was compiled here; else the one that ships. */
async function readSymbolModules(tree: KernelTree, environment: BuildEnvironment): Promise<SymbolModules> {
  const { symbolModules: own } = tree;
  if (own !== undefined) {
    using reader = new ContentReader();
    return parseSymbolModules(reader.read(own, 0, contentSize(own)).toString('utf8'));
  }
  const shipped = join(environment.installation, 'cli/engines/debian/kernel/symbol-modules.txt');
  return parseSymbolModules(await readFile(shipped, 'utf8'));
}

function reportCheck(check: SymbolCheck, tree: KernelTree, { report, step }: StageContext): void {
  if (check.nameless.length > 0) {
    const symbols = check.nameless.map(({ symbol }) => symbol).join(', ');
    const hint = 'find the names and list them under engines: debian: modules: in the layer';
    report({
      kind: 'warning',
      step,
      text: `the image lacks the modules of ${symbols}: their names are not known`,
      hint,
    });
  }
  if (check.needless.length > 0) {
    const symbols = check.needless.map(({ symbol }) => symbol).join(', ');
    report({ kind: 'note', step, text: `accepted differences that ${tree.origin} does not have: ${symbols}` });
  }
}

function loadedInputs(config: ResolvedConfig): readonly StageInput[] {
  const patterns = (key: keyof ModuleRequests): readonly string[] =>
    moduleRequests(config)[key].map(({ pattern }) => pattern);
  return [
    { name: 'initramfs modules', hash: hashOf(patterns('initramfs')) },
    { name: 'early modules', hash: hashOf(patterns('early')) },
  ];
}

function hashOf(value: unknown): string {
  return sha256(JSON.stringify(value));
}
