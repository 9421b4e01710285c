/**
 * The workspace's exact packages: from coracle.lock if it answers what is asked, else from apt, and then into the lock. As
 * long as the lock answers, apt is not even started.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../failure.ts';
import { commandLine } from '../../workspace/command-line.ts';
import { readLockFile, updateLockFile } from '../../workspace/lock-file.ts';
import type { DebianLock, LockedPackage } from '../../workspace/lock-schema.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import type { BuildEnvironment } from '../environment.ts';
import type { DownloadOptions } from './apt/download.ts';
import { PrivateApt } from './apt/private-apt.ts';
import { resolvePackages } from './apt/resolve.ts';
import { archiveSources } from './apt/sources.ts';
import { type WorkspaceRequest, workspaceRequest } from './package-request.ts';

export interface ArchiveAccess {
  readonly config: ResolvedConfig;
  readonly environment: BuildEnvironment;
  readonly log?: string;
  readonly signal?: AbortSignal;
  /** Told of what looks like a slip and does no harm. */
  readonly onWarning?: (text: string, hint: string | undefined) => void;
}

/** The lock's part of a workspace, if it is an answer to what is asked now. */
export async function answeringLock(
  config: ResolvedConfig,
  project: string,
  request: WorkspaceRequest = workspaceRequest(config),
): Promise<DebianLock | undefined> {
  const lock = (await readLockFile(project)).debian[config.workspace];
  return lock?.request === request.hash ? lock : undefined;
}

export async function lockedPackages(access: ArchiveAccess): Promise<readonly LockedPackage[]> {
  const { config, environment } = access;
  const request = workspaceRequest(config);
  const lock = await answeringLock(config, environment.project, request);
  if (lock !== undefined) return lock.packages;
  const apt = await openApt(access);
  if (environment.offline) {
    if (!existsSync(join(apt.directory, 'updated'))) throw unresolvedOffline(config);
  } else await apt.update();
  const packages = await resolvePackages(apt, request, ({ parts }) => {
    const where = parts.place?.line === undefined ? '' : ` (line ${parts.place.line} of its layer.yaml)`;
    access.onWarning?.(
      `${parts.layer ?? 'the engine'} assumes a package for nothing${where}: ${parts.message}`,
      parts.hint,
    );
  });
  await updateLockFile(environment.project, (before) => ({
    ...before,
    debian: { ...before.debian, [config.workspace]: { request: request.hash, arch: config.arch, packages } },
  }));
  return packages;
}

/** How packages of this workspace are fetched. */
export function downloads(access: ArchiveAccess, onProgress?: DownloadOptions['onProgress']): DownloadOptions {
  const { environment, signal } = access;
  return {
    cache: environment.cache,
    offline: environment.offline,
    apt: () => openApt(access),
    ...(onProgress === undefined ? {} : { onProgress }),
    signal,
  };
}

async function openApt({ config, environment, log, signal }: ArchiveAccess): Promise<PrivateApt> {
  const sources = await archiveSources(config.settings.debian);
  return PrivateApt.open({ cache: environment.cache, arch: config.arch, sources, log, signal });
}

function unresolvedOffline(config: ResolvedConfig): Failure {
  return new Failure({
    code: 'offline',
    message: `coracle.lock does not say which packages workspace ${config.workspace} is made of, and --offline forbids to ask`,
    hint: `run ${commandLine('build', config)} once with a network`,
  });
}
