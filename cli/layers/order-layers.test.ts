import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failuresOf } from '../../test/support/files.ts';
import { Failure } from '../failure.ts';
import type { Layer } from './layer.ts';
import { orderLayers, type Wanted } from './order-layers.ts';
import { NO_METADATA } from './read-layer.ts';

type Graph = Readonly<Record<string, readonly string[]>>;

function layerOf(name: string, depends: readonly string[]): Layer {
  const contents = { fragments: {}, patches: {}, hooks: {}, cflags: [], users: [], debianPackages: [] } as never;
  return {
    ...NO_METADATA,
    name,
    root: { kind: 'path', directory: '/layers', label: 'layers' },
    directory: `/layers/${name}`,
    form: 'coracle',
    depends: depends.map((value, index) => ({
      value,
      place: { file: `/layers/${name}/layer.yaml`, line: 2, column: index + 1 },
    })),
    contents,
  };
}

function order(graph: Graph, asked: readonly string[]) {
  const wanted = asked.map((name): Wanted => ({ request: { name }, reason: { kind: 'asked' } }));
  return orderLayers(wanted, ({ name, place }) => {
    const depends = graph[name];
    if (depends === undefined) throw new Failure({ code: 'unknown-layer', message: name, place });
    return layerOf(name, depends);
  });
}

const names = (graph: Graph, asked: readonly string[]): string[] => order(graph, asked).map(({ layer }) => layer.name);

describe('the order of layers', () => {
  test('is that of the list, with dependencies before what needs them', () => {
    const graph = { 'a/a': ['c/c'], 'b/b': [], 'c/c': ['d/d'], 'd/d': [] };
    expect(names(graph, ['b/b', 'a/a'])).toEqual(['b/b', 'd/d', 'c/c', 'a/a']);
  });

  test('moves a layer that was asked for before one that needs it', () => {
    const graph = { 'a/a': ['b/b'], 'b/b': [] };
    expect(order(graph, ['a/a', 'b/b']).map(({ layer, reason }) => [layer.name, reason.kind])).toEqual([
      ['b/b', 'asked'],
      ['a/a', 'asked'],
    ]);
  });

  test('says who needs a layer', () => {
    const graph = { 'a/a': ['c/c'], 'b/b': ['c/c'], 'c/c': [] };
    expect(order(graph, ['a/a', 'b/b'])[0]?.reason).toEqual({ kind: 'dependency', of: 'a/a' });
  });

  test('fails on a circle with the whole of it, where it closes', async () => {
    const graph = { 'x/x': ['a/a'], 'a/a': ['b/b'], 'b/b': ['c/c'], 'c/c': ['x/y', 'a/a'], 'x/y': [] };
    const [found] = await failuresOf(() => order(graph, ['x/x']));
    expect(found).toMatchObject({
      code: 'layer-cycle',
      place: { file: '/layers/c/c/layer.yaml', line: 2, column: 2 },
      layer: 'c/c',
    });
    expect(found?.message).toContain('a/a → b/b → c/c → a/a');
  });

  test('fails on a layer that needs itself', async () => {
    const [found] = await failuresOf(() => order({ 'a/a': ['a/a'] }, ['a/a']));
    expect(found?.message).toContain('a/a → a/a');
  });

  test('tells of every layer that is not there, once', async () => {
    const graph = { 'a/a': ['no/1', 'no/2'], 'b/b': ['no/1'] };
    const found = await failuresOf(() => order(graph, ['a/a', 'b/b', 'no/3']));
    expect(found.map((parts) => parts.message)).toEqual(['no/1', 'no/2', 'no/3']);
  });

  test('of a chain of 20,000 needs no deep stack', () => {
    const length = 20_000;
    const graph = Object.fromEntries(
      Array.from({ length }, (_, n) => [`c/${n}`, n + 1 < length ? [`c/${n + 1}`] : []] as const),
    );
    expect(names(graph, ['c/0']).at(0)).toBe(`c/${length - 1}`);
  });
});

/** Graphs without circles: a layer depends only on layers of higher numbers. */
const acyclic = fc
  .integer({ min: 1, max: 12 })
  .chain((size) => fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 4 }), { minLength: size, maxLength: size }))
  .map(
    (lists): Graph =>
      Object.fromEntries(
        lists.map((list, n) => [
          `g/${n}`,
          [...new Set(list.map((step) => n + 1 + step).filter((m) => m < lists.length))].map((m) => `g/${m}`),
        ]),
      ),
  );

const askedOf = acyclic.chain((graph) =>
  fc.record({ graph: fc.constant(graph), asked: fc.shuffledSubarray(Object.keys(graph), { minLength: 1 }) }),
);

describe('laws of the order', () => {
  test('every layer is there once, and after all that it needs', () => {
    fc.assert(
      fc.property(askedOf, ({ graph, asked }) => {
        const ordered = names(graph, asked);
        expect(new Set(ordered).size).toBe(ordered.length);
        for (const [index, name] of ordered.entries()) {
          for (const needed of graph[name] ?? []) expect(ordered.slice(0, index)).toContain(needed);
        }
      }),
    );
  });

  test('exactly those take part that were asked for or are needed', () => {
    fc.assert(
      fc.property(askedOf, ({ graph, asked }) => {
        const reached = new Set<string>();
        const visit = (name: string): void => {
          if (reached.has(name)) return;
          reached.add(name);
          graph[name]?.forEach(visit);
        };
        asked.forEach(visit);
        expect(new Set(names(graph, asked))).toEqual(reached);
      }),
    );
  });

  test('ordering what was ordered changes nothing', () => {
    fc.assert(
      fc.property(askedOf, ({ graph, asked }) => {
        const once = names(graph, asked);
        expect(names(graph, once)).toEqual(once);
      }),
    );
  });

  test('layers that need nothing keep the order of the list', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 50 }), { minLength: 1 }), (numbers) => {
        const asked = numbers.map((n) => `g/${n}`);
        expect(names(Object.fromEntries(asked.map((name) => [name, []])), asked)).toEqual(asked);
      }),
    );
  });
});
