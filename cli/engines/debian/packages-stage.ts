/** The first stage: the workspace's packages resolved, fetched and unpacked into the cache, and a list of them. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../host/files.ts';
import type { Stage, StageContext } from '../../stages/stage.ts';
import type { LockedPackage } from '../../workspace/lock-schema.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import type { BuildEnvironment } from '../environment.ts';
import { fetchPackages } from './apt/download.ts';
import type { PackedKernel } from './kernel/packed-kernel.ts';
import { lockedKernel } from './kernel-packages.ts';
import { describeLeftOut, LEFT_OUT_HINT, leftOutLayers } from './left-out.ts';
import { answeringLock, downloads, lockedPackages } from './locked-packages.ts';
import { workspaceRequest } from './package-request.ts';
import { isUnpacked, unpackedPath, unpackPackages } from './unpacked.ts';

const FILE = 'packages.json';

export function packagesStage(config: ResolvedConfig, environment: BuildEnvironment): Stage {
  return {
    name: 'packages',
    title: 'fetch and unpack the packages',
    needs: [],
    changesInputs: true,
    inputs: async () => {
      const request = workspaceRequest(config);
      const lock = await answeringLock(config, environment.project, request);
      const there = lock?.packages.every((one) => isUnpacked(unpackedPath(environment.cache, one.sha256)));
      return [
        { name: 'package lists', hash: request.hash },
        { name: 'coracle.lock', hash: lock === undefined ? 'none' : sha256(JSON.stringify(lock.packages)) },
        // What is unpacked lies outside of the workspace, where somebody may tidy up.
        { name: 'the cache', hash: there === false ? 'incomplete' : 'complete' },
      ];
    },
    run: async (context) => {
      const warn = (text: string, hint: string | undefined): void =>
        context.report({ kind: 'warning', step: context.step, text, ...(hint !== undefined && { hint }) });
      for (const one of leftOutLayers(config)) warn(describeLeftOut(one), LEFT_OUT_HINT);
      const access = { config, environment, log: context.log, signal: context.signal, onWarning: warn };
      const packages = await lockedPackages(access);
      await fetchPackages(packages, downloads(access, progress(context, 'fetching')));
      await unpackPackages(packages, downloads(access, progress(context, 'unpacking')));
      const text = JSON.stringify(packages);
      await writeFile(join(context.output, FILE), text);
      return { digest: sha256(text) };
    },
  };
}

export async function readPackages(context: StageContext, stage: Stage): Promise<LockedPackage[]> {
  return JSON.parse(await readFile(join(context.outputOf(stage), FILE), 'utf8')) as LockedPackage[];
}

/** The kernel's package of this workspace as the kernel stages take it. */
export function packedKernel(environment: BuildEnvironment, stage: Stage) {
  return async (kind: 'image' | 'source', context: StageContext): Promise<PackedKernel> => {
    const { name, version, sha256: key } = lockedKernel(await readPackages(context, stage), kind);
    return { name, version, key, tar: join(unpackedPath(environment.cache, key), 'data.tar') };
  };
}

function progress({ report, step }: StageContext, doing: string): (done: number, total: number) => void {
  return (done, total) =>
    report({ kind: 'step-progress', step, text: `${doing} packages`, done, total, unit: 'packages' });
}
