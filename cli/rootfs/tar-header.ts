/**
 * The tar format itself, both ways: POSIX ustar with pax extended headers as `pax(1)` of POSIX.1-2001 has it, and what GNU
 * tar adds (long names, base-256 numbers). Pure: buffers in, values out.
 */

export const BLOCK = 512;

/** What is the same in both directions. */
interface Facts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** One character; the NUL of ancient archives reads as `0`. */
  readonly type: string;
  readonly major: number;
  readonly minor: number;
}

export interface TarHeader extends Facts {
  readonly name: string;
  readonly linkName: string;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/**
 * A header as it was read. Names are bytes: where a longer name follows, writers cut these at any byte, and half a
 * character is nothing to complain about.
 */
export interface RawHeader extends Facts {
  /** A prefix is joined. */
  readonly name: Buffer;
  readonly linkName: Buffer;
}

/** Field → [offset, length]. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [number, number]>;

type FieldName = keyof typeof FIELDS;

/** What is wrong with an archive, before anyone knows which one it is. */
export class TarDamage extends Error {}

export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** @throws TarDamage */
export function decodeHeader(block: Buffer): RawHeader {
  if (readNumber(block, 'checksum') !== checksum(block)) throw new TarDamage('a header has a wrong checksum');
  const posix = field(block, 'magic').toString('latin1') === 'ustar\x0000';
  const prefix = posix ? readText(block, 'prefix') : NOTHING;
  const name = readText(block, 'name');
  const type = String.fromCharCode(block[FIELDS.type[0]] ?? 0);
  return {
    name: prefix.length === 0 ? name : Buffer.concat([prefix, SLASH, name]),
    mode: readNumber(block, 'mode') & 0o7777,
    uid: readNumber(block, 'uid'),
    gid: readNumber(block, 'gid'),
    size: readNumber(block, 'size'),
    type: type === '\0' ? '0' : type,
    linkName: readText(block, 'linkName'),
    major: type === '3' || type === '4' ? readNumber(block, 'major') : 0,
    minor: type === '3' || type === '4' ? readNumber(block, 'minor') : 0,
  };
}

/** The records of a pax header, values as bytes since extended attributes are binary. @throws TarDamage */
export function decodePax(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  let at = 0;
  while (at < data.length && data[at] !== 0) {
    const space = data.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : Number(data.toString('latin1', at, space));
    const end = at + length;
    const equals = data.indexOf(0x3d, space);
    if (!Number.isInteger(length) || end > data.length || equals < 0 || equals >= end || data[end - 1] !== 0x0a) {
      throw new TarDamage('an extended header is malformed');
    }
    records.set(data.toString('utf8', space + 1, equals), data.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** @throws TarDamage for bytes that are not UTF-8, which no path of an image may hold */
export function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new TarDamage(`a name is not UTF-8: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`);
  }
}

const NOTHING = Buffer.alloc(0);
const SLASH = Buffer.from('/');
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Everything of a header that a plain ustar block can hold, or undefined if it cannot hold a value of it. */
export function encodeHeader(header: TarHeader): Buffer | undefined {
  const block = Buffer.alloc(BLOCK);
  const name = splitName(header.name);
  if (name === undefined) return undefined;
  const fits =
    writeText(block, 'name', name.name) &&
    writeText(block, 'prefix', name.prefix) &&
    writeText(block, 'linkName', header.linkName) &&
    writeOctal(block, 'mode', header.mode) &&
    writeOctal(block, 'uid', header.uid) &&
    writeOctal(block, 'gid', header.gid) &&
    writeOctal(block, 'size', header.size) &&
    writeOctal(block, 'mtime', header.mtime) &&
    writeOctal(block, 'major', header.major) &&
    writeOctal(block, 'minor', header.minor);
  if (!fits) return undefined;
  block.write(header.type, FIELDS.type[0], 'latin1');
  block.write('ustar\x0000', FIELDS.magic[0], 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, FIELDS.checksum[0], 'latin1');
  return block;
}

/** The data of a pax header. */
export function encodePax(records: ReadonlyMap<string, string | Uint8Array>): Buffer {
  const out: Buffer[] = [];
  for (const [key, value] of records) {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as Uint8Array), Buffer.from('\n')]);
    // The length counts its own digits.
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    out.push(Buffer.from(String(length)), rest);
  }
  return Buffer.concat(out);
}

function field(block: Buffer, name: FieldName): Buffer {
  const [offset, length] = FIELDS[name];
  return block.subarray(offset, offset + length);
}

function readText(block: Buffer, name: FieldName): Buffer {
  const bytes = field(block, name);
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function readNumber(block: Buffer, name: FieldName): number {
  const bytes = field(block, name);
  const first = bytes[0] ?? 0;
  const value = first >= 0x80 ? readBase256(bytes) : readOctal(bytes);
  if (!Number.isSafeInteger(value) || value < 0) throw new TarDamage(`a header's ${name} is no number`);
  return value;
}

function readOctal(bytes: Buffer): number {
  const text = bytes.toString('latin1').replace(/^[ \0]+|[ \0]+$/g, '');
  if (text === '') return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

/** GNU's form of numbers that octal digits cannot hold: the first byte is 0x80, the rest is the number. */
function readBase256(bytes: Buffer): number {
  if (bytes[0] !== 0x80) return Number.NaN;
  return bytes.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
}

/** The sum of all bytes, those of the checksum itself taken for spaces. */
function checksum(block: Buffer): number {
  const [start, length] = FIELDS.checksum;
  let sum = length * 0x20;
  for (let i = 0; i < BLOCK; i += 1) {
    if (i < start || i >= start + length) sum += block[i] ?? 0;
  }
  return sum;
}

/** Splits a name that is too long for its field at a slash, so that the rest fits in the prefix. */
function splitName(name: string): { readonly name: string; readonly prefix: string } | undefined {
  const bytes = Buffer.from(name);
  if (bytes.length <= FIELDS.name[1]) return { name, prefix: '' };
  // The leftmost slash that leaves a short enough name; a directory's own last slash is not one to split at.
  const slash = bytes.indexOf(0x2f, bytes.length - FIELDS.name[1] - 1);
  if (slash <= 0 || slash > FIELDS.prefix[1] || slash >= bytes.length - 1) return undefined;
  return { name: bytes.toString('utf8', slash + 1), prefix: bytes.toString('utf8', 0, slash) };
}

function writeText(block: Buffer, name: FieldName, text: string): boolean {
  const bytes = Buffer.from(text);
  const [offset, length] = FIELDS[name];
  if (bytes.length > length) return false;
  bytes.copy(block, offset);
  return true;
}

function writeOctal(block: Buffer, name: FieldName, value: number): boolean {
  const [offset, length] = FIELDS[name];
  const digits = value.toString(8).padStart(length - 1, '0');
  if (digits.length > length - 1) return false;
  block.write(`${digits}\0`, offset, 'latin1');
  return true;
}
