/**
 * Builds a toolchain as a Buildroot SDK, once: whoever comes first does, whoever else needs the same one waits. It is kept in
 * `<cache>/buildroot/toolchains/<name>/`: the tarball, and the configuration that it was made with.
 *
 * A build that is stopped goes on where it was: its output directory stays until the toolchain is complete.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writingCache } from '../../../host/cache-writes.ts';
import { temporaryBeside } from '../../../host/files.ts';
import { type LockHolder, takeLock } from '../../../host/lock.ts';
import { formatAssignment } from '../../../kconfig/value.ts';
import type { StageContext } from '../../../stages/stage.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { watchedMake } from '../build/watched-make.ts';
import { type BuildPlaces, buildPlaces, LAYER_FILES } from '../build-places.ts';
import { hostGcc } from '../configure/host-gcc.ts';
import { runConf } from '../configure/run-conf.ts';
import { hostToolsAssignments, overrideMakefile, readyHostTools } from '../machine/host-tools.ts';
import { checkPathForMake } from '../tree/path-for-make.ts';
import type { TreeSource } from '../tree/tree-source.ts';
import type { SdkRecipe } from './sdk-recipe.ts';
import type { SdkRequest } from './sdk-request.ts';

export interface SdkParts {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly source: TreeSource;
  readonly request: SdkRequest;
  readonly recipe: SdkRecipe;
}

/** Of a name, whether it is there or not. */
export function sdkTarball(cache: string, name: string): string {
  return join(cache, 'buildroot/toolchains', name, `${name}.tar.gz`);
}

const CONFIG = 'config';

/** @throws Failure `package-failed`, `path-not-for-make`, and those of the tree's Kconfig and of the cache */
export async function makeSdk(parts: SdkParts, context: StageContext): Promise<void> {
  const { cache } = parts.environment;
  const tarball = sdkTarball(cache, parts.recipe.name);
  const { jobs, report, signal, step } = context;
  const kept = dirname(tarball);
  const lock = {
    what: `the toolchain ${parts.recipe.name}`,
    purpose: 'building the toolchain that workspaces share',
    signal,
    onWait: ({ pid }: LockHolder) => {
      const who = pid === process.pid ? 'another workspace' : `process ${pid}`;
      report({ kind: 'note', step, text: `${who} is building it, too: waiting` });
    },
  };
  await using _ = await writingCache(cache, () => jobs.lend(() => takeLock(`${kept}.lock`, lock)));
  if (existsSync(tarball)) return;
  report({
    kind: 'note',
    step,
    text: `building the toolchain that workspaces share: ${parts.recipe.parts.join(', ')}`,
  });
  const work = `${kept}.work`;
  const config = await writingCache(cache, () => build(work, parts, context));
  await writingCache(cache, async () => {
    const temporary = temporaryBeside(kept);
    await mkdir(temporary);
    const name = `${parts.recipe.name}.tar.gz`;
    await rename(join(work, 'output/images', name), join(temporary, name));
    await writeFile(join(temporary, CONFIG), config);
    // What is there without a tarball is nobody's.
    await rm(kept, { recursive: true, force: true });
    await rename(temporary, kept);
    await rm(work, { recursive: true });
  });
}

/** Returns the configuration. */
async function build(work: string, parts: SdkParts, context: StageContext): Promise<string> {
  const { config, environment, source, request, recipe } = parts;
  checkPathForMake(work, 'the cache');
  // As in a workspace, so that host tools are found in the same places.
  const places: BuildPlaces = {
    ...buildPlaces(work),
    directory: work,
    output: join(work, 'output'),
    layers: join(work, 'layers'),
  };
  await mkdir(places.output, { recursive: true });
  const { text } = await runConf(`${request.text}${request.sources}${await writeFiles(places, parts)}`, {
    tree: source.tree(),
    externals: [],
    scratch: join(context.scratch, 'sdk-build'),
    cache: environment.cache,
    hostGcc: await hostGcc(context.signal),
    log: context.log,
    signal: context.signal,
  });
  await writeFile(join(places.output, '.config'), text);
  await readyHostTools(config, places, new Map());
  const make = { tree: source.tree(), externals: [], places, environment, compilers: recipe.name, ...context };
  const variables = [`BR2_SDK_PREFIX=${recipe.name}`];
  await watchedMake(make, { targets: ['sdk'], variables, config, infos: new Map(), context });
  return text;
}

/** What it takes besides its configuration. Returns the lines that name it. */
async function writeFiles(places: BuildPlaces, { config, recipe }: SdkParts): Promise<string> {
  await rm(places.layers, { recursive: true, force: true });
  await mkdir(places.layers, { recursive: true });
  const overrides = overrideMakefile(config, places, '');
  if (overrides !== undefined) await writeFile(join(places.layers, LAYER_FILES.hostPackages), overrides);
  const directories = new Set<string>();
  for (const [path, file] of recipe.patches) {
    const to = join(places.layers, LAYER_FILES.packagePatches, path);
    await mkdir(dirname(to), { recursive: true });
    await copyFile(file, to);
    directories.add(join(places.layers, LAYER_FILES.packagePatches, path.split('/')[0] ?? ''));
  }
  const lines = hostToolsAssignments(config, places).map(({ symbol, value }) => formatAssignment(symbol, value));
  if (directories.size > 0) lines.push(`BR2_GLOBAL_PATCH_DIR="${[...directories].join(' ')}"`);
  return lines.map((line) => `${line}\n`).join('');
}
