/**
 * Puts layers in their order: in come the layers that the user asked for, out comes every layer that takes part, what a
 * layer depends on before it, otherwise as the user wrote them, each with the reason why it is there.
 *
 * The walk keeps its own stack, so that a chain of dependencies may be as long as it likes, and looks at every
 * dependency once, so that the cost is linear.
 */
import { Failure, Failures, type Place, throwAny } from '../failure.ts';
import type { Layer } from './layer.ts';
import type { LayerRequest } from './layer-name.ts';

/** Why a layer is at its place in the order. */
export type Reason =
  | { readonly kind: 'asked' }
  | { readonly kind: 'dependency'; readonly of: string }
  | { readonly kind: 'default-base' }
  /** SkiffOS's configs-base/, around a list of SkiffOS layers that Buildroot builds. */
  | { readonly kind: 'skiffos-base' }
  | { readonly kind: 'overrides' };

export interface OrderedLayer {
  readonly layer: Layer;
  readonly reason: Reason;
}

/** A layer that is wanted, and why. */
export interface Wanted {
  readonly request: LayerRequest;
  readonly reason: Reason;
}

/** What is known of a layer in the middle of the walk. */
interface Visit {
  readonly layer: Layer;
  readonly reason: Reason;
  /** Index of the dependency to look at next. */
  next: number;
}

/**
 * @param find reads a layer; its failures are collected, so that all unknown layers are told at once.
 * @throws Failure `layer-cycle`, and those of `find`
 */
export function orderLayers(
  wanted: readonly Wanted[],
  find: (request: LayerRequest) => Layer,
): readonly OrderedLayer[] {
  const asked = new Map(wanted.map(({ request, reason }) => [request.name, reason]));
  const ordered: OrderedLayer[] = [];
  const done = new Set<string>();
  const failures: Failure[] = [];
  const read = (request: LayerRequest): Layer | undefined => {
    try {
      return find(request);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(...(error instanceof Failures ? error.all : [error]));
      return undefined;
    }
  };
  for (const { request, reason } of wanted) {
    if (done.has(request.name)) continue;
    const layer = read(request);
    // Looked at already, even if it could not be read: one failure for each layer is enough.
    done.add(request.name);
    if (layer === undefined) continue;
    const stack: Visit[] = [{ layer, reason, next: 0 }];
    const onStack = new Set([layer.name]);
    for (let visit = stack.at(-1); visit !== undefined; visit = stack.at(-1)) {
      const depends = visit.layer.depends[visit.next++];
      if (depends === undefined) {
        ordered.push({ layer: visit.layer, reason: visit.reason });
        onStack.delete(visit.layer.name);
        stack.pop();
        continue;
      }
      if (onStack.has(depends.value)) throw cycle(stack, depends.value, depends.place);
      if (done.has(depends.value)) continue;
      done.add(depends.value);
      const below = read({ name: depends.value, place: depends.place });
      if (below === undefined) continue;
      const why = asked.get(below.name) ?? { kind: 'dependency', of: visit.layer.name };
      stack.push({ layer: below, reason: why, next: 0 });
      onStack.add(below.name);
    }
  }
  throwAny(failures);
  return ordered;
}

function cycle(stack: readonly Visit[], back: string, place: Place): Failure {
  const names = stack.map((visit) => visit.layer.name);
  const round = [...names.slice(names.indexOf(back)), back];
  return new Failure({
    code: 'layer-cycle',
    message: `layers depend on each other in a circle: ${round.join(' → ')}`,
    place,
    hint: 'move what both need into a layer of its own, and let both depend on that',
    layer: names.at(-1),
  });
}
