/**
 * The order that SkiffOS's own resolver (scripts/enumerate_configs.sh) puts layers in, and where it differs from ours.
 *
 * It goes over the list again and again, each time putting before a layer what it depends on and is not in the list at
 * all, until nothing is added. What is in the list already stays where it is, even behind what needs it, so a later
 * dependency overrules its dependent, and a circle goes unnoticed.
 */
import { Failure, type FailureParts, Failures, throwAny } from '../failure.ts';
import type { Layer } from './layer.ts';
import type { LayerRequest } from './layer-name.ts';
import type { OrderedLayer, Wanted } from './order-layers.ts';

/**
 * @param find reads a layer; its failures are collected, so that all unknown layers are told at once.
 * @throws Failure, those of `find`
 */
export function orderAsSkiffos(
  wanted: readonly Wanted[],
  find: (request: LayerRequest) => Layer,
): readonly OrderedLayer[] {
  const failures: Failure[] = [];
  const known = new Map<string, OrderedLayer>();
  const lost = new Set<string>();
  const read = ({ request, reason }: Wanted): OrderedLayer | undefined => {
    const before = known.get(request.name);
    if (before !== undefined || lost.has(request.name)) return before;
    try {
      const found = { layer: find(request), reason };
      known.set(request.name, found);
      return found;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      lost.add(request.name);
      failures.push(...(error instanceof Failures ? error.all : [error]));
      return undefined;
    }
  };
  let list = readAll(wanted, read);
  for (;;) {
    const longer = withMissing(list, read);
    if (longer.length === list.length) break;
    list = longer;
  }
  throwAny(failures);
  return list;
}

type Read = (wanted: Wanted) => OrderedLayer | undefined;

/** Each once, where it came first. */
function readAll(wanted: readonly Wanted[], read: Read): readonly OrderedLayer[] {
  return [...new Set(wanted.flatMap((one) => read(one) ?? []))];
}

/** One round: each layer with those of its dependencies before it that the list lacks. */
function withMissing(list: readonly OrderedLayer[], read: Read): readonly OrderedLayer[] {
  const names = new Set(list.map(({ layer }) => layer.name));
  const longer = list.flatMap((one) => {
    const missing = one.layer.depends.filter(({ value }) => !names.has(value));
    const wanted = missing.map(
      ({ value, place }): Wanted => ({
        request: { name: value, place },
        reason: { kind: 'dependency', of: one.layer.name },
      }),
    );
    return [...readAll(wanted, read), one];
  });
  return [...new Set(longer)];
}

/**
 * Says that SkiffOS would put a list in another order, which only happens where it puts a layer behind one that needs it.
 * Layers that SkiffOS cannot read do not count.
 *
 * @param theirs what {@link orderAsSkiffos} makes of the same list
 */
export function otherOrder(theirs: readonly OrderedLayer[]): FailureParts | undefined {
  const positions = new Map(theirs.map(({ layer }, index) => [layer.name, index]));
  const misplaced = theirs.flatMap(({ layer }, index) =>
    (layer.form === 'skiffos' ? layer.depends : [])
      .filter(({ value }) => (positions.get(value) ?? -1) > index)
      .map(({ value, place }) => ({ layer: layer.name, dependency: value, place })),
  );
  const [first] = misplaced;
  if (first === undefined) return undefined;
  return {
    code: 'skiffos-order',
    message: `${first.layer} depends on ${first.dependency}, which comes first here; SkiffOS puts it behind`,
    place: first.place,
    cause: misplaced.map(({ layer, dependency }) => `SkiffOS lets ${dependency} overrule ${layer}`).join('\n'),
    hint: "--skiff-order, or layerOrder: skiffos for the workspace, gives SkiffOS's order",
    layer: first.layer,
  };
}
