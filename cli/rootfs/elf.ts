/**
 * What the dynamic loader reads of an ELF file: machine, interpreter, needed libraries and where to look for them. Only
 * the headers and the dynamic section are read, a few kilobytes of however large a program.
 *
 * Layout: System V gABI, chapters "ELF Header", "Program Header" and "Dynamic Section".
 */

export interface ElfFacts {
  /** Programs and libraries of different machines never load each other: `x86_64-64`, `aarch64-64`, `386-32`. */
  readonly machine: string;
  readonly interpreter: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  readonly soname: string | undefined;
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
}

/** Reads `length` bytes at `offset` of the file; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** What is wrong with a file that begins like an ELF file. */
export class ElfDamage extends Error {}

const MAGIC = Buffer.from('\x7fELF', 'latin1');

/** Covers the file header and, as linkers lay files out, the program headers, the interpreter and often all else. */
const FIRST_READ = 4096;
/** Longest string table that is believed; libstdc++'s is 0.2 MB. */
const MAX_STRINGS = 64 * 1024 * 1024;

const PT = { dynamic: 2, interp: 3, load: 1 } as const;
const DT = { needed: 1, strtab: 5, strsz: 10, soname: 14, rpath: 15, runpath: 29 } as const;
const ET_EXEC = 2;
const ET_DYN = 3;

const MACHINES: Readonly<Record<number, string>> = { 3: '386', 40: 'arm', 62: 'x86_64', 183: 'aarch64', 243: 'riscv' };

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

/** Undefined for what no loader loads: other files, object files, core dumps. @throws ElfDamage */
export function readElf(read: ReadAt): ElfFacts | undefined {
  const first = read(0, FIRST_READ);
  if (first.length < 52 || !first.subarray(0, 4).equals(MAGIC)) return undefined;
  const is64 = first[4] === 2;
  const isLittle = first[5] === 1;
  const view = new Reader(first, is64, isLittle, read);
  const type = view.u16(16);
  if (type !== ET_EXEC && type !== ET_DYN) return undefined;
  const machineNumber = view.u16(18);
  // A 64-bit kernel runs x86_64 programs of both sizes (x32), with libraries apart; so width is part of the name.
  const machine = `${MACHINES[machineNumber] ?? `machine-${machineNumber}`}-${is64 ? 64 : 32}${isLittle ? '' : 'be'}`;
  const segments = readSegments(view, is64);
  const interp = segments.find((segment) => segment.type === PT.interp);
  const interpreter = interp && untilNul(view.bytes(interp.offset, Math.min(interp.fileSize, 4096)), 0);
  const dynamic = segments.find((segment) => segment.type === PT.dynamic);
  const nothing = { needed: [], soname: undefined, rpath: [], runpath: [] };
  return { machine, interpreter, ...(dynamic ? readDynamic(view, is64, dynamic, segments) : nothing) };
}

function readSegments(view: Reader, is64: boolean): Segment[] {
  const start = view.word(is64 ? 32 : 28);
  const size = view.u16(is64 ? 54 : 42);
  const count = view.u16(is64 ? 56 : 44);
  if (count > 0 && size < (is64 ? 56 : 32)) throw new ElfDamage('its program headers are too small');
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    return {
      type: view.u32(at),
      offset: view.word(at + (is64 ? 8 : 4)),
      address: view.word(at + (is64 ? 16 : 8)),
      fileSize: view.word(at + (is64 ? 32 : 16)),
    };
  });
}

function readDynamic(
  view: Reader,
  is64: boolean,
  dynamic: Segment,
  segments: readonly Segment[],
): Pick<ElfFacts, 'needed' | 'soname' | 'rpath' | 'runpath'> {
  const step = is64 ? 16 : 8;
  const found: { readonly tag: number; readonly value: number }[] = [];
  for (let at = dynamic.offset; at + step <= dynamic.offset + dynamic.fileSize; at += step) {
    const tag = view.word(at);
    if (tag === 0) break;
    found.push({ tag, value: view.word(at + step / 2) });
  }
  const one = (tag: number): number | undefined => found.find((each) => each.tag === tag)?.value;
  const address = one(DT.strtab);
  const size = one(DT.strsz);
  if (address === undefined || size === undefined) return { needed: [], soname: undefined, rpath: [], runpath: [] };
  const holder = segments.find(
    (each) => each.type === PT.load && address >= each.address && address < each.address + each.fileSize,
  );
  if (holder === undefined || size > MAX_STRINGS) throw new ElfDamage('its dynamic strings are outside of the file');
  const table = holder.offset + address - holder.address;
  const text = (offset: number): string => view.text(table + offset, size - offset);
  const paths = (tag: number): string[] =>
    (one(tag) === undefined ? [] : text(one(tag) ?? 0).split(':')).filter((path) => path !== '');
  const soname = one(DT.soname);
  return {
    needed: found.filter((each) => each.tag === DT.needed).map((each) => text(each.value)),
    soname: soname === undefined ? undefined : text(soname),
    rpath: paths(DT.rpath),
    runpath: paths(DT.runpath),
  };
}

function untilNul(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  if (end < 0) throw new ElfDamage('a string of it has no end');
  return bytes.toString('utf8', start, end);
}

/** Numbers and strings of the file by offset, in its own width and byte order. */
class Reader {
  readonly #first: Buffer;
  readonly #is64: boolean;
  readonly #isLittle: boolean;
  readonly #read: ReadAt;
  #window: Buffer;
  #start = 0;

  constructor(first: Buffer, is64: boolean, isLittle: boolean, read: ReadAt) {
    this.#first = first;
    this.#window = first;
    this.#is64 = is64;
    this.#isLittle = isLittle;
    this.#read = read;
  }

  bytes(offset: number, length: number): Buffer {
    if (offset + length <= this.#first.length) return this.#first.subarray(offset, offset + length);
    if (offset < this.#start || offset + length > this.#start + this.#window.length) {
      this.#window = this.#read(offset, Math.max(length, FIRST_READ));
      this.#start = offset;
    }
    const bytes = this.#window.subarray(offset - this.#start, offset - this.#start + length);
    if (bytes.length < length) throw new ElfDamage('it ends too early');
    return bytes;
  }

  /** A string that ends in a NUL at most `limit` bytes away. */
  text(offset: number, limit: number): string {
    for (let length = 256; ; length *= 4) {
      const bytes = this.bytes(offset, Math.min(length, Math.max(limit, 0)));
      if (bytes.includes(0) || length >= limit) return untilNul(bytes, 0);
    }
  }

  u16(offset: number): number {
    const bytes = this.bytes(offset, 2);
    return this.#isLittle ? bytes.readUInt16LE() : bytes.readUInt16BE();
  }

  u32(offset: number): number {
    const bytes = this.bytes(offset, 4);
    return this.#isLittle ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  /** An address, offset or size, as wide as the file's class. */
  word(offset: number): number {
    if (!this.#is64) return this.u32(offset);
    const bytes = this.bytes(offset, 8);
    return Number(this.#isLittle ? bytes.readBigUInt64LE() : bytes.readBigUInt64BE());
  }
}
