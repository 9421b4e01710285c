/**
 * What a workspace asks of Debian's archive, as data: collected from its layers without looking at the archive, and hashed,
 * so that it can be told whether the lock still answers it.
 */
import { sha256 } from '../../host/files.ts';
import type { Layer } from '../../layers/layer.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';
import { type PackageRequest, readPackageLists } from './apt/package-lists.ts';
import type { NamedAt, ResolveRequest } from './apt/resolve.ts';
import { DEFAULT_SUITES } from './apt/sources.ts';
import { kernelPackages } from './kernel-packages.ts';

/** The engine merges /usr itself. */
const ALWAYS_ASSUMED: readonly string[] = ['usrmerge', 'usr-is-merged'];

export interface WorkspaceRequest extends ResolveRequest {
  /** Goes into coracle.lock. */
  readonly hash: string;
}

export function workspaceRequest(config: ResolvedConfig): WorkspaceRequest {
  const layers = config.layers.map(({ layer }) => layer);
  const packages = readPackageLists(layers, config.arch);
  const assume = assumed(layers, packages);
  const beside = [...kernelPackages(config), ...bootFilePackages(config)];
  const { mirror, suites, components } = config.settings.debian;
  const tools = config.settings.scripts === 'run';
  const hash = sha256(
    JSON.stringify({
      arch: config.arch,
      packages: names(packages.map((one) => `${one.name}${one.pin}`)),
      assume: names(assume.map((one) => one.name)),
      beside: names(beside.map((one) => one.name)),
      // The mirror is a way to the archive only; another archive has other suites or components.
      suites: suites ?? DEFAULT_SUITES,
      components: components ?? ['main'],
      tools,
      own: mirror === undefined ? undefined : 'mirror',
    }),
  );
  return { packages, assume, beside, tools, hash };
}

/** Names of packages that count as installed. */
export function assumedNames(config: ResolvedConfig): ReadonlySet<string> {
  const layers = config.layers.map(({ layer }) => layer);
  return new Set(assumed(layers, readPackageLists(layers, config.arch)).map((one) => one.name));
}

/** What somebody asks for by name is not assumed: a base may leave out what a layer on top of it needs. */
function assumed(layers: readonly Layer[], asked: readonly PackageRequest[]): NamedAt[] {
  const names = new Set(asked.map((one) => one.name));
  return [
    ...ALWAYS_ASSUMED.map((name) => ({ name })),
    ...layers.flatMap((layer) =>
      layer.debian.assume.map(({ value, place }) => ({ name: value, layer: layer.name, place })),
    ),
  ].filter((one) => !names.has(one.name));
}

function bootFilePackages(config: ResolvedConfig): NamedAt[] {
  return config.layers.flatMap(({ layer }) =>
    layer.debian.bootFiles.flatMap((file) => {
      const name = file.package[config.arch];
      return name === undefined ? [] : [{ name, layer: layer.name, place: { file: `${layer.directory}/layer.yaml` } }];
    }),
  );
}

function names(list: readonly string[]): string[] {
  return [...new Set(list)].sort();
}

/** Package → layers that ask for it. */
export function askedBy(packages: readonly PackageRequest[]): ReadonlyMap<string, readonly string[]> {
  const layers = new Map<string, string[]>();
  for (const { name, layer } of packages) {
    const known = layers.get(name) ?? [];
    if (!known.includes(layer)) layers.set(name, [...known, layer]);
  }
  return layers;
}
