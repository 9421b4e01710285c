/** Asks Buildroot about the packages of a configuration, once: the answer is kept in the cache by all that it depends on. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { writeShortcut } from '../../../host/cache-writes.ts';
import { sha256 } from '../../../host/files.ts';
import { LAYER_FILES } from '../build-places.ts';
import type { LayerFilesPlan } from '../layer-files/plan-layer-files.ts';
import { type TreeParts, treeHash } from '../tree/buildroot-tree.ts';
import { type BuildrootMake, runMake } from './make.ts';
import { withPackageDirectories } from './package-directories.ts';
import { type PackageInfos, parsePackageInfo } from './package-info.ts';

export interface ShowInfoInputs {
  readonly parts: TreeParts;
  readonly plan: LayerFilesPlan;
}

/**
 * Asked in a directory of its own, so that the workspace's output directory stays as it is until it is known what has to be
 * done there.
 */
export async function showInfo(
  make: BuildrootMake,
  dotConfig: string,
  { parts, plan }: ShowInfoInputs,
): Promise<PackageInfos> {
  const key = sha256([dotConfig, treeHash(parts), ...readFiles(plan)].join('\n')).slice(0, 32);
  const kept = join(make.environment.cache, 'buildroot/package-info', `${key}.json`);
  const externals = make.externals.map(({ directory }) => directory);
  const complete = (infos: PackageInfos) => withPackageDirectories(infos, make.tree.directory, externals);
  if (existsSync(kept)) {
    try {
      return complete(parsePackageInfo(await readFile(kept, 'utf8')));
    } catch {
      // Damaged: asked anew.
    }
  }
  const output = await mkdtemp(join(tmpdir(), 'coracle-show-info-'));
  try {
    const infos = parsePackageInfo(await ask(make, dotConfig, plan, output));
    await writeShortcut(kept, JSON.stringify(Object.fromEntries(infos)));
    return complete(infos);
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw new Failure({
      ...error.parts,
      code: 'bad-makefiles',
      message: 'Buildroot does not accept this configuration, or a makefile of a BR2_EXTERNAL tree is wrong',
    });
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

/** The layer files that makefiles look at before they build anything: by content, or only whether there are such. */
function readFiles({ files }: LayerFilesPlan): readonly string[] {
  return [...files].map(([name, { data }]) => (name === LAYER_FILES.hostPackages ? `${name} ${sha256(data)}` : name));
}

/** With a copy of the layer files, since those of the workspace are of the build before. */
async function ask(make: BuildrootMake, dotConfig: string, plan: LayerFilesPlan, output: string): Promise<string> {
  const { layers } = make.places;
  const copy = join(output, 'layers');
  for (const [name, { data }] of plan.files) {
    await mkdir(dirname(join(copy, name)), { recursive: true });
    await writeFile(join(copy, name), data);
  }
  await writeFile(join(output, '.config'), dotConfig.replaceAll(`${layers}/`, `${copy}/`));
  // It downloads nothing; offline, the places that sources are from would be missing in the answer.
  const environment = { ...make.environment, offline: false };
  const asked = { ...make, environment, places: { ...make.places, output } };
  const { stdout } = await runMake(asked, ['-s', '--no-print-directory', 'show-info'], { capture: true });
  return stdout.replaceAll(`${copy}/`, `${layers}/`);
}
