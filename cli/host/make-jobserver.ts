/**
 * A jobserver as GNU make speaks it (its manual, “POSIX Jobserver Interaction”): a named pipe with one byte for each job
 * that may still be started. Whoever starts a job beyond its first takes a byte, and writes one when the job ends.
 */
import { closeSync, constants, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './process.ts';

/** What a make is started with to take part. */
export interface JobserverClient extends Disposable {
  /** Its value of MAKEFLAGS. */
  readonly flags: string;
  /** What it gets from descriptor 3 on. */
  readonly descriptors: readonly number[];
}

/** First descriptor of a child after the standard ones. */
const FIRST = 3;

export class MakeJobserver implements Disposable {
  readonly #jobs: number;
  readonly #pipe: number;
  /** Where a make that opens the pipe by itself finds it. */
  readonly #path: string | undefined;

  private constructor(jobs: number, pipe: number, path: string | undefined) {
    this.#jobs = jobs;
    this.#pipe = pipe;
    this.#path = path;
  }

  /** @param jobs what `-j` says to makes; the pipe begins empty */
  static async open(jobs: number): Promise<MakeJobserver> {
    const directory = await mkdtemp(join(tmpdir(), 'coracle-jobs-'));
    const path = join(directory, 'jobs');
    let byName = false;
    try {
      await runCommand({ argv: ['mkfifo', '-m', '600', path], cwd: directory });
      // What is in MAKEFLAGS ends at a blank.
      byName = (await opensByName()) && !/\s/.test(path);
      const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
      return new MakeJobserver(jobs, pipe, byName ? path : undefined);
    } finally {
      if (!byName) await rm(directory, { recursive: true });
    }
  }

  /** Takes a job if there is one. */
  tryTake(): boolean {
    try {
      return readSync(this.#pipe, Buffer.allocUnsafe(1)) === 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      throw error;
    }
  }

  put(jobs: number): void {
    // The byte that make itself writes.
    if (jobs > 0) writeSync(this.#pipe, '+'.repeat(jobs));
  }

  client(): JobserverClient {
    const [flags, descriptors] = this.#path === undefined ? this.#byDescriptor() : [`fifo:${this.#path}`, []];
    return {
      flags: ` -j${this.#jobs} --jobserver-auth=${flags}`,
      descriptors,
      [Symbol.dispose]: () => {
        for (const descriptor of new Set(descriptors)) closeSync(descriptor);
      },
    };
  }

  /** Opened anew, so that what one make sets on it, such as to read without waiting, does not meet another. */
  #byDescriptor(): [string, readonly number[]] {
    const own = openSync(`/proc/self/fd/${this.#pipe}`, constants.O_RDWR);
    return [`${FIRST},${FIRST + 1}`, [own, own]];
  }

  [Symbol.dispose](): void {
    closeSync(this.#pipe);
    if (this.#path !== undefined) rmSync(join(this.#path, '..'), { recursive: true, force: true });
  }
}

let byName: Promise<boolean> | undefined;

/** From 4.4 on make opens the pipe by its name; one before takes two descriptors, and fails at a name. */
async function opensByName(): Promise<boolean> {
  byName ??= runCommand({ argv: ['make', '--version'], cwd: '/', stdout: 'capture' }).then(({ stdout }) => {
    const [, major = '0', minor = '0'] = /^GNU Make (\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 4);
  });
  return byName;
}
