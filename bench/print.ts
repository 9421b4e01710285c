/** How every benchmark prints: the machine, tables whose numbers line up, and each goal with what was reached. */
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import type { Cost } from './measure.ts';

export function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What the figures depend on; said once at the top. */
export function machineFacts(): string {
  const [load = 0] = loadavg();
  const facts = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors, ${gigabytes(totalmem())}, Node ${process.versions.node}`;
  const busy = load > availableParallelism() / 2 ? ': busy, so trust ratios and processor time, not the clock' : '';
  return `${facts}; load ${load.toFixed(1)}${busy}`;
}

export interface Row {
  readonly what: string;
  readonly cost: Cost;
  readonly remark?: string | undefined;
}

export function costs(rows: readonly Row[]): void {
  const widest = Math.max(0, ...rows.map(({ what }) => what.length));
  for (const { what, cost, remark } of rows) {
    const text = `  ${what.padEnd(widest)}  ${duration(cost.wallMs)}  processor ${duration(cost.cpuMs)}`;
    line(remark === undefined ? text : `${text}  ${remark}`);
  }
}

/** @param best whether small or large numbers are good */
export function goal(what: string, measured: number, limit: number, show: (value: number) => string, best = 'small') {
  const reached = best === 'small' ? measured <= limit : measured >= limit;
  const wanted = `${best === 'small' ? 'at most' : 'at least'} ${show(limit).trim()}`;
  line(`  goal: ${what}: ${wanted}; ${show(measured).trim()}: ${reached ? 'reached' : 'MISSED'}`);
}

export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`.padStart(9);
  return (ms < 2000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s `).padStart(9);
}

export function times(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0)} times`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(0)} GB`;
}
