/** What a kernel module says of itself: the `.modinfo` section of its ELF file, read where it lies. */
import type { ContentReader } from '../../../rootfs/content.ts';
import { contentSize } from '../../../rootfs/content.ts';
import type { Content } from '../../../rootfs/entry.ts';

export interface Modinfo {
  /** Modules that must be loaded before it. */
  readonly depends: readonly string[];
  /** Modules or aliases that should be loaded before and after it. */
  readonly softBefore: readonly string[];
  readonly softAfter: readonly string[];
  readonly aliases: readonly string[];
}

/** `a-b` and `a_b` are one module. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

/** @returns undefined if the content is no 64-bit little-endian ELF file with such a section. */
export function readModinfo(reader: ContentReader, content: Content): Modinfo | undefined {
  const section = readSection(reader, content, '.modinfo');
  return section === undefined ? undefined : parseModinfo(section.toString('latin1').split('\0'));
}

/** `key=value` strings; a soft dependency is `pre: a b post: c`. */
export function parseModinfo(strings: readonly string[]): Modinfo {
  const valuesOf = (key: string): string[] =>
    strings.filter((text) => text.startsWith(`${key}=`)).map((text) => text.slice(key.length + 1));
  const softBefore: string[] = [];
  const softAfter: string[] = [];
  for (const text of valuesOf('softdep')) {
    let list: string[] | undefined;
    for (const word of text.split(/\s+/)) {
      if (word === 'pre:') list = softBefore;
      else if (word === 'post:') list = softAfter;
      else if (word !== '') list?.push(word);
    }
  }
  const depends = valuesOf('depends').flatMap((text) => text.split(',').filter((name) => name !== ''));
  return { depends: depends.map(moduleName), softBefore, softAfter, aliases: valuesOf('alias') };
}

const HEADER_SIZE = 64;
const SECTION_SIZE = 64;
const ELF64_LITTLE = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);

interface Section {
  readonly name: number;
  readonly offset: number;
  readonly size: number;
}

function readSection(reader: ContentReader, content: Content, wanted: string): Buffer | undefined {
  const size = contentSize(content);
  if (size < HEADER_SIZE) return undefined;
  const header = reader.read(content, 0, HEADER_SIZE);
  if (!header.subarray(0, ELF64_LITTLE.length).equals(ELF64_LITTLE)) return undefined;
  const tableOffset = Number(header.readBigUInt64LE(0x28));
  const count = header.readUInt16LE(0x3c);
  if (header.readUInt16LE(0x3a) !== SECTION_SIZE || tableOffset + count * SECTION_SIZE > size) return undefined;
  const table = reader.read(content, tableOffset, count * SECTION_SIZE);
  const sections = Array.from({ length: count }, (_, index): Section => {
    const at = index * SECTION_SIZE;
    const offset = Number(table.readBigUInt64LE(at + 0x18));
    return { name: table.readUInt32LE(at), offset, size: Number(table.readBigUInt64LE(at + 0x20)) };
  });
  const inside = (one: Section | undefined): one is Section => one !== undefined && one.offset + one.size <= size;
  const names = sections[header.readUInt16LE(0x3e)];
  if (!inside(names)) return undefined;
  const nameBytes = reader.read(content, names.offset, names.size);
  const found = sections.find((one) => nameAt(nameBytes, one.name) === wanted);
  return inside(found) ? reader.read(content, found.offset, found.size) : undefined;
}

function nameAt(names: Buffer, offset: number): string {
  return offset >= names.length ? '' : names.toString('latin1', offset, Math.max(offset, names.indexOf(0, offset)));
}
