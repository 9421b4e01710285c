/**
 * Where a project looks for layers, in order: the environment's directories, coracle.yaml's `layers`, the shipped ones.
 * Repositories are checked out at the commit that coracle.lock names; one that is not in the lock yet is put there.
 */
import { readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { Failure, type FailureParts, type Place } from '../failure.ts';
import { isDirectory } from '../host/look-at.ts';
import { checkOutCommit, DEFAULT_REV, type GitCache, type GitSource, lookUpRevision } from '../layers/git-root.ts';
import type { LayerRoot } from '../layers/layer.ts';
import { listDirectory } from '../layers/layer-contents.ts';
import { WHERE_REPOSITORIES_KEEP_LAYERS } from '../layers/layer-library.ts';
import { cacheDirectory } from './cache-directory.ts';
import { placeInLockFile, readLockFile, updateLockFile } from './lock-file.ts';
import type { Project } from './project.ts';
import { SKIFFOS_BASE } from './skiffos-base.ts';

export interface RootOptions {
  readonly offline?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of what is odd but allowed. */
  readonly onWarning?: ((warning: FailureParts) => void) | undefined;
}

/** SkiffOS separates directories by colons, as PATH does. */
const ENVIRONMENT_ROOTS = ['CORACLE_LAYERS_PATH', 'SKIFF_EXTRA_CONFIGS_PATH'] as const;

/** @throws Failure `missing-root`, and those of git */
export async function layerRoots(project: Project, options: RootOptions = {}): Promise<readonly LayerRoot[]> {
  const roots = ENVIRONMENT_ROOTS.flatMap((variable) => environmentRoots(project, variable, options));
  if (project.yaml === undefined && isSkiffosCheckout(project.directory)) {
    roots.push({ kind: 'path', directory: layersBelow(project.directory), label: 'the SkiffOS that you are in' });
  }
  for (const [index, entry] of (project.yaml?.data.layers ?? []).entries()) {
    const place = project.yaml?.placeOf(['layers', index]);
    if ('git' in entry) roots.push(await gitRoot(project, gitSource(project, index), options));
    else roots.push(pathRoot(resolve(project.directory, entry.path), entry.path, place));
  }
  return [...roots, { kind: 'shipped', directory: join(project.installation, 'layers'), label: 'shipped layers' }];
}

/** The repositories of coracle.yaml. */
export function gitSources(project: Project): readonly GitSource[] {
  return (project.yaml?.data.layers ?? []).flatMap((entry, index) =>
    'git' in entry ? [gitSource(project, index)] : [],
  );
}

export function gitCache(project: Project, options: RootOptions): GitCache {
  const cache = cacheDirectory(project.environment);
  return { cache, project: project.directory, offline: options.offline === true, signal: options.signal };
}

function gitSource(project: Project, index: number): GitSource {
  const entry = project.yaml?.data.layers?.[index];
  if (project.yaml === undefined || entry === undefined || !('git' in entry)) throw new Error('not a git root');
  return { url: entry.git, rev: entry.rev ?? DEFAULT_REV, place: project.yaml.placeOf(['layers', index]) };
}

async function gitRoot(project: Project, source: GitSource, options: RootOptions): Promise<LayerRoot> {
  const cache = gitCache(project, options);
  const pin = (await readLockFile(project.directory)).git[source.url];
  // Another revision was written since: the pin is of no use.
  const commit = pin?.rev === source.rev ? pin.commit : await lookUpRevision(source, cache);
  const directory = await checkOutCommit(source, commit, cache).catch(async (error: unknown) => {
    throw pin === undefined || pin.rev !== source.rev ? error : await lostPin(error, project, source, commit);
  });
  if (pin?.commit !== commit || pin.rev !== source.rev) {
    await updateLockFile(project.directory, (lock) => ({
      ...lock,
      git: { ...lock.git, [source.url]: { rev: source.rev, commit } },
    }));
  }
  const label = source.rev === DEFAULT_REV ? source.url : `${source.url}@${source.rev}`;
  const below = layersBelow(directory);
  for (const path of emptyDirectories(below)) options.onWarning?.(submodule(source, label, relative(directory, path)));
  return { kind: 'git', directory: below, label, commit };
}

/** The repository was read, and has not got the commit that was pinned once. */
async function lostPin(error: unknown, project: Project, source: GitSource, commit: string): Promise<unknown> {
  if (!(error instanceof Failure) || error.parts.code !== 'unknown-revision') return error;
  return new Failure({
    code: 'pin-gone',
    message: `${source.url} no longer has the commit ${commit} that coracle.lock names`,
    place: await placeInLockFile(project.directory, commit),
    cause: 'the history of the repository was written anew, and this machine has no copy of that commit',
    hint: `coracle update --git pins what ${source.rev === DEFAULT_REV ? 'its default branch' : source.rev} is now`,
  });
}

/** In what git checked out only a submodule is an empty directory. @returns of the directory of groups, and of groups */
function emptyDirectories(directory: string): readonly string[] {
  const isEmpty = (path: string): boolean => readdirSync(path).length === 0;
  if (isEmpty(directory)) return [directory];
  const groups = [...listDirectory(directory)].filter(([, kind]) => kind === 'directory');
  return groups.map(([name]) => join(directory, name)).filter(isEmpty);
}

function submodule(source: GitSource, label: string, path: string): FailureParts {
  return {
    code: 'submodule',
    message: `${path} of ${label} is a submodule of git, which is not fetched: no layers are found in it`,
    place: source.place,
    hint: 'name the repository of the submodule under layers, too',
  };
}

function pathRoot(directory: string, label: string, place: Place | undefined): LayerRoot {
  if (!isDirectory(directory)) {
    throw new Failure({
      code: 'missing-root',
      message: `there is no directory ${label}`,
      place,
      cause: `looked at ${directory}`,
      hint: 'a path is relative to coracle.yaml',
    });
  }
  return { kind: 'path', directory: layersBelow(directory), label };
}

function environmentRoots(
  project: Project,
  variable: (typeof ENVIRONMENT_ROOTS)[number],
  options: RootOptions,
): LayerRoot[] {
  const paths = (project.environment[variable] ?? '').split(':').filter((path) => path !== '');
  return paths.flatMap((path): LayerRoot[] => {
    const directory = resolve(project.cwd, path);
    if (isDirectory(directory)) {
      // SkiffOS takes the directory as it is, and its own checkout for nothing.
      const asItIs = variable === 'SKIFF_EXTRA_CONFIGS_PATH' && !isSkiffosCheckout(directory);
      const below = asItIs ? directory : layersBelow(directory);
      return [{ kind: 'environment', directory: below, label: `${path} (${variable})` }];
    }
    const parts = {
      code: 'missing-root',
      message: `${variable} names ${path}, which is no directory`,
      hint: 'colons separate directories',
    };
    // SkiffOS goes on without it, so its users may have left old paths there.
    if (variable !== 'SKIFF_EXTRA_CONFIGS_PATH') throw new Failure(parts);
    options.onWarning?.(parts);
    return [];
  });
}

function isSkiffosCheckout(directory: string): boolean {
  return isDirectory(join(directory, 'configs')) && isDirectory(join(directory, SKIFFOS_BASE));
}

/** The directory of groups in what may be a whole repository. */
export function layersBelow(directory: string): string {
  if (WHERE_REPOSITORIES_KEEP_LAYERS.includes(basename(directory))) return directory;
  const below = WHERE_REPOSITORIES_KEEP_LAYERS.map((name) => join(directory, name)).find(isDirectory);
  return below ?? directory;
}
