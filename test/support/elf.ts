/** Small ELF files for tests: headers, an interpreter and a dynamic section, and nothing to run. */

export interface ElfParts {
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly rpath?: string;
  readonly runpath?: string;
  /** e_machine; x86_64 unless told. */
  readonly machine?: number;
  /** e_type; ET_DYN unless told. */
  readonly type?: number;
  readonly is64?: boolean;
  readonly isLittle?: boolean;
  /** Distance between addresses and offsets of the file. */
  readonly base?: number;
}

export function elfFile(parts: ElfParts): Buffer {
  const { is64 = true, isLittle = true, base = 0x10000, machine = 62, type = 3 } = parts;
  const header = is64 ? 64 : 52;
  const entry = is64 ? 56 : 32;
  const strings = [''];
  const offsetOf = (text: string): number => {
    const offset = strings.reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0);
    strings.push(text);
    return offset;
  };
  const tags: [number, number][] = (parts.needed ?? []).map((name) => [1, offsetOf(name)]);
  if (parts.soname !== undefined) tags.push([14, offsetOf(parts.soname)]);
  if (parts.rpath !== undefined) tags.push([15, offsetOf(parts.rpath)]);
  if (parts.runpath !== undefined) tags.push([29, offsetOf(parts.runpath)]);
  const table = Buffer.from(`${strings.join('\0')}\0`);
  const interpreter = parts.interpreter === undefined ? undefined : Buffer.from(`${parts.interpreter}\0`);
  const isDynamic = tags.length > 0;
  const count = 1 + (interpreter ? 1 : 0) + (isDynamic ? 1 : 0);
  // Far behind the headers, as in a real file, so that a second read is needed.
  const strtab = 6000;
  const dynamic = strtab + table.length;
  tags.push([5, base + strtab], [10, table.length], [0, 0]);
  const interp = header + count * entry;
  const step = is64 ? 16 : 8;
  const file = Buffer.alloc(dynamic + tags.length * step);
  const put = (at: number, size: 2 | 4 | 8, value: number): void => {
    if (size === 2) isLittle ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at);
    else if (size === 4) isLittle ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at);
    else isLittle ? file.writeBigUInt64LE(BigInt(value), at) : file.writeBigUInt64BE(BigInt(value), at);
  };
  const word = is64 ? 8 : 4;
  file.write('\x7fELF', 0, 'latin1');
  file[4] = is64 ? 2 : 1;
  file[5] = isLittle ? 1 : 2;
  file[6] = 1;
  put(16, 2, type);
  put(18, 2, machine);
  put(is64 ? 32 : 28, word, header);
  put(is64 ? 54 : 42, 2, entry);
  put(is64 ? 56 : 44, 2, count);
  let segment = header;
  const program = (kind: number, offset: number, size: number): void => {
    put(segment, 4, kind);
    put(segment + (is64 ? 8 : 4), word, offset);
    put(segment + (is64 ? 16 : 8), word, base + offset);
    put(segment + (is64 ? 32 : 16), word, size);
    segment += entry;
  };
  program(1, 0, file.length);
  if (interpreter) {
    program(3, interp, interpreter.length);
    interpreter.copy(file, interp);
  }
  if (isDynamic) program(2, dynamic, tags.length * step);
  table.copy(file, strtab);
  for (const [i, [tag, value]] of tags.entries()) {
    put(dynamic + i * step, word, tag);
    put(dynamic + i * step + word, word, value);
  }
  return file;
}
