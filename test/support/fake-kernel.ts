/** A kernel package in a tar, small enough for tests: real ELF modules with nothing but what they say of themselves. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommand } from '../../cli/host/process.ts';

export const RELEASE = '6.1.0-1-fake';

export interface FakeKernel {
  /** Lines of the configuration. */
  readonly config: readonly string[];
  /** Path below kernel/ without .ko → strings of its .modinfo. */
  readonly modules?: Readonly<Record<string, readonly string[]>>;
  /** Paths below kernel/ without .ko → strings of modules.builtin.modinfo, without the name in front. */
  readonly builtIn?: Readonly<Record<string, readonly string[]>>;
  /** Program that compresses the modules, and its ending: `xz`. */
  readonly compress?: 'xz' | 'gzip';
  /** false: a package that holds no kernel. */
  readonly image?: boolean;
}

/** @returns the tar's path, in a temporary directory that is removed after the test */
export async function packFakeKernel(kernel: FakeKernel): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-kernel-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const write = (path: string, data: string | Buffer): string => {
    const file = join(directory, 'root', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, data);
    return file;
  };
  const lib = `lib/modules/${RELEASE}`;
  if (kernel.image !== false) write(`boot/vmlinuz-${RELEASE}`, 'a kernel');
  write(`boot/config-${RELEASE}`, `${kernel.config.join('\n')}\n`);
  const modules = Object.entries(kernel.modules ?? {});
  for (const [path, strings] of modules) {
    const file = write(`${lib}/kernel/${path}.ko`, elfModule([...strings, `name=${path.split('/').at(-1)}`]));
    if (kernel.compress !== undefined) await runCommand({ argv: [kernel.compress, file], cwd: directory });
  }
  const builtIn = Object.entries(kernel.builtIn ?? {});
  write(`${lib}/modules.order`, modules.map(([path]) => `kernel/${path}.ko\n`).join(''));
  write(`${lib}/modules.builtin`, builtIn.map(([path]) => `kernel/${path}.ko\n`).join(''));
  const said = builtIn.flatMap(([path, strings]) => strings.map((text) => `${path.split('/').at(-1)}.${text}\0`));
  write(`${lib}/modules.builtin.modinfo`, said.join(''));
  const tar = join(directory, 'kernel.tar');
  await runCommand({ argv: ['tar', '-C', join(directory, 'root'), '--sort=name', '-cf', tar, '.'], cwd: directory });
  return tar;
}

/** A relocatable ELF file for x86_64 with the sections .modinfo and .shstrtab. */
export function elfModule(modinfo: readonly string[]): Buffer {
  const info = Buffer.from(modinfo.map((text) => `${text}\0`).join(''));
  const names = Buffer.from('\0.modinfo\0.shstrtab\0');
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(1, 0x10);
  header.writeUInt16LE(62, 0x12);
  header.writeUInt32LE(1, 0x14);
  const padding = Buffer.alloc((8 - ((info.length + names.length) % 8)) % 8);
  header.writeBigUInt64LE(BigInt(64 + info.length + names.length + padding.length), 0x28);
  header.writeUInt16LE(64, 0x34);
  header.writeUInt16LE(64, 0x3a);
  header.writeUInt16LE(3, 0x3c);
  header.writeUInt16LE(2, 0x3e);
  const section = (name: number, type: number, offset: number, size: number): Buffer => {
    const data = Buffer.alloc(64);
    data.writeUInt32LE(name, 0);
    data.writeUInt32LE(type, 4);
    data.writeBigUInt64LE(BigInt(offset), 0x18);
    data.writeBigUInt64LE(BigInt(size), 0x20);
    data.writeBigUInt64LE(1n, 0x30);
    return data;
  };
  return Buffer.concat([
    header,
    info,
    names,
    padding,
    Buffer.alloc(64),
    section(1, 1, 64, info.length),
    section(10, 3, 64 + info.length, names.length),
  ]);
}
