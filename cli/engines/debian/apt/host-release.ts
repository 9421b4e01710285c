/**
 * Packages of the release that this machine runs, for any architecture: what goes with the machine's compilers, whatever
 * release the image is of. Nothing of the machine changes, and no foreign architecture is added to its dpkg.
 */
import { readFileSync } from 'node:fs';
import { Failure } from '../../../failure.ts';
import type { Architecture } from '../../../layers/layer.ts';
import type { LockedPackage } from '../../../workspace/lock-schema.ts';
import { downloadPath, fetchPackages } from './download.ts';
import { PrivateApt } from './private-apt.ts';
import { resolvePackages } from './resolve.ts';
import { archiveSources } from './sources.ts';

export interface FetchOptions {
  readonly cache: string;
  readonly offline: boolean;
  readonly log?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A package with the place in the cache where its .deb is once it was fetched. */
export interface HostReleasePackage extends LockedPackage {
  readonly file: string;
}

/**
 * The newest versions, without their dependencies, in the order of the names.
 *
 * @param what for people: what cannot be had without a network
 * @throws Failure `offline`, and those of the private apt
 */
export async function resolveHostRelease(
  what: string,
  names: readonly string[],
  arch: Architecture,
  options: FetchOptions,
): Promise<{ readonly packages: readonly HostReleasePackage[]; readonly fetch: () => Promise<void> }> {
  const { cache, offline, log, signal } = options;
  if (offline) {
    throw new Failure({
      code: 'offline',
      message: `${what} is not in the cache, and --offline forbids to fetch it`,
      hint: 'build once with a network; the cache keeps what was fetched',
    });
  }
  const sources = await archiveSources({ suites: hostSuites() });
  const apt = await PrivateApt.open({ cache, arch, sources, log, signal });
  await apt.update();
  const beside = names.map((name) => ({ name }));
  const resolved = await resolvePackages(apt, { packages: [], assume: [], beside, tools: false });
  const packages = names.map((name) => {
    const found = resolved.find((one) => one.name === name);
    if (found === undefined) throw new Error(`apt knows no ${name}`);
    return { ...found, file: downloadPath(cache, found.sha256) };
  });
  return { packages, fetch: () => fetchPackages(packages, { cache, offline, apt: async () => apt, signal }) };
}

function hostSuites(): readonly string[] {
  const release = /^VERSION_CODENAME="?([\w-]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  return [release, `${release}-updates`, `${release}-security`];
}
