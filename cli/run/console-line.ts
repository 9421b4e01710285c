/** What lines of a device's console mean: its events (docs/boot.md), its first sign of life, and its end. Pure. */

/** `coracle: event {"event":…,"uptime":…}` */
export interface DeviceEvent {
  readonly name: string;
  /** Seconds since the kernel started, as the device measures them. */
  readonly uptime: number | undefined;
  /** Everything else that the line says. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const MARK = 'coracle: event ';
/** CSI and OSC sequences, and two-byte escapes (ECMA-48). */
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_a-z0-9=>])/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** The line as text: without colours, cursor movements and other control characters. */
export function plainLine(line: string): string {
  return line.replace(ESCAPES, '').replace(CONTROLS, '').trimEnd();
}

/**
 * The kernel may write behind an event, before its line ends, or into the middle of one; then it is no event, and the caller
 * has other ways to know.
 */
export function parseEvent(line: string): DeviceEvent | undefined {
  const at = line.indexOf(MARK);
  if (at < 0) return undefined;
  try {
    const value: unknown = JSON.parse(firstObject(line.slice(at + MARK.length)));
    if (typeof value !== 'object' || value === null) return undefined;
    const { event, uptime, ...fields } = value as Record<string, unknown>;
    if (typeof event !== 'string') return undefined;
    return { name: event, uptime: typeof uptime === 'number' ? uptime : undefined, fields };
  } catch {
    return undefined;
  }
}

/** Up to the brace that closes the first one; braces in strings do not count. */
function firstObject(text: string): string {
  let depth = 0;
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token[0] === '{') depth += 1;
    else if (token[0] === '}') depth -= 1;
    if (token[0] === '}' && depth === 0) return text.slice(0, token.index + 1);
  }
  return text;
}

/** The line by which a device says that it gives up, or undefined. */
export function fatalMessage(line: string): string | undefined {
  const found = /(coracle-init: fatal: .*|Kernel panic - not syncing.*)$/.exec(line);
  return found?.[1];
}

/** Cuts a stream into lines; a character may be cut in two by chunks. */
export class LineSplitter {
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #rest = '';
  readonly #take: (line: string) => void;

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    // A device that never ends its line must not fill the memory.
    if (this.#rest.length > MAX_LINE) lines.push(this.#rest.slice(0, MAX_LINE));
    if (this.#rest.length > MAX_LINE) this.#rest = '';
    for (const line of lines) this.#take(line);
  }

  /** What came after the last line: a prompt, for instance. */
  get rest(): string {
    return this.#rest;
  }
}

const MAX_LINE = 1 << 16;
