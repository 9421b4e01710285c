/**
 * The makefile that BR2_PACKAGE_OVERRIDE_FILE names: the machine's programs in place of host packages (`hostTools: machine`),
 * what the toolchain says there, and the file that layers name by the same symbol.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { thisHost } from '../../../host/this-host.ts';
import { winner } from '../../../kconfig/merge.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { PackageInfos } from '../build/package-info.ts';
import { type BuildPlaces, LAYER_FILES } from '../build-places.ts';
import type { OwnAssignment } from '../configure/own-assignment.ts';
import type { OwnSymbol } from '../configure/symbols-of-coracle.ts';
import { machineHostPackages } from './host-packages.ts';

const OVERRIDE_FILE = 'BR2_PACKAGE_OVERRIDE_FILE' satisfies OwnSymbol;

export function hostToolsAssignments(config: ResolvedConfig, places: BuildPlaces): readonly OwnAssignment[] {
  const { hostTools, toolchain } = config.settings.buildroot;
  if (hostTools !== 'machine' && toolchain !== 'machine') return [];
  const value = { kind: 'string', value: join(places.layers, LAYER_FILES.hostPackages) } as const;
  return [{ symbol: OVERRIDE_FILE, value, why: 'hostTools: machine' }];
}

/** Undefined if Buildroot is left to itself. @param overrides of the toolchain */
export function overrideMakefile(config: ResolvedConfig, places: BuildPlaces, overrides: string): string | undefined {
  const { hostTools, toolchain } = config.settings.buildroot;
  if (hostTools !== 'machine' && toolchain !== 'machine') return undefined;
  const lines: string[] = [];
  if (hostTools === 'machine') {
    lines.push(machineHostPackages({ host: thisHost(), emptyDirectory: emptyDirectory(places), uses: [] }).text);
  }
  lines.push(overrides);
  const chain = config.symbols.buildroot.get(OVERRIDE_FILE);
  const own = chain === undefined ? undefined : winner(chain).value;
  if (own?.kind === 'string' && own.value !== '') lines.push(`include ${own.value}`);
  return lines.map((text) => `${text}\n`).join('');
}

/** @throws Failure `host-packages-missing` for tools that this build needs and the machine lacks */
export async function readyHostTools(config: ResolvedConfig, places: BuildPlaces, infos: PackageInfos): Promise<void> {
  if (config.settings.buildroot.hostTools !== 'machine') return;
  await mkdir(emptyDirectory(places), { recursive: true });
  const uses = [...infos.keys()].filter((name) => name.startsWith('host-'));
  machineHostPackages({ host: thisHost(), emptyDirectory: emptyDirectory(places), uses });
}

function emptyDirectory({ directory }: BuildPlaces): string {
  return join(directory, 'empty');
}
