/**
 * Builds each workspace twice, in directories of different names and lengths, and compares every byte. Downloads are
 * shared; whatever is made from them (unpacked packages, compiled programs, kernels) is made twice.
 */
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writingCache } from '../host/cache-writes.ts';
import { compareImages, type ImageDifference, renderDifferences } from '../image/reproducible.ts';
import { cacheDirectory } from '../workspace/cache-directory.ts';
import type { ResolvedConfig } from '../workspace/resolved.ts';
import { type BuildOptions, type BuiltImage, buildWorkspaces } from './build.ts';
import { useCache } from './cache-in-use.ts';
import { workspaceDirectory } from './plan.ts';

export interface ReproducibleResult {
  readonly workspace: string;
  readonly same: boolean;
  readonly differences: readonly ImageDifference[];
  readonly text: string;
}

/** The two directories' names; their paths differ in length, too. */
const SIDES = ['a', 'another-one/with-a-longer-name'] as const;

/** What of the cache is brought from outside, as opposed to made here. */
const SHARED = ['downloads', 'apt', 'git'] as const;

export async function checkReproducible(
  configs: readonly ResolvedConfig[],
  options: BuildOptions,
): Promise<readonly ReproducibleResult[]> {
  const names = configs.map(({ workspace }) => workspace).join(' ');
  const purpose = `coracle build --check-reproducible ${names}`;
  await using _cache = await useCache(cacheDirectory(options.variables), purpose);
  const results: ReproducibleResult[] = [];
  for (const config of configs) {
    const place = join(workspaceDirectory(options.project, config.workspace), 'reproducible');
    await rm(place, { recursive: true, force: true });
    const first = await buildAside(config, options, join(place, SIDES[0]));
    const second = await buildAside(config, options, join(place, SIDES[1]));
    const differences = await compareImages(first, second, {
      scratch: join(place, 'compared'),
      signal: options.signal,
    });
    if (differences.length === 0) await rm(place, { recursive: true, force: true });
    results.push({
      workspace: config.workspace,
      same: differences.length === 0,
      differences,
      text:
        differences.length === 0
          ? `${config.workspace}: the same bytes twice`
          : `${config.workspace}:\n${renderDifferences(differences, [first.directory, second.directory])}`,
    });
  }
  return results;
}

async function buildAside(config: ResolvedConfig, options: BuildOptions, directory: string): Promise<BuiltImage> {
  const cache = join(directory, 'cache');
  const shared = cacheDirectory(options.variables);
  await mkdir(cache, { recursive: true });
  for (const name of SHARED) {
    await writingCache(shared, () => mkdir(join(shared, name), { recursive: true }));
    await symlink(join(shared, name), join(cache, name));
  }
  const [image] = await buildWorkspaces([config], {
    ...options,
    directory,
    variables: { ...options.variables, CORACLE_CACHE: cache },
  });
  if (image === undefined) throw new Error('a build without a result');
  return image;
}
