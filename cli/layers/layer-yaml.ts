/** layer.yaml as parts of a Layer value: defaults filled in, every name with the place where it was written. */
import {
  type AcceptedDifference,
  ARCHITECTURES,
  type Architecture,
  type BootFileRequest,
  type DebianPart,
  type Layer,
  type Located,
  type TemplateSlot,
} from './layer.ts';
import { type LayerData, LayerSchema } from './layer-schema.ts';
import { readYamlFile } from './yaml-file.ts';
import type { ValuePath, YamlFile } from './yaml-value.ts';

/** What the layer says of itself, as against what its directory holds. */
export type LayerMetadata = Pick<
  Layer,
  | 'description'
  | 'depends'
  | 'conflicts'
  | 'provides'
  | 'unlisted'
  | 'arch'
  | 'commands'
  | 'accept'
  | 'kernelParameters'
  | 'programs'
  | 'slots'
  | 'debian'
>;

export const NO_DEBIAN_PART: DebianPart = {
  kernel: {},
  modules: [],
  initramfsModules: [],
  earlyModules: [],
  exclude: [],
  assume: [],
  effects: [],
  bootFiles: [],
};

/** @throws Failure as readYamlFile does, all mistakes at once. */
export function readLayerYaml(file: string, layer: string): LayerMetadata {
  const yaml = readYamlFile(file, LayerSchema, layer);
  const { data } = yaml;
  return {
    description: data.description,
    depends: located(yaml, ['depends'], data.depends),
    conflicts: located(yaml, ['conflicts'], data.conflicts),
    provides: located(yaml, ['provides'], data.provides),
    unlisted: data.unlisted ?? false,
    arch: data.arch ?? [],
    commands: Object.entries(data.commands ?? {}).map(([name, description]) => ({ name, description })),
    accept: acceptedDifferences(yaml, ['accept'], data.accept),
    kernelParameters: located(yaml, ['kernelParameters'], data.kernelParameters),
    programs: located(yaml, ['programs'], data.programs),
    slots: slots(yaml),
    debian: debianPart(yaml),
  };
}

/** The differences listed at `path`, with their places. */
export function acceptedDifferences(
  yaml: YamlFile<unknown>,
  path: ValuePath,
  list: readonly Omit<AcceptedDifference, 'place'>[] | undefined,
): readonly AcceptedDifference[] {
  return (list ?? []).map((difference, index) => ({ ...difference, place: yaml.placeOf([...path, index, 'symbol']) }));
}

function located<T>(yaml: YamlFile<unknown>, path: ValuePath, list: readonly T[] | undefined): readonly Located<T>[] {
  return (list ?? []).map((value, index) => ({ value, place: yaml.placeOf([...path, index]) }));
}

function slots(yaml: YamlFile<LayerData>): readonly TemplateSlot[] {
  return Object.entries(yaml.data.slots ?? {}).map(([name, slot]) => {
    const text = yaml.sourceOf(['slots', name, 'default']);
    return { name, description: slot.description, ...(text === undefined ? {} : { default: text }) };
  });
}

function debianPart(yaml: YamlFile<LayerData>): DebianPart {
  const debian = yaml.data.engines?.debian;
  if (debian === undefined) return NO_DEBIAN_PART;
  const path = ['engines', 'debian'];
  const list = <T>(key: string, values: readonly T[] | undefined) => located(yaml, [...path, key], values);
  return {
    kernel: debian.kernel === undefined ? {} : perArchitecture(debian.kernel),
    ...(debian.kernelBase === undefined ? {} : { kernelBase: debian.kernelBase }),
    modules: list('modules', debian.modules),
    initramfsModules: list('initramfsModules', debian.initramfsModules),
    earlyModules: list('earlyModules', debian.earlyModules),
    exclude: list('exclude', debian.exclude),
    assume: list('assume', debian.assume),
    effects: list('effects', debian.effects),
    bootFiles: (debian.bootFiles ?? []).map(
      (request): BootFileRequest => ({
        package: perArchitecture(request.package),
        from: perArchitecture(request.from),
        to: perArchitecture(request.to),
      }),
    ),
  };
}

function perArchitecture(
  value: string | Readonly<Partial<Record<Architecture, string | undefined>>>,
): Readonly<Partial<Record<Architecture, string>>> {
  if (typeof value === 'string') return Object.fromEntries(ARCHITECTURES.map((arch) => [arch, value]));
  return Object.fromEntries(Object.entries(value).filter(([, text]) => text !== undefined));
}
