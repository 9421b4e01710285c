/** QEMU's machine protocol (docs/interop/qmp-spec.rst of QEMU) over a connected socket: commands out, events in. */
import type { Duplex } from 'node:stream';
import { Failure } from '../failure.ts';
import { LineSplitter } from './console-line.ts';

export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Failure) => void;
}

export class Qmp {
  readonly #socket: Duplex;
  readonly #pending: Pending[] = [];
  #closed = false;

  constructor(socket: Duplex, onEvent: (event: QmpEvent) => void) {
    this.#socket = socket;
    const splitter = new LineSplitter((line) => this.#take(line, onEvent));
    socket.on('data', (chunk: Buffer) => splitter.push(chunk));
    // Both mean that QEMU is gone; its exit tells why.
    socket.on('error', () => this.#close());
    socket.on('close', () => this.#close());
    void this.execute('qmp_capabilities').catch(() => undefined);
  }

  /** Commands are answered in the order in which they were sent. */
  execute(command: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(gone(command));
      this.#pending.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    });
  }

  #take(line: string, onEvent: (event: QmpEvent) => void): void {
    if (line.trim() === '') return;
    const message = JSON.parse(line) as Partial<QmpEvent> & { return?: unknown; error?: { desc?: string } };
    if (typeof message.event === 'string') {
      onEvent(message as QmpEvent);
    } else if (message.error !== undefined) {
      const text = message.error.desc ?? 'an error without a description';
      this.#pending.shift()?.reject(new Failure({ code: 'qemu', message: `QEMU refused: ${text}` }));
    } else if ('return' in message) {
      this.#pending.shift()?.resolve(message.return);
    }
  }

  #close(): void {
    this.#closed = true;
    for (const { reject } of this.#pending.splice(0)) reject(gone('its answer'));
  }
}

function gone(what: string): Failure {
  return new Failure({ code: 'qemu', message: `QEMU has ended before ${what}` });
}
