/**
 * How far make is, by `build/build-time.log`: Buildroot writes a line at the start and at the end of each step of each
 * package, `<seconds>.<nanoseconds>:start:build               : busybox`.
 */
import { closeSync, openSync, readSync } from 'node:fs';

export interface StepLine {
  /** Unix time in seconds. */
  readonly time: number;
  readonly edge: 'start' | 'end';
  /** `extract`, `patch`, `configure`, `build`, `install-target`, … */
  readonly step: string;
  /** `busybox`, `host-m4` */
  readonly package: string;
}

export function parseStepLine(line: string): StepLine | undefined {
  const found = /^(\d+\.\d+):(start|end)\s*:(\S+)\s*: (\S+)$/.exec(line);
  const [, time = '', edge = '', step = '', name = ''] = found ?? [];
  return found === null ? undefined : { time: Number(time), edge: edge as StepLine['edge'], step, package: name };
}

/** Reads what was appended to the log since the last time. */
export class StepLog {
  readonly #path: string;
  #offset = 0;
  #rest = '';

  /** @param fromNow leaves out what is there already, of earlier builds */
  constructor(path: string, fromNow: boolean) {
    this.#path = path;
    if (fromNow) this.read();
  }

  read(): readonly StepLine[] {
    let text = this.#rest;
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      // Not begun yet.
      return [];
    }
    try {
      const buffer = Buffer.allocUnsafe(64 * 1024);
      for (;;) {
        const size = readSync(file, buffer, 0, buffer.length, this.#offset);
        if (size === 0) break;
        this.#offset += size;
        text += buffer.toString('latin1', 0, size);
      }
    } finally {
      closeSync(file);
    }
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => parseStepLine(line) ?? []);
  }
}

/** What each step of each package took, `busybox build` → seconds; of a step that ran more than once, the last time. */
export function stepSeconds(lines: readonly StepLine[]): ReadonlyMap<string, number> {
  const begun = new Map<string, number>();
  const took = new Map<string, number>();
  for (const { time, edge, step, package: name } of lines) {
    const key = `${name} ${step}`;
    const start = begun.get(key);
    if (edge === 'start') begun.set(key, time);
    else if (start !== undefined) took.set(key, time - start);
  }
  return took;
}
