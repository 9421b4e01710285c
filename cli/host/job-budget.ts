/**
 * The machine's jobs as one budget of all that is built at once: whoever works holds one of them, first come, first served,
 * and a make that works for its holder takes more from a jobserver as long as there are any.
 *
 * The jobserver is there while makes run. What killed ones did not give back ends with it, so nothing is lost for good.
 */
import { MakeJobserver } from './make-jobserver.ts';

/** What a make, or a program that takes part in make's jobserver, is started with. */
export interface MakeJobs {
  readonly env: { readonly MAKEFLAGS: string };
  readonly descriptors: readonly number[];
  /** For programs of a build that know nothing of a jobserver: an even share. */
  readonly perProgram: number;
}

interface Waiter {
  readonly begin: () => void;
}

/** Makes do not say when they give a job back. */
const POLL_MS = 50;

export class JobBudget {
  readonly count: number;
  readonly #perProgram: number;
  /** Held by shares of this process; each make's first job is one of them. */
  #held = 0;
  #makes = 0;
  #opening: Promise<void> | undefined;
  /** While it is there, every job that nobody of this process holds is in it. */
  #server: MakeJobserver | undefined;
  readonly #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param among how many builds share it */
  constructor(count: number, among = 1) {
    this.count = Math.max(1, count);
    this.#perProgram = Math.max(1, Math.floor(this.count / among));
  }

  /** Waits for a job and holds it while `work` goes on. Rejects with the signal's reason if that comes first. */
  async share<T>(signal: AbortSignal, work: (jobs: JobShare) => Promise<T>): Promise<T> {
    const share = new JobShare(this, signal);
    await share.take();
    try {
      return await work(share);
    } finally {
      share.giveBack();
    }
  }

  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && this.#tryTake()) return;
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        begin: () => {
          signal.removeEventListener('abort', stop);
          resolve();
        },
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.push(waiter);
      this.#watch();
    });
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#held -= 1;
      this.#server?.put(1);
    } else next.begin();
  }

  /** Runs a make for somebody who holds a job. */
  async make<T>(work: (jobs: MakeJobs) => Promise<T>): Promise<T> {
    const perProgram = this.#perProgram;
    if (this.count === 1) return work({ env: { MAKEFLAGS: ' -j1' }, descriptors: [], perProgram });
    this.#makes += 1;
    try {
      this.#opening ??= this.#open();
      await this.#opening;
      if (this.#server === undefined) throw new Error('the jobserver was closed while a make needs it');
      using client = this.#server.client();
      return await work({ env: { MAKEFLAGS: client.flags }, descriptors: client.descriptors, perProgram });
    } finally {
      this.#makes -= 1;
      if (this.#makes === 0) this.#close();
    }
  }

  async #open(): Promise<void> {
    const server = await MakeJobserver.open(this.count);
    server.put(this.count - this.#held);
    this.#server = server;
    this.#watch();
  }

  #close(): void {
    this.#server?.[Symbol.dispose]();
    this.#server = undefined;
    this.#opening = undefined;
    this.#serve();
  }

  #tryTake(): boolean {
    const isThere = this.#server === undefined ? this.#held < this.count : this.#server.tryTake();
    if (isThere) this.#held += 1;
    return isThere;
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#tryTake()) this.#waiting.shift()?.begin();
    if (this.#waiting.length > 0 && this.#server !== undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #watch(): void {
    if (this.#waiting.length === 0 || this.#server === undefined) return;
    this.#timer ??= setInterval(() => this.#serve(), POLL_MS);
  }
}

/** One job of a budget, in the hands of a piece of work. */
export class JobShare {
  readonly #budget: JobBudget;
  readonly #signal: AbortSignal;
  #isHeld = false;

  constructor(budget: JobBudget, signal: AbortSignal) {
    this.#budget = budget;
    this.#signal = signal;
  }

  async take(): Promise<void> {
    await this.#budget.take(this.#signal);
    this.#isHeld = true;
  }

  giveBack(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#budget.giveBack();
  }

  /** Lets others have the job while `wait` goes on, which is not work but waiting for somebody. */
  async lend<T>(wait: () => Promise<T>): Promise<T> {
    this.giveBack();
    const result = await wait();
    await this.take();
    return result;
  }

  /** Runs a make; its first job is the one that is held here. */
  async make<T>(work: (jobs: MakeJobs) => Promise<T>): Promise<T> {
    return this.#budget.make(work);
  }
}
