/**
 * Which package needs which, as a drawing from the left to the right. What follows from other lines (a needs b, b needs c, so
 * a needs c) is left out, or there would be more lines than anybody can follow.
 */
import dagre from '@dagrejs/dagre';
import type { PackageFacts } from '../engines/engine-tools.ts';
import { document, element, text, textWidth } from './svg.ts';

type Node = Pick<PackageFacts, 'name' | 'version' | 'kind' | 'isAsked' | 'dependencies'>;

const TOP = 68;
const HEIGHT = 26;
const FILLS = { kernel: '#ffe2b8', asked: '#cfe3f7', needed: '#f2f2f2', tool: '#e3f1dc' } as const;
const WORDS = {
  asked: 'a layer asks for it',
  needed: 'something else needs it',
  kernel: 'the kernel',
  tool: 'runs on the machine that builds',
} as const;

export function dependencyGraph(title: string, packages: readonly Node[]): string {
  const graph = new dagre.graphlib.Graph({ multigraph: false });
  graph.setGraph({ rankdir: 'LR', nodesep: 8, ranksep: 60, marginx: 16, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const one of packages) graph.setNode(one.name, { width: textWidth(label(one)) + 16, height: HEIGHT });
  const edges = directEdges(packages);
  for (const [from, to] of edges) graph.setEdge(from, to);
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return document({
    width: Math.max(width, 760),
    height: TOP + Math.max(height, HEIGHT),
    title,
    children: [
      ...legend(),
      ...edges.map(([from, to]) => drawEdge(graph.edge(from, to).points ?? [])),
      ...packages.map((one) => {
        const { x = 0, y = 0, width: wide = 0 } = graph.node(one.name);
        const box = { x: x - wide / 2, y: TOP + y - HEIGHT / 2, width: wide, height: HEIGHT, rx: 4 };
        return [
          element('rect', { ...box, fill: FILLS[role(one)], stroke: '#888' }),
          text(x, TOP + y + 4, label(one), { 'text-anchor': 'middle' }),
        ].join('');
      }),
    ],
  });
}

function label({ name, version }: Node): string {
  return version === '' ? name : `${name} ${version.length > 16 ? `${version.slice(0, 15)}…` : version}`;
}

function role({ kind, isAsked }: Node): keyof typeof FILLS {
  if (kind !== 'target') return kind;
  return isAsked ? 'asked' : 'needed';
}

function legend(): string[] {
  let x = 16;
  return (Object.keys(WORDS) as (keyof typeof WORDS)[]).flatMap((key) => {
    const at = x;
    x += 30 + textWidth(WORDS[key]);
    return [
      element('rect', { x: at, y: 40, width: 14, height: 14, fill: FILLS[key], stroke: '#888' }),
      text(at + 19, 51, WORDS[key], { class: 'small' }),
    ];
  });
}

function drawEdge(points: readonly { readonly x: number; readonly y: number }[]): string {
  const at = ({ x, y }: { readonly x: number; readonly y: number }): string => `${round(x)},${round(TOP + y)}`;
  return element('polyline', { points: points.map(at).join(' '), fill: 'none', stroke: '#aaa' });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Without those that a longer way stands for; of packages that need each other, all. */
export function directEdges(packages: readonly Node[]): readonly (readonly [string, string])[] {
  const names = new Set(packages.map(({ name }) => name));
  const needs = new Map(packages.map((one) => [one.name, one.dependencies.filter((name) => names.has(name))]));
  const reach = new Map<string, ReadonlySet<string>>();
  const reachable = (from: string): ReadonlySet<string> => {
    const known = reach.get(from);
    if (known !== undefined) return known;
    const found = new Set<string>();
    const todo = [...(needs.get(from) ?? [])];
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (found.has(name)) continue;
      found.add(name);
      todo.push(...(needs.get(name) ?? []));
    }
    reach.set(from, found);
    return found;
  };
  return packages.flatMap(({ name }) => {
    const direct = needs.get(name) ?? [];
    return direct
      .filter((to) => !direct.some((via) => via !== to && reachable(via).has(to) && !reachable(to).has(via)))
      .map((to) => [name, to] as const);
  });
}
