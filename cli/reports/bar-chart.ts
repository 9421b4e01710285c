/** A chart of horizontal bars, each made of parts, the longest first: what takes the time, what takes the room. */
import { document, element, text, textWidth } from './svg.ts';

export interface BarChart {
  readonly title: string;
  /** `seconds`, `MB`; written below the axis. */
  readonly unit: string;
  /** What the parts of a bar are, in their order; the first colours go to the first. */
  readonly parts: readonly string[];
  readonly bars: readonly Bar[];
  /** More bars are one bar: the rest. */
  readonly most: number;
}

export interface Bar {
  readonly name: string;
  /** One for each part, in the chart's unit. */
  readonly values: readonly number[];
}

const COLOURS = ['#4e79a7', '#f28e2b', '#59a14f', '#e15759', '#76b7b2', '#edc948', '#b07aa1', '#9c755f'];
const ROW = 20;
const TOP = 72;
const PLOT = 600;

export function barChart(chart: BarChart): string {
  const bars = shownBars(chart);
  const left = 32 + Math.max(...bars.map(({ name }) => textWidth(name)), 0);
  const most = Math.max(...bars.map(total), 0);
  const step = niceStep(most / 6);
  const scale = most === 0 ? 0 : PLOT / most;
  const bottom = TOP + bars.length * ROW;
  const ticks = most === 0 ? [0] : Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  return document({
    width: left + PLOT + 96,
    height: bottom + 48,
    title: chart.title,
    children: [
      ...legend(chart.parts),
      ...ticks.flatMap((value) => [
        element('line', {
          x1: left + value * scale,
          y1: TOP - 4,
          x2: left + value * scale,
          y2: bottom,
          stroke: '#ddd',
        }),
        text(left + value * scale, bottom + 16, shownValue(value), { class: 'small', 'text-anchor': 'middle' }),
      ]),
      text(left + PLOT / 2, bottom + 36, chart.unit, { 'text-anchor': 'middle' }),
      ...bars.flatMap((bar, row) => drawBar(bar, TOP + row * ROW, left, scale)),
    ],
  });
}

function drawBar(bar: Bar, y: number, left: number, scale: number): string[] {
  const drawn = [text(left - 8, y + 14, bar.name, { 'text-anchor': 'end' })];
  let x = left;
  for (const [index, value] of bar.values.entries()) {
    if (value <= 0) continue;
    drawn.push(element('rect', { x, y: y + 2, width: value * scale, height: ROW - 4, fill: colour(index) }));
    x += value * scale;
  }
  return [...drawn, text(x + 6, y + 14, shownValue(total(bar)), { class: 'small' })];
}

function legend(parts: readonly string[]): string[] {
  if (parts.length < 2) return [];
  let x = 16;
  return parts.flatMap((name, index) => {
    const at = x;
    x += 28 + textWidth(name);
    return [
      element('rect', { x: at, y: 42, width: 12, height: 12, fill: colour(index) }),
      text(at + 17, 52, name, { class: 'small' }),
    ];
  });
}

function shownBars({ bars, most, parts }: BarChart): readonly Bar[] {
  const sorted = bars.toSorted((a, b) => total(b) - total(a) || (a.name < b.name ? -1 : 1));
  const rest = sorted.slice(most);
  if (rest.length === 0) return sorted;
  const values = parts.map((_, part) => rest.reduce((sum, bar) => sum + (bar.values[part] ?? 0), 0));
  return [...sorted.slice(0, most), { name: `${rest.length} more`, values }];
}

function total({ values }: Bar): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#000';
}

/** 1, 2 or 5 with zeros. */
function niceStep(rough: number): number {
  if (rough <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((digit) => digit * power >= rough) ?? 10);
}

function shownValue(value: number): string {
  return String(Number(value.toPrecision(3)));
}
