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
import { buildrootSettings } from './buildroot-settings.ts';
import { type ChosenWorkspace, chooseWorkspace } from './choose-workspace.ts';
import { layerRoots, type RootOptions } from './layer-roots.ts';
import { overrideLayers } from './override-layers.ts';
import type { Project } from './project.ts';
import { DEFAULTS } from './project-schema.ts';
import type { DebianSource, EngineName, ResolvedConfig, WorkspaceSettings } from './resolved.ts';
import { builtInValues, slotValues } from './slot-values.ts';

export interface ResolveOptions extends RootOptions {
  /** Instead of what coracle.yaml says. */
  readonly engine?: EngineName | undefined;
  readonly arch?: Architecture | undefined;
}

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
  const chosen = chooseWorkspace(project, nameOrList);
  const library = new LayerLibrary(await layerRoots(project, options));
  const engine = options.engine ?? chosen.data?.engine ?? DEFAULTS.engine;
  const ordered = orderWorkspace(project, chosen, library, engine);
  const layers = ordered.map(({ layer }) => layer);
  throwAny(incompatibilities(layers));
  const symbols = await mergeSymbols(layers, options.onWarning);
  const arch = chooseArchitecture(layers, options.arch ?? chosen.data?.arch, symbols.buildroot);
  for (const warning of layers.flatMap((layer) => layer.warnings ?? [])) options.onWarning?.(warning);
  const given = { workspace: chosen.name, asked: chosen.asked, engine, arch, settings: settingsOf(project, chosen) };
  return {
    ...given,
    layers: ordered,
    values: { ...slotValues(layers, project, chosen), ...builtInValues(given) },
    symbols,
  };
}

function orderWorkspace(
  project: Project,
  chosen: ChosenWorkspace,
  library: LayerLibrary,
  engine: EngineName,
): readonly OrderedLayer[] {
  const overrides = new Map(overrideLayers(project, chosen.name).map((layer) => [layer.name, layer]));
  const find = (request: LayerRequest): Layer => overrides.get(request.name) ?? library.find(request);
  const asked = chosen.requests.map((request): Wanted => ({ request, reason: { kind: 'asked' } }));
  const last = [...overrides.keys()].map((name): Wanted => ({ request: { name }, reason: { kind: 'overrides' } }));
  const ordered = orderLayers([...asked, ...last], find);
  if (!needsBase(ordered, engine)) return ordered;
  const base: Wanted = { request: { name: DEFAULT_BASE }, reason: { kind: 'default-base' } };
  return orderLayers([base, ...asked, ...last], find);
}

/** A list of nothing but SkiffOS layers for Buildroot is complete as SkiffOS builds it; every other list needs a base. */
function needsBase(ordered: readonly OrderedLayer[], engine: EngineName): boolean {
  if (ordered.some(({ layer }) => layer.provides.some((role) => role.value === 'base'))) return false;
  return (
    engine !== 'buildroot' ||
    ordered.some(({ layer: { form, root } }) => form === 'coracle' && root.kind !== 'overrides')
  );
}

async function mergeSymbols(
  layers: readonly Layer[],
  onWarning: ((warning: FailureParts) => void) | undefined,
): Promise<Readonly<Record<Namespace, MergedConfig>>> {
  const failures: Failure[] = [];
  const merged: [Namespace, MergedConfig][] = [];
  for (const namespace of NAMESPACES) {
    const sources = layers
      .map((layer) => ({
        layer: layer.name,
        files: layer.contents.fragments[namespace],
        tolerant: layer.form === 'skiffos',
      }))
      .filter((source) => source.files.length > 0);
    try {
      const onDropped = (dropped: Failure): void => onWarning?.(dropped.parts);
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
