/** What was seen of one boot, as data: the times of its milestones, the device's health, and how a person reads them. */
import * as z from 'zod/mini';
import type { Boot, TimedEvent } from './console.ts';

const HealthSchema = z.object({
  state: z.enum(['healthy', 'degraded', 'unhealthy']),
  checks: z._default(
    z.array(
      z.object({
        name: z.string(),
        state: z.string(),
        text: z._default(z.string(), ''),
        ms: z._default(z.number(), 0),
      }),
    ),
    [],
  ),
});

export type Health = z.infer<typeof HealthSchema>;

/** Milliseconds on the host's clock since the machine was switched on; undefined: not seen. */
export interface Milestones {
  readonly firstLine: number | undefined;
  /** The device says that ssh can be reached. */
  readonly sshReady: number | undefined;
  /** A login has ended well. */
  readonly login: number | undefined;
  readonly engineReady: number | undefined;
  readonly container: number | undefined;
  readonly health: number | undefined;
}

export const MILESTONES = {
  firstLine: 'first line on the console',
  sshReady: 'ssh can be reached',
  login: 'first login by ssh has worked',
  engineReady: 'container engine is ready',
  container: "first container's output",
  health: 'device has judged its health',
} as const satisfies Record<keyof Milestones, string>;

export function milestones(boot: Boot, login: number | undefined): Milestones {
  const at = (name: string): number | undefined => boot.events.find((event) => event.name === name)?.ms;
  return {
    firstLine: boot.firstLineMs,
    sshReady: at('ssh-ready'),
    login,
    engineReady: at('engine-ready'),
    container: at('container'),
    health: at('health'),
  };
}

/** From an event or from /run/coracle/health.json; undefined if it is neither. */
export function readHealth(value: unknown): Health | undefined {
  const parsed = z.safeParse(HealthSchema, value);
  return parsed.success ? parsed.data : undefined;
}

/** What an event says besides its time, for people: `podman 4.3.1`. */
export function eventText(event: TimedEvent | undefined): string {
  const text = event?.fields['output'] ?? event?.fields['engine'] ?? event?.fields['state'];
  return typeof text === 'string' ? text : '';
}

/** A row of a table: what, how long or how much, and a remark. */
export type Row = readonly [what: string, value: string, remark?: string];

export function milestoneRows(boot: Boot, login: number | undefined): readonly Row[] {
  const times = milestones(boot, login);
  const remarks: Partial<Record<keyof Milestones, string>> = {
    engineReady: eventText(boot.events.find((event) => event.name === 'engine-ready')),
    container: eventText(boot.events.find((event) => event.name === 'container')),
    health: eventText(boot.events.find((event) => event.name === 'health')),
  };
  return (Object.keys(MILESTONES) as (keyof Milestones)[]).flatMap((key) => {
    const ms = times[key];
    return ms === undefined ? [] : [[MILESTONES[key], seconds(ms), remarks[key] ?? ''] as const];
  });
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Columns that line up; the numbers to the right. */
export function tableText(rows: readonly Row[]): string {
  const what = Math.max(0, ...rows.map(([text]) => text.length));
  const value = Math.max(0, ...rows.map(([, text]) => text.length));
  return rows
    .map(([a, b, c]) => `  ${a.padEnd(what)}  ${b.padStart(value)}${c === undefined || c === '' ? '' : `  ${c}`}`)
    .join('\n');
}
