/**
 * From a project and the name of a workspace to its ResolvedConfig: finds and orders the layers, checks that they go
 * together, merges their fragments and fills in every setting. Reads only the layers that take part.
 */
import { resolve } from 'node:path';
import { Failure, type FailureParts, Failures, throwAny } from '../failure.ts';
import { lookAt } from '../host/look-at.ts';
import { type MergedConfig, NAMESPACES, type Namespace } from '../kconfig/assignment.ts';
import { mergeFragments } from '../kconfig/merge.ts';
import { chooseArchitecture, incompatibilities } from '../layers/compatible-layers.ts';
import type { Architecture, Layer } from '../layers/layer.ts';
import { LayerLibrary } from '../layers/layer-library.ts';
import type { LayerRequest } from '../layers/layer-name.ts';
import { acceptedDifferences } from '../layers/layer-yaml.ts';
import { type OrderedLayer, orderLayers, type Wanted } from '../layers/order-layers.ts';
import { orderAsSkiffos, otherOrder } from '../layers/skiffos-order.ts';
import { buildrootSettings } from './buildroot-settings.ts';
import { type ChosenWorkspace, chooseWorkspace } from './choose-workspace.ts';
import { layerRoots, type RootOptions } from './layer-roots.ts';
import { overrideLayers } from './override-layers.ts';
import type { Project } from './project.ts';
import { DEFAULTS } from './project-schema.ts';
import type { DebianSource, EngineName, ResolvedConfig, WorkspaceSettings } from './resolved.ts';
import { skiffosBase } from './skiffos-base.ts';
import { skiffosPlaceholders } from './skiffos-placeholders.ts';
import { builtInValues, slotValues } from './slot-values.ts';

export interface ResolveOptions extends RootOptions {
  /** Instead of what coracle.yaml says. */
  readonly engine?: EngineName | undefined;
  readonly arch?: Architecture | undefined;
  /** The order of SkiffOS's own resolver, whatever coracle.yaml says. */
  readonly skiffOrder?: boolean | undefined;
}

/** A workspace as far as its layers and what they ask for, before an architecture is chosen. */
export type ResolvedLayers = Pick<
  ResolvedConfig,
  'workspace' | 'asked' | 'engine' | 'layers' | 'symbols' | 'settings'
> & { readonly chosen: ChosenWorkspace };

/** The base that an image gets if no layer of its list is one. */
const DEFAULT_BASE = 'base/systemd';

/**
 * @param nameOrList a workspace of coracle.yaml, a list of layers, or nothing for what the environment or coracle.yaml
 * mean by default.
 * @throws Failure for everything that is wrong with the configuration, as much at once as can be found at once.
 */
export async function resolveWorkspace(
  project: Project,
  nameOrList?: string,
  options: ResolveOptions = {},
): Promise<ResolvedConfig> {
  return completed(project, await resolveLayers(project, nameOrList, options), options);
}

/** @throws Failure `wrong-architecture`, and those of values */
export function completed(project: Project, resolved: ResolvedLayers, options: ResolveOptions = {}): ResolvedConfig {
  const { chosen, ...rest } = resolved;
  const layers = rest.layers.map(({ layer }) => layer);
  const arch = chooseArchitecture(layers, options.arch ?? chosen.data?.arch, rest.symbols.buildroot);
  const given = { ...rest, arch };
  return { ...given, values: { ...slotValues(layers, project, chosen), ...builtInValues(given) } };
}

/**
 * For who does not build: SkiffOS has boards of architectures that Coracle does not build for, and their layers have an
 * order, symbols and commands all the same.
 *
 * @throws Failure as {@link resolveWorkspace}, but for architectures and values
 */
export async function resolveLayers(
  project: Project,
  nameOrList?: string,
  options: ResolveOptions = {},
): Promise<ResolvedLayers> {
  const chosen = chooseWorkspace(project, nameOrList);
  const library = new LayerLibrary(await layerRoots(project, options));
  const { engine, layers } = orderWorkspace(project, chosen, library, options);
  throwAny(incompatibilities(layers.map(({ layer }) => layer)));
  const settings = settingsOf(project, chosen);
  const symbols = await mergeSymbols(layers, settings.version, options.onWarning);
  for (const warning of layers.flatMap(({ layer }) => layer.warnings ?? [])) options.onWarning?.(warning);
  const asked = [...chosen.asked, ...(options.skiffOrder === true ? ['--skiff-order'] : [])];
  return { chosen, workspace: chosen.name, asked, engine, layers, settings, symbols };
}

function orderWorkspace(
  project: Project,
  chosen: ChosenWorkspace,
  library: LayerLibrary,
  options: ResolveOptions,
): Pick<ResolvedConfig, 'engine' | 'layers'> {
  const overrides = new Map(overrideLayers(project, chosen.name).map((layer) => [layer.name, layer]));
  const find = (request: LayerRequest): Layer => overrides.get(request.name) ?? library.find(request);
  const asked = chosen.requests.map((request): Wanted => ({ request, reason: { kind: 'asked' } }));
  const last = [...overrides.keys()].map((name): Wanted => ({ request: { name }, reason: { kind: 'overrides' } }));
  const asSkiffos = options.skiffOrder === true || chosen.data?.layerOrder === 'skiffos';
  const order = asSkiffos ? orderAsSkiffos : orderLayers;
  const ordered = order([...asked, ...last], find);
  const mayDiffer =
    !asSkiffos && ordered.some(({ layer: { form, depends } }) => form === 'skiffos' && depends.length > 0);
  if (mayDiffer) tellOtherOrder(orderAsSkiffos([...asked, ...last], find), options);
  const onlySkiffos = ordered.every(({ layer: { form, root } }) => form === 'skiffos' || root.kind === 'overrides');
  const engine = options.engine ?? chosen.data?.engine ?? (onlySkiffos ? ('buildroot' as const) : DEFAULTS.engine);
  if (engine === 'buildroot' && onlySkiffos) return { engine, layers: withSkiffosBase(ordered, library, options) };
  if (ordered.some(({ layer }) => layer.provides.some((role) => role.value === 'base')))
    return { engine, layers: ordered };
  const base: Wanted = { request: { name: DEFAULT_BASE }, reason: { kind: 'default-base' } };
  return { engine, layers: order([base, ...asked, ...last], find) };
}

function tellOtherOrder(theirs: readonly OrderedLayer[], { onWarning }: ResolveOptions): void {
  const difference = otherOrder(theirs);
  if (difference !== undefined) onWarning?.(difference);
}

/** A list of nothing but SkiffOS layers for Buildroot is built as SkiffOS builds it. */
function withSkiffosBase(
  ordered: readonly OrderedLayer[],
  library: LayerLibrary,
  { onWarning }: ResolveOptions,
): readonly OrderedLayer[] {
  const base = skiffosBase(library.roots, ordered);
  if (base !== undefined) return [...base.pre, ...ordered, ...base.post];
  onWarning?.({
    code: 'no-skiffos-base',
    message: 'there is no configs-base/ beside these layers, which SkiffOS puts around every list',
    cause: 'without it, an image has neither an init nor what boots it, unless the layers bring them',
    hint: 'name a checkout of SkiffOS under layers in coracle.yaml, or its configs/ in SKIFF_EXTRA_CONFIGS_PATH',
  });
  return ordered;
}

async function mergeSymbols(
  layers: readonly OrderedLayer[],
  version: string,
  onWarning: ((warning: FailureParts) => void) | undefined,
): Promise<Readonly<Record<Namespace, MergedConfig>>> {
  const own = new Set(layers.flatMap(({ layer, reason }) => (reason.kind === 'skiffos-base' ? [layer.name] : [])));
  const failures: Failure[] = [];
  const merged: [Namespace, MergedConfig][] = [];
  for (const namespace of NAMESPACES) {
    const sources = layers
      .map(({ layer }) => ({
        layer: layer.name,
        files: layer.contents.fragments[namespace],
        ...(layer.form === 'skiffos' ? { tolerant: true, expand: skiffosPlaceholders(layer, version) } : {}),
      }))
      .filter((source) => source.files.length > 0);
    try {
      const onDropped = ({ parts }: Failure): void => {
        // The user did not ask for SkiffOS's own base, and cannot mend it.
        if (parts.layer === undefined || !own.has(parts.layer)) onWarning?.(parts);
      };
      merged.push([namespace, await mergeFragments(sources, { namespace, onDropped })]);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(...(error instanceof Failures ? error.all : [error]));
    }
  }
  throwAny(failures);
  return Object.fromEntries(merged) as Record<Namespace, MergedConfig>;
}

function settingsOf(project: Project, { name, data }: ChosenWorkspace): WorkspaceSettings {
  const accept =
    project.yaml === undefined ? [] : acceptedDifferences(project.yaml, ['workspaces', name, 'accept'], data?.accept);
  return {
    version: data?.version ?? DEFAULTS.version,
    kernel: data?.kernel ?? DEFAULTS.kernel,
    scripts: data?.scripts ?? DEFAULTS.scripts,
    bootPartitionMiB: data?.bootPartitionMiB ?? DEFAULTS.bootPartitionMiB,
    persistMiB: data?.persistMiB ?? DEFAULTS.persistMiB,
    debian: debianSource(project, name, data?.debian),
    buildroot: buildrootSettings(project, data?.buildroot),
    accept,
  };
}

function debianSource(
  project: Project,
  workspace: string,
  data: NonNullable<ChosenWorkspace['data']>['debian'],
): DebianSource {
  if (data === undefined) return {};
  const keyring = data.keyring === undefined ? undefined : resolve(project.directory, data.keyring);
  if (keyring !== undefined && lookAt(keyring)?.isFile() !== true) {
    throw new Failure({
      code: 'keyring-missing',
      message: `there is no keyring ${data.keyring}`,
      place: project.yaml?.placeOf(['workspaces', workspace, 'debian', 'keyring']),
      cause: `looked at ${keyring}`,
      hint: 'a path is relative to coracle.yaml',
    });
  }
  return {
    ...(data.mirror === undefined ? {} : { mirror: data.mirror }),
    ...(data.suites === undefined ? {} : { suites: data.suites }),
    ...(data.components === undefined ? {} : { components: data.components }),
    ...(keyring === undefined ? {} : { keyring }),
  };
}
