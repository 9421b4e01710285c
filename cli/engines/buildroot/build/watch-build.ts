/**
 * Watches make at work: reports the package and the step that it is at, how many are done and how long the rest will take,
 * and tells whoever wants to know when a step begins.
 */
import { join } from 'node:path';
import type { Report } from '../../../ui/events.ts';
import { type StepLine, StepLog } from './progress.ts';

export interface WatchOptions {
  readonly output: string;
  /** Names of all packages that the build has, those that are built already included. */
  readonly packages: ReadonlySet<string>;
  /** Of {@link packages}, those that need not be built. */
  readonly done: ReadonlySet<string>;
  /** What packages took in earlier builds, in seconds. */
  readonly seconds: ReadonlyMap<string, number>;
  readonly report: Report;
  readonly step: string;
  readonly onStep?: (line: StepLine) => void;
}

const EVERY_MS = 500;

export class BuildWatch implements Disposable {
  readonly #options: WatchOptions;
  readonly #log: StepLog;
  readonly #timer: NodeJS.Timeout;
  readonly #finished: Set<string>;
  #at: StepLine | undefined;
  #begun = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#finished = new Set(options.done);
    this.#log = new StepLog(join(options.output, 'build/build-time.log'), true);
    this.#timer = setInterval(() => this.look(), EVERY_MS);
    this.#timer.unref();
  }

  /** The step that has begun and not ended: where a build that failed did so. */
  get at(): StepLine | undefined {
    return this.#at;
  }

  look(): void {
    for (const line of this.#log.read()) {
      if (line.edge === 'start') {
        // Packages come one after the other: when the next one begins, the one before is complete.
        if (this.#at !== undefined && this.#at.package !== line.package) this.#finished.add(this.#at.package);
        this.#at = line;
        this.#begun = Date.now();
      } else if (this.#at?.step === line.step && this.#at.package === line.package) {
        this.#at = { ...line, edge: 'end' };
      }
      this.#options.onStep?.(line);
    }
    this.#tell();
  }

  #tell(): void {
    const { packages, report, step } = this.#options;
    if (this.#at === undefined) return;
    const left = this.#secondsLeft();
    const total = Math.max(packages.size, this.#finished.size);
    report({
      kind: 'step-progress',
      step,
      text: `${this.#at.package} ${this.#at.step}${left === undefined ? '' : `, ${durationText(left)} left`}`,
      done: this.#finished.size,
      total,
      unit: 'packages',
    });
  }

  /** Undefined unless most of what is left was built before. */
  #secondsLeft(): number | undefined {
    const { packages, seconds } = this.#options;
    const left = [...packages].filter((name) => !this.#finished.has(name));
    const known = left.filter((name) => seconds.has(name));
    if (left.length === 0 || known.length < left.length * 0.8) return undefined;
    const sum = known.reduce((total, name) => total + (seconds.get(name) ?? 0), 0);
    const average = sum / known.length;
    return Math.max(0, sum + average * (left.length - known.length) - (Date.now() - this.#begun) / 1000);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** `about 40 s`, `about 12 min` */
export function durationText(seconds: number): string {
  return seconds < 90 ? `about ${Math.ceil(seconds / 5) * 5} s` : `about ${Math.round(seconds / 60)} min`;
}
