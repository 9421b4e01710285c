/**
 * What a workspace asks of Debian's archive, as data: collected from its layers without looking at the archive, and hashed,
 * so that it can be told whether the lock still answers it.
 */
import { Failure, throwAny } from '../../failure.ts';
import { sha256 } from '../../host/files.ts';
import type { Architecture, Layer } from '../../layers/layer.ts';
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
  const { packages, assume } = wanted(layers, config.arch);
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
  return new Set(wanted(layers, config.arch).assume.map((one) => one.name));
}

/**
 * Later wins over earlier: a layer gets what it lists though its base assumes it, and leaves out what it assumes though its
 * base lists it.
 */
function wanted(layers: readonly Layer[], arch: Architecture): Pick<ResolveRequest, 'packages' | 'assume'> {
  let packages: PackageRequest[] = [];
  let assume: NamedAt[] = ALWAYS_ASSUMED.map((name) => ({ name }));
  const mistakes: Failure[] = [];
  for (const layer of layers) {
    const assumes = new Set(layer.debian.assume.map(({ value }) => value));
    const lists = readPackageLists([layer], arch);
    mistakes.push(...lists.filter(({ name }) => assumes.has(name)).map(listedAndAssumed));
    const listed = new Set(lists.map(({ name }) => name));
    packages = [...packages.filter(({ name }) => !assumes.has(name)), ...lists];
    assume = [
      ...assume.filter(({ name }) => !listed.has(name)),
      ...layer.debian.assume.map(({ value, place }) => ({ name: value, layer: layer.name, place })),
    ];
  }
  throwAny(mistakes);
  return { packages, assume };
}

function listedAndAssumed({ name, layer, file, line }: PackageRequest): Failure {
  return new Failure({
    code: 'listed-and-assumed',
    message: `layer ${layer} lists the package ${name} and assumes it, too`,
    place: { file, line },
    layer,
    hint: 'take it out of the list, or out of `assume` in layer.yaml',
  });
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
