/** Asks Buildroot about the packages of a configuration, once: the answer is kept in the cache by all that it depends on. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { writeShortcut } from '../../../host/cache-writes.ts';
import { sha256 } from '../../../host/files.ts';
import { type BuildrootMake, runMake } from './make.ts';
import { type PackageInfos, parsePackageInfo } from './package-info.ts';

/** @param inputs hashes of the tree and of what else the makefiles read besides the configuration */
export async function showInfo(
  make: BuildrootMake,
  dotConfig: string,
  inputs: readonly string[],
): Promise<PackageInfos> {
  const key = sha256([dotConfig, ...inputs].join('\n')).slice(0, 32);
  const kept = join(make.environment.cache, 'buildroot/package-info', `${key}.json`);
  if (existsSync(kept)) {
    try {
      return parsePackageInfo(await readFile(kept, 'utf8'));
    } catch {
      // Damaged: asked anew.
    }
  }
  try {
    const { stdout } = await runMake(make, ['-s', '--no-print-directory', 'show-info'], { capture: true });
    const infos = parsePackageInfo(stdout);
    await writeShortcut(kept, JSON.stringify(Object.fromEntries(infos)));
    return infos;
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw new Failure({
      ...error.parts,
      code: 'bad-makefiles',
      message: 'Buildroot does not accept this configuration, or a makefile of a BR2_EXTERNAL tree is wrong',
    });
  }
}
