import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failuresOf } from '../../test/support/files.ts';
import { Failure } from '../failure.ts';
import type { Layer } from './layer.ts';
import type { LayerRequest } from './layer-name.ts';
import { orderLayers, type Wanted } from './order-layers.ts';
import { NO_METADATA } from './read-layer.ts';
import { orderAsSkiffos, otherOrder } from './skiffos-order.ts';

type Graph = Readonly<Record<string, readonly string[]>>;

const wanted = (names: readonly string[]): Wanted[] =>
  names.map((name) => ({ request: { name }, reason: { kind: 'asked' } }));

function finder(graph: Graph): (request: LayerRequest) => Layer {
  return ({ name, place }) => {
    const depends = graph[name];
    if (depends === undefined) throw new Failure({ code: 'unknown-layer', message: name, place });
    return {
      ...NO_METADATA,
      name,
      root: { kind: 'path', directory: '/layers', label: 'layers' },
      directory: `/layers/${name}`,
      form: 'skiffos',
      depends: depends.map((value, index) => ({
        value,
        place: { file: `/layers/${name}/metadata/dependencies`, line: index + 1 },
      })),
      contents: {} as never,
    };
  };
}

const names = (graph: Graph, asked: readonly string[]): string[] =>
  orderAsSkiffos(wanted(asked), finder(graph)).map(({ layer }) => layer.name);

describe("SkiffOS's order", () => {
  test('puts what is missing before the layer that needs it, round after round', () => {
    const graph = { 'a/a': ['c/c'], 'b/b': ['c/c', 'd/d'], 'c/c': ['e/e'], 'd/d': [], 'e/e': [] };
    expect(names(graph, ['a/a', 'b/b'])).toEqual(['e/e', 'c/c', 'a/a', 'd/d', 'b/b']);
  });

  test('leaves a dependency that is in the list already behind what needs it', () => {
    expect(names({ 'a/a': ['b/b'], 'b/b': [] }, ['a/a', 'b/b'])).toEqual(['a/a', 'b/b']);
    // The second dependency needs the first, but is added in the same round.
    expect(names({ 'a/a': ['b/b', 'c/c'], 'b/b': ['c/c'], 'c/c': [] }, ['a/a'])).toEqual(['b/b', 'c/c', 'a/a']);
  });

  test('takes a circle, and a name that comes twice', () => {
    expect(names({ 'a/a': ['b/b'], 'b/b': ['a/a'] }, ['a/a', 'a/a'])).toEqual(['b/b', 'a/a']);
  });

  test('says who needs a layer, and which are unknown, all at once', async () => {
    const [first] = orderAsSkiffos(wanted(['a/a']), finder({ 'a/a': ['b/b'], 'b/b': [] }));
    expect(first?.reason).toEqual({ kind: 'dependency', of: 'a/a' });
    const failures = await failuresOf(() => orderAsSkiffos(wanted(['a/a', 'y/y']), finder({ 'a/a': ['x/x'] })));
    expect(failures.map(({ message }) => message)).toEqual(['y/y', 'x/x']);
  });
});

describe('the difference', () => {
  test('is told with the place where the dependency is written', () => {
    const graph = { 'a/a': ['b/b', 'c/c'], 'b/b': ['c/c'], 'c/c': [] };
    expect(otherOrder(orderAsSkiffos(wanted(['a/a']), finder(graph)))).toMatchObject({
      code: 'skiffos-order',
      message: 'b/b depends on c/c, which comes first here; SkiffOS puts it behind',
      place: { file: '/layers/b/b/metadata/dependencies', line: 1 },
      cause: 'SkiffOS lets c/c overrule b/b',
    });
  });

  test('is there exactly where a dependency is misplaced', () => {
    const graphs = fc
      .array(fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 3 }), { minLength: 8, maxLength: 8 })
      // Only later ones, so that there is no circle.
      .map((needs) =>
        Object.fromEntries(needs.map((of, at) => [`l/${at}`, of.filter((to) => to > at).map((to) => `l/${to}`)])),
      );
    const lists = fc.uniqueArray(
      fc.integer({ min: 0, max: 7 }).map((at) => `l/${at}`),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(graphs, lists, (graph, list) => {
        const ours = orderLayers(wanted(list), finder(graph)).map(({ layer }) => layer.name);
        const theirs = orderAsSkiffos(wanted(list), finder(graph));
        const same = theirs.map(({ layer }) => layer.name).join() === ours.join();
        expect(otherOrder(theirs) === undefined).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });
});
