/**
 * A device's console while it runs: written to a log, cut into lines, and understood as boots with milestones. Whoever
 * waits for something gives a limit, and a failure says what was awaited and what the console said last.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { Failure } from '../failure.ts';
import { type DeviceEvent, fatalMessage, LineSplitter, parseEvent, plainLine } from './console-line.ts';

/** One start of the machine, until it starts again. Milliseconds are the host's, since this start. */
export interface Boot {
  /** From 1. */
  readonly number: number;
  /** Clock of {@link DeviceConsole} at the start. */
  readonly startedAt: number;
  firstLineMs?: number;
  readonly events: TimedEvent[];
  fatal?: string;
}

export interface TimedEvent extends DeviceEvent {
  readonly ms: number;
}

export interface WaitOptions {
  /** For people: `the device to be healthy`. */
  readonly what: string;
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
}

const KEPT_LINES = 400;
/** No device boots so far that it could start again in this time. */
const ONE_RESET_MS = 500;
const SHOWN_LINES = 15;

export class DeviceConsole {
  readonly log: string;
  readonly #out: WriteStream;
  readonly #now: () => number;
  readonly #splitter = new LineSplitter((line) => this.#take(line));
  readonly #lines: string[] = [];
  readonly #waiting = new Set<() => void>();
  #boot: Boot;
  #ended: Failure | string | undefined;

  /** @param now monotonic milliseconds; the first boot starts with this call */
  constructor(log: string, now: () => number = () => performance.now()) {
    this.log = log;
    this.#now = now;
    this.#out = createWriteStream(log);
    // A full disk must not end the machine; the log is then short.
    this.#out.on('error', () => {});
    this.#boot = { number: 1, startedAt: now(), events: [] };
  }

  /** The current boot. */
  get boot(): Boot {
    return this.#boot;
  }

  push(chunk: Uint8Array): void {
    this.#out.write(chunk);
    this.#splitter.push(chunk);
  }

  /** The machine was reset: what comes now belongs to another boot. */
  restarted(): void {
    // A kernel that reboots tries several ways at once, and each is a reset.
    if (this.#boot.number > 1 && this.#now() - this.#boot.startedAt < ONE_RESET_MS) return;
    this.#boot = { number: this.#boot.number + 1, startedAt: this.#now(), events: [] };
    this.#wake();
  }

  /** Nothing comes any more: why, or what QEMU said when it failed. */
  end(reason: Failure | string): void {
    this.#ended ??= reason;
    this.#out.end();
    this.#wake();
  }

  /** The last lines, for a failure. */
  tail(): string {
    const rest = plainLine(this.#splitter.rest);
    return [...this.#lines.slice(-SHOWN_LINES), ...(rest === '' ? [] : [rest])].join('\n');
  }

  /** The first event of that name in a boot. */
  event(boot: Boot, name: string, options: WaitOptions): Promise<TimedEvent> {
    return this.until(boot, options, () => boot.events.find((event) => event.name === name));
  }

  /** Waits until the machine has started once more than `boot`. */
  nextBoot(boot: Boot, options: WaitOptions): Promise<Boot> {
    return this.#wait(options, () => (this.#boot.number > boot.number ? this.#boot : this.#gone(options)));
  }

  /**
   * Waits for a condition in one boot, looked at whenever the console says something.
   *
   * @throws Failure `device-timeout`, `device-fatal`, `device-restarted`, `device-ended`
   */
  until<T>(boot: Boot, options: WaitOptions, find: () => T | undefined): Promise<T> {
    return this.#wait(options, () => {
      const found = find();
      if (found !== undefined) return found;
      if (boot.fatal !== undefined)
        throw this.failure('device-fatal', `the device gave up: ${boot.fatal}`, options.what);
      if (this.#boot !== boot) throw this.failure('device-restarted', 'the device started again', options.what);
      return this.#gone(options);
    });
  }

  failure(code: string, message: string, awaited: string): Failure {
    const tail = this.tail();
    return new Failure({
      code,
      message: `${message} while waiting for ${awaited}`,
      cause: tail === '' ? 'the console said nothing' : `the console's last lines:\n${tail}`,
      log: this.log,
    });
  }

  #gone(options: WaitOptions): undefined {
    if (this.#ended instanceof Failure) throw this.#ended;
    if (this.#ended !== undefined) throw this.failure('device-ended', this.#ended, options.what);
    return undefined;
  }

  #wait<T>(options: WaitOptions, look: () => T | undefined): Promise<T> {
    const stopped = (): Failure =>
      new Failure({ code: 'stopped', message: `stopped while waiting for ${options.what}` });
    if (options.signal?.aborted) return Promise.reject(stopped());
    return new Promise<T>((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        options.signal?.removeEventListener('abort', onAbort);
      };
      const check = (): void => {
        try {
          const found = look();
          if (found === undefined) return;
          finish();
          resolve(found);
        } catch (error) {
          finish();
          reject(error);
        }
      };
      const onAbort = (): void => {
        finish();
        reject(stopped());
      };
      const timer = setTimeout(() => {
        finish();
        const limit = `${Math.round(options.limitMs / 1000)} s`;
        reject(this.failure('device-timeout', `the limit of ${limit} was reached`, options.what));
      }, options.limitMs);
      options.signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(check);
      check();
    });
  }

  #take(raw: string): void {
    const line = plainLine(raw);
    if (line === '') return;
    const ms = this.#now() - this.#boot.startedAt;
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    this.#boot.firstLineMs ??= ms;
    const event = parseEvent(line);
    if (event !== undefined) this.#boot.events.push({ ...event, ms });
    const fatal = fatalMessage(line);
    if (fatal !== undefined) this.#boot.fatal ??= fatal;
    this.#wake();
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }
}
