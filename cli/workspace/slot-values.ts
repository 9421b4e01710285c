/** Values for the templates of a workspace: what the layers declare, with their defaults and what the workspace sets. */
import { Failure, throwAny } from '../failure.ts';
import { didYouMean } from '../kconfig/nearest.ts';
import type { Layer } from '../layers/layer.ts';
import type { ChosenWorkspace } from './choose-workspace.ts';
import type { Project } from './project.ts';

/** @throws Failure `unknown-value`, `missing-value`, all at once */
export function slotValues(
  layers: readonly Layer[],
  project: Project,
  { name, data }: ChosenWorkspace,
): Readonly<Record<string, string>> {
  const declared = new Map<string, string | undefined>();
  const declaredBy = new Map<string, string>();
  for (const layer of layers) {
    for (const slot of layer.slots) {
      declared.set(slot.name, slot.default ?? declared.get(slot.name));
      declaredBy.set(slot.name, layer.name);
    }
  }
  const values = new Map(declared);
  const failures: Failure[] = [];
  for (const key of Object.keys(data?.values ?? {})) {
    const path = ['workspaces', name, 'values', key];
    if (declared.has(key)) values.set(key, project.yaml?.sourceOf(path));
    else {
      failures.push(
        new Failure({
          code: 'unknown-value',
          message: `no layer of ${name} has a slot for the value ${key}`,
          place: project.yaml?.placeOfKey(path.slice(0, -1), key),
          hint:
            didYouMean(key, declared.keys()) ??
            (declared.size > 0 ? `slots: ${[...declared.keys()].join(', ')}` : 'layers declare slots in layer.yaml'),
        }),
      );
    }
  }
  for (const [key, value] of values) {
    if (value !== undefined) continue;
    failures.push(
      new Failure({
        code: 'missing-value',
        message: `${name} needs a value for ${key}`,
        place: project.yaml?.placeOf(['workspaces', name]),
        cause: `${declaredBy.get(key)} declares the slot without a default`,
        hint: `values: {${key}: …} in the workspace`,
        layer: declaredBy.get(key),
      }),
    );
  }
  throwAny(failures);
  return Object.fromEntries(values) as Record<string, string>;
}
