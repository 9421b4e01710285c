/**
 * Values for the templates of a workspace: those that every workspace has, and the slots that its layers declare, with
 * their defaults or what coracle.yaml sets.
 */
import { Failure, throwAny } from '../failure.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import type { Layer } from '../layers/layer.ts';
import type { ChosenWorkspace } from './choose-workspace.ts';
import type { Project } from './project.ts';
import type { ResolvedConfig } from './resolved.ts';

/** Names that templates may use without a layer declaring them. */
export const BUILT_IN_VALUES = ['workspace', 'engine', 'arch', 'version'] as const;

export function builtInValues(
  config: Pick<ResolvedConfig, 'workspace' | 'engine' | 'arch' | 'settings'>,
): Readonly<Record<(typeof BUILT_IN_VALUES)[number], string>> {
  return { workspace: config.workspace, engine: config.engine, arch: config.arch, version: config.settings.version };
}

/** @throws Failure `reserved-value`, `unknown-value`, `missing-value`, all at once */
export function slotValues(
  layers: readonly Layer[],
  project: Project,
  { name, data }: ChosenWorkspace,
): Readonly<Record<string, string>> {
  const failures = layers.flatMap(reservedSlots);
  const values = new Map<string, string | undefined>();
  const declaredBy = new Map<string, string>();
  for (const layer of layers) {
    for (const slot of layer.slots) {
      values.set(slot.name, slot.default ?? values.get(slot.name));
      declaredBy.set(slot.name, layer.name);
    }
  }
  for (const key of Object.keys(data?.values ?? {})) {
    const path = ['workspaces', name, 'values'];
    if (declaredBy.has(key)) values.set(key, project.yaml?.sourceOf([...path, key]));
    else {
      const slots = [...declaredBy.keys()];
      failures.push(
        new Failure({
          code: 'unknown-value',
          message: `no layer of ${name} has a slot for the value ${key}`,
          place: project.yaml?.placeOfKey(path, key),
          hint:
            didYouMean(key, slots) ??
            (slots.length > 0 ? `slots: ${slots.join(', ')}` : 'layers declare slots in layer.yaml'),
        }),
      );
    }
  }
  for (const [key, value] of values) {
    if (value !== undefined) continue;
    const layer = declaredBy.get(key);
    failures.push(
      new Failure({
        code: 'missing-value',
        message: `${name} needs a value for ${key}`,
        place: project.yaml?.placeOf(['workspaces', name]),
        cause: `${layer} declares the slot without a default`,
        hint: `values: {${key}: …} in the workspace`,
        layer,
      }),
    );
  }
  throwAny(failures);
  return Object.fromEntries(values) as Record<string, string>;
}

export function reservedSlots(layer: Layer): readonly Failure[] {
  return layer.slots
    .filter((slot) => BUILT_IN_VALUES.some((name) => name === slot.name))
    .map(
      (slot) =>
        new Failure({
          code: 'reserved-value',
          message: `${layer.name} declares a slot ${slot.name}, which every workspace has already`,
          place: { file: `${layer.directory}/layer.yaml` },
          hint: `templates may use ${BUILT_IN_VALUES.join(', ')} without a slot`,
          layer: layer.name,
        }),
    );
}
