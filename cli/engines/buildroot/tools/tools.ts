/** What the buildroot engine can do with a workspace besides building it. */
import { existsSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageContext } from '../../../stages/stage.ts';
import type { EngineTools, MakeRequest, PackageTimes } from '../../engine-tools.ts';
import { PACKAGE_INFO } from '../build/build-stage.ts';
import { runMake } from '../build/make.ts';
import { type PackageInfos, parsePackageInfo } from '../build/package-info.ts';
import { StepLog, stepSeconds } from '../build/progress.ts';
import { watchedMake } from '../build/watched-make.ts';
import { wholeMake } from '../build/whole-make.ts';
import { DOT_CONFIG } from '../configure/configure-stage.ts';
import { fetchSources } from './fetch-sources.ts';
import { packageFacts } from './package-facts.ts';
import { prepareMake, type ToolParts } from './prepared-make.ts';

export function buildrootTools(parts: ToolParts): EngineTools {
  const configured = [...parts.toolchain.stages, parts.configure];
  // The toolchain is among the sources of a workspace.
  const needs = [...configured, ...parts.toolchain.built];
  return {
    configure: {
      needs: configured,
      run: async ({ outputOf }) => ({
        what: `Buildroot ${parts.source.tree().version}`,
        asked: parts.config.symbols.buildroot.size,
        file: join(outputOf(parts.configure), DOT_CONFIG),
      }),
    },
    fetch: { needs, run: (context) => fetchSources(parts, context) },
    packages: {
      needs: configured,
      run: async (context) => {
        const infos = builtPackages(parts, context) ?? (await prepareMake(parts, context)).infos;
        const tree = parts.source.tree().directory;
        return packageFacts(infos, { config: parts.config, places: parts.places, tree });
      },
    },
    legalInfo: { needs, run: (context) => legalInfo(parts, context) },
    buildTimes: { needs: [], run: async () => buildTimes(parts) },
    make: (request) => ({ needs, run: (context) => passThrough(request, parts, context) }),
  };
}

/** Undefined before the first build. */
function builtPackages({ build }: ToolParts, context: StageContext): PackageInfos | undefined {
  const file = join(context.outputOf(build), PACKAGE_INFO);
  return existsSync(file) ? parsePackageInfo(readFileSync(file, 'utf8')) : undefined;
}

async function legalInfo(parts: ToolParts, context: StageContext): Promise<void> {
  const { make, infos } = await prepareMake(parts, context);
  await watchedMake(make, { targets: ['legal-info'], config: parts.config, infos, context });
  // It is made anew each time.
  await rename(join(parts.places.output, 'legal-info'), join(context.output, 'buildroot'));
}

function buildTimes({ places }: ToolParts): readonly PackageTimes[] {
  const times = new Map<string, Map<string, number>>();
  for (const [key, seconds] of stepSeconds(new StepLog(join(places.output, 'build/build-time.log'), false).read())) {
    const [name = '', step = ''] = key.split(' ');
    times.set(name, (times.get(name) ?? new Map()).set(step, seconds));
  }
  return [...times].map(([name, steps]) => ({ name, steps }));
}

async function passThrough(request: MakeRequest, parts: ToolParts, context: StageContext): Promise<number> {
  const { make } = await prepareMake(parts, context);
  const { variables, onOutput: onData } = request;
  const targets = ['--no-print-directory', ...request.targets];
  const { exitCode } = await wholeMake(make.places.output, () =>
    runMake(make, targets, { variables, onData, accept: MAKE_EXIT_CODES }),
  );
  return exitCode;
}

/** GNU make's: what it made is there, is not up to date (`-q`), or could not be made. */
const MAKE_EXIT_CODES = [0, 1, 2];
