/**
 * A small toolchain for Buildroot with the machine's own glibc: its compiler, with a sysroot in a directory of its own. C only,
 * for x86_64 on a Debian machine of that architecture. Rust's standard library for it is the one that every Rust on such a
 * machine has.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { knownVersions, nearestHeaders } from '../../cli/engines/buildroot/machine/known-versions.ts';

const GNU = 'x86_64-linux-gnu';
const LIBRARIES = `/usr/lib/${GNU}`;
/** What a program, static or not, is linked with; what it loads; what of the headers belongs to libc and the kernel. */
const LINKED = /^(?:[SgMr]?crt[1in]\.o|libc_nonshared\.a|lib(?:c|m|m-[\d.]+|mvec|dl|pthread|rt|util)\.a)$/;
const LOADED = /^(?:ld-linux-x86-64|lib(?:c|m|mvec|dl|pthread|rt|util|resolv|gcc_s))\.so\.\d+$/;
const HEADERS = ['linux', 'asm-generic', ...['asm', 'bits', 'gnu', 'sys'].map((name) => `${GNU}/${name}`)];
const BINUTILS = ['ar', 'as', 'ld', 'nm', 'objcopy', 'objdump', 'ranlib', 'readelf', 'size', 'strings', 'strip'];

/** Why it cannot be had here. */
export function lacksGlibcToolchain(): string | undefined {
  const needed = [`/usr/bin/${GNU}-gcc`, `${LIBRARIES}/libc.a`, '/usr/include/linux/version.h'];
  const missing = needed.filter((path) => !existsSync(path));
  return missing.length === 0 ? undefined : `this machine has no ${missing.join(', ')}`;
}

/** Makes it in `directory`, which is not there yet. @returns lines of a Buildroot fragment */
export async function glibcToolchain(directory: string, tree: string): Promise<readonly string[]> {
  const sysroot = join(directory, 'sysroot');
  for (const path of ['bin', 'sysroot/lib', 'sysroot/lib64', 'sysroot/usr/lib', 'sysroot/usr/include']) {
    mkdirSync(join(directory, path), { recursive: true });
  }
  for (const name of readdirSync('/usr/include').filter((one) => one.endsWith('.h'))) {
    copyFileSync(join('/usr/include', name), join(sysroot, 'usr/include', name));
  }
  for (const name of HEADERS) {
    cpSync(join('/usr/include', name), join(sysroot, 'usr/include', basename(name)), { recursive: true });
  }
  for (const name of readdirSync(LIBRARIES)) {
    if (LINKED.test(name)) copyFileSync(join(LIBRARIES, name), join(sysroot, 'usr/lib', name));
    if (LOADED.test(name)) copyFileSync(join(LIBRARIES, name), join(sysroot, 'lib', name));
  }
  const loader = 'ld-linux-x86-64.so.2';
  symlinkSync(`../lib/${loader}`, join(sysroot, 'lib64', loader));
  // Debian's own names libraries by absolute paths.
  const script = `GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( ${loader} ) )\n`;
  writeFileSync(join(sysroot, 'usr/lib/libc.so'), script);
  for (const program of ['gcc', 'cpp']) {
    const text = `#!/bin/sh\nexec /usr/bin/${GNU}-${program} --sysroot=${sysroot} -B${sysroot}/usr/lib "$@"\n`;
    writeFileSync(join(directory, 'bin', `${GNU}-${program}`), text, { mode: 0o755 });
  }
  for (const name of [...BINUTILS, 'gcc-ar', 'gcc-nm', 'gcc-ranlib']) {
    symlinkSync(`/usr/bin/${GNU}-${name}`, join(directory, 'bin', `${GNU}-${name}`));
  }
  const gcc = execFileSync(`/usr/bin/${GNU}-gcc`, ['-dumpversion'], { encoding: 'utf8' }).split('.')[0]?.trim();
  return [
    'BR2_TOOLCHAIN_EXTERNAL=y',
    'BR2_TOOLCHAIN_EXTERNAL_CUSTOM=y',
    'BR2_TOOLCHAIN_EXTERNAL_PREINSTALLED=y',
    `BR2_TOOLCHAIN_EXTERNAL_PATH="${directory}"`,
    `BR2_TOOLCHAIN_EXTERNAL_CUSTOM_PREFIX="${GNU}"`,
    `BR2_TOOLCHAIN_EXTERNAL_GCC_${gcc}=y`,
    `BR2_TOOLCHAIN_EXTERNAL_HEADERS_${(await headers(tree)).join('_')}=y`,
    'BR2_TOOLCHAIN_EXTERNAL_CUSTOM_GLIBC=y',
    'BR2_TOOLCHAIN_EXTERNAL_OPENMP=y',
    '# BR2_TOOLCHAIN_EXTERNAL_CXX is not set',
    '# BR2_TOOLCHAIN_EXTERNAL_INET_RPC is not set',
  ];
}

async function headers(tree: string): Promise<readonly number[]> {
  const code = Number(/LINUX_VERSION_CODE (\d+)/.exec(readFileSync('/usr/include/linux/version.h', 'utf8'))?.[1]);
  const own = [code >> 16, (code >> 8) & 0xff] as const;
  return nearestHeaders(await knownVersions(tree), own) ?? own;
}
