/**
 * The stage that takes what Buildroot made over into Coracle's own form: the root as a tree, with the layers' root hooks and
 * the checks that every image passes; the kernel; the boot loader's files; the list of packages.
 */
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../failure.ts';
import { hookInputs } from '../../hooks/hook-inputs.ts';
import { hooksAt } from '../../hooks/hook-moments.ts';
import { sha256 } from '../../host/files.ts';
import type { Architecture } from '../../layers/layer.ts';
import { checkInit } from '../../rootfs/init.ts';
import { checkLibraryClosure } from '../../rootfs/library-closure.ts';
import { readTarEntries } from '../../rootfs/tar-entries.ts';
import { RootTree } from '../../rootfs/tree.ts';
import { treeDigest } from '../../rootfs/tree-digest.ts';
import { writeTreeIndex } from '../../rootfs/tree-index.ts';
import type { Stage, StageContext } from '../../stages/stage.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import { applyRootHooks } from '../apply-root-hooks.ts';
import type { BootFile, KernelFacts, PackageRecord } from '../engine.ts';
import type { BuildEnvironment } from '../environment.ts';
import { enabledBy } from './build/build-failure.ts';
import { IMAGES, ORIGINS, PACKAGE_INFO, ROOT_TAR } from './build/build-stage.ts';
import type { PackageInfo, PackageInfos } from './build/package-info.ts';

/** Raise it when the same inputs give another result. */
const FORMAT = '2';

/** What Buildroot calls a kernel that the machine's firmware, or QEMU, starts (BR2_LINUX_KERNEL_IMAGE_NAME). */
const KERNEL_IMAGES: Readonly<Record<Architecture, readonly string[]>> = {
  x86_64: ['bzImage'],
  arm64: ['Image', 'Image.gz'],
};

export interface RootParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly build: Stage;
}

export function rootStage({ config, environment, build }: RootParts): Stage {
  const layers = config.layers.map(({ layer }) => layer);
  return {
    name: 'root',
    title: 'take the root and the kernel',
    needs: [build],
    inputs: async () => [
      { name: 'format', hash: FORMAT },
      { name: 'layers', hash: sha256(layers.map(({ name }) => name).join('\n')) },
      ...hooksAt('root', layers, config.engine).flatMap((hook) => hookInputs(hook, environment.hashes)),
    ],
    run: async (context) => {
      const built = context.outputOf(build);
      const tree = await takeRoot(built);
      await applyRootHooks(tree, config, environment, context);
      checkInit(tree);
      for (const text of await checkLibraryClosure(tree)) {
        context.report({ kind: 'warning', step: context.step, text });
      }
      await writeTreeIndex(tree, join(context.output, 'root.index'));
      const infos: PackageInfos = new Map(
        Object.entries(JSON.parse(await readFile(join(built, PACKAGE_INFO), 'utf8')) as Record<string, PackageInfo>),
      );
      const records = packageRecords(infos, config);
      const kernel = await takeKernel(config.arch, join(built, IMAGES), tree, infos, context);
      const bootFiles = await takeBootFiles(join(built, IMAGES), context);
      await writeFile(join(context.output, 'packages.json'), JSON.stringify(records));
      await writeFile(join(context.output, 'initramfs.json'), '[]');
      return { digest: sha256(JSON.stringify([FORMAT, treeDigest(tree), records, kernel, bootFiles])) };
    },
  };
}

/** Buildroot's tar begins with `./`, the root itself. */
async function takeRoot(built: string): Promise<RootTree> {
  const tree = new RootTree('Buildroot');
  const origins = JSON.parse(await readFile(join(built, ORIGINS), 'utf8')) as Readonly<Record<string, string>>;
  const entries = (await readTarEntries(join(built, ROOT_TAR), 'Buildroot')).map((entry) => ({
    ...entry,
    origin: origins[entry.path] ?? 'Buildroot',
  }));
  for (const entry of entries) if (entry.type !== 'hardlink') tree.put(entry);
  for (const entry of entries) if (entry.type === 'hardlink') tree.put(entry);
  return tree;
}

async function takeKernel(
  arch: Architecture,
  images: string,
  tree: RootTree,
  infos: PackageInfos,
  context: StageContext,
): Promise<KernelFacts & { readonly sha256: string }> {
  const name = KERNEL_IMAGES[arch].find((one) => existsSync(join(images, one)));
  const version = infos.get('linux')?.version;
  if (name === undefined || version === undefined) {
    throw new Failure({
      code: 'no-kernel',
      message: 'Buildroot made no kernel that this image could boot',
      cause:
        version === undefined
          ? 'no layer asks for one'
          : `there is none of ${KERNEL_IMAGES[arch].join(', ')} among its images: ${readdirSync(images).sort().join(', ')}`,
      hint:
        version === undefined
          ? 'a board layer usually does: BR2_LINUX_KERNEL=y'
          : `ask for it: BR2_LINUX_KERNEL_${arch === 'x86_64' ? 'BZIMAGE' : 'IMAGE'}=y`,
    });
  }
  const data = await readFile(join(images, name));
  await copyFile(join(images, name), join(context.output, 'kernel'));
  const facts: KernelFacts = { release: kernelRelease(tree) ?? version, version };
  await writeFile(join(context.output, 'facts.json'), JSON.stringify(facts));
  return { ...facts, sha256: sha256(data) };
}

/** The name of the one directory of modules; a kernel without modules has none. */
function kernelRelease(tree: RootTree): string | undefined {
  const directory = tree.resolve('/lib/modules');
  const found = directory === undefined ? [] : tree.children(directory.path).filter(({ type }) => type === 'directory');
  return found.length === 1 ? found[0]?.path.split('/').at(-1) : undefined;
}

/** Boot loaders that Buildroot installs for UEFI are in efi-part/, laid out as on the boot partition. */
async function takeBootFiles(images: string, context: StageContext): Promise<readonly string[]> {
  const base = join(images, 'efi-part');
  const files: BootFile[] = [];
  const hashes: string[] = [];
  const entries = existsSync(base) ? readdirSync(base, { withFileTypes: true, recursive: true }) : [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name).slice(base.length + 1);
    // The entries are Coracle's own: they say which slot is tried.
    if (!entry.isFile() || path.startsWith('loader/')) continue;
    const to = join('boot-files', path);
    await mkdir(join(context.output, to, '..'), { recursive: true });
    await copyFile(join(base, path), join(context.output, to));
    files.push({ path, file: to });
    hashes.push(path, sha256(await readFile(join(base, path))));
  }
  await writeFile(join(context.output, 'boot-files.json'), JSON.stringify(files));
  return hashes;
}

function packageRecords(infos: PackageInfos, config: ResolvedConfig): readonly PackageRecord[] {
  return [...infos.entries()]
    .filter(([, { type, virtual }]) => type === 'target' && virtual !== true)
    .map(([name, { version }]): PackageRecord => {
      const by = enabledBy(name, config, infos);
      const isDirect = by !== undefined && !by.text.includes('needed by');
      return {
        name,
        version: version ?? '',
        architecture: config.arch,
        sha256: '',
        askedBy: isDirect ? [by.layer] : [],
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
