/** Asks Buildroot about the packages of a configuration, once: the answer is kept in the cache by all that it depends on. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { writeShortcut } from '../../../host/cache-writes.ts';
import { sha256 } from '../../../host/files.ts';
import { LAYER_FILES } from '../build-places.ts';
import { type TreeParts, treeHash } from '../tree/buildroot-tree.ts';
import { type BuildrootMake, runMake } from './make.ts';
import { type PackageInfos, parsePackageInfo } from './package-info.ts';

export interface ShowInfoInputs {
  readonly parts: TreeParts;
  /** The makefile of BR2_PACKAGE_OVERRIDE_FILE, if Coracle writes one. */
  readonly overrides: string | undefined;
}

/**
 * Asked in a directory of its own, so that the workspace's output directory stays as it is until it is known what has to be
 * done there.
 */
export async function showInfo(
  make: BuildrootMake,
  dotConfig: string,
  { parts, overrides }: ShowInfoInputs,
): Promise<PackageInfos> {
  const key = sha256([dotConfig, treeHash(parts), overrides ?? ''].join('\n')).slice(0, 32);
  const kept = join(make.environment.cache, 'buildroot/package-info', `${key}.json`);
  if (existsSync(kept)) {
    try {
      return parsePackageInfo(await readFile(kept, 'utf8'));
    } catch {
      // Damaged: asked anew.
    }
  }
  const output = await mkdtemp(join(tmpdir(), 'coracle-show-info-'));
  try {
    const infos = parsePackageInfo(await ask(make, dotConfig, overrides, output));
    await writeShortcut(kept, JSON.stringify(Object.fromEntries(infos)));
    return infos;
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

async function ask(make: BuildrootMake, dotConfig: string, overrides: string | undefined, output: string) {
  await writeFile(join(output, '.config'), dotConfig);
  const variables: string[] = [];
  if (overrides !== undefined) {
    const file = join(output, LAYER_FILES.hostPackages);
    await writeFile(file, overrides);
    variables.push(`BR2_PACKAGE_OVERRIDE_FILE=${file}`);
  }
  const asked = { ...make, places: { ...make.places, output } };
  const targets = ['-s', '--no-print-directory', 'show-info'];
  return (await runMake(asked, targets, { capture: true, variables })).stdout;
}
