import { expect, it } from 'vitest';
import { barChart } from './bar-chart.ts';
import { dependencyGraph, directEdges } from './dependency-graph.ts';

const bars = [
  { name: 'short', values: [1, 0] },
  { name: 'long & <odd>', values: [2, 3] },
  { name: 'tiny', values: [0.01, 0] },
  { name: 'smaller', values: [0.005, 0.001] },
];

it('a chart has the longest bar first, its title, its unit and the rest in one', () => {
  const chart = { title: 'Times', unit: 'seconds', parts: ['a', 'b'], bars, most: 2 };
  const drawn = barChart(chart);
  expect(drawn).toBe(barChart({ ...chart, bars: bars.toReversed() }));
  const words = [...drawn.matchAll(/<text[^>]*>([^<]*)</g)].map(([, word]) => word);
  expect(words).toEqual(expect.arrayContaining(['Times', 'seconds', 'a', 'b', 'long &amp; &lt;odd&gt;', '2 more']));
  expect(drawn.indexOf('long')).toBeLessThan(drawn.indexOf('short'));
  expect(barChart({ ...chart, bars: [] })).toContain('</svg>');
});

const one = (name: string, ...dependencies: string[]) =>
  ({ name, version: '1', kind: 'target', isAsked: false, dependencies }) as const;

it('a line that a longer way stands for is left out, and circles stay', () => {
  expect(directEdges([one('a', 'b', 'c', 'missing'), one('b', 'c'), one('c')])).toEqual([
    ['a', 'b'],
    ['b', 'c'],
  ]);
  expect(directEdges([one('a', 'b'), one('b', 'a')])).toHaveLength(2);
});

it('a graph has a box for each package and the same bytes each time', () => {
  const packages = [one('a', 'b'), one('b'), one('c', 'a')];
  const drawn = dependencyGraph('Needs', packages);
  expect(drawn).toBe(dependencyGraph('Needs', packages));
  expect(drawn.match(/<polyline/g)).toHaveLength(2);
  for (const { name } of packages) expect(drawn).toContain(`>${name} 1</text>`);
  expect(dependencyGraph('Nothing', [])).toContain('Nothing');
});
