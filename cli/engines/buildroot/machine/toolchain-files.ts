/**
 * The files of a toolchain directory that takes the machine's gcc and binutils to musl: wrappers for the compilers, links
 * to the other programs, and gcc's specs (gcc manual, “Spec Files”). Buildroot calls the compilers with `--sysroot` of its
 * staging directory, so the specs name headers and start files below `%R`, the sysroot in force.
 */
import { join } from 'node:path';
import type { Architecture } from '../../../layers/layer.ts';

/** Debian's name of the C library's directories, and the prefix of the programs. */
export function muslTriplet(arch: Architecture): string {
  return { x86_64: 'x86_64-linux-musl', arm64: 'aarch64-linux-musl' }[arch];
}

/** As the programs on the device ask for it. */
export function muslLoader(arch: Architecture): string {
  return { x86_64: 'ld-musl-x86_64.so.1', arm64: 'ld-musl-aarch64.so.1' }[arch];
}

/** The parts of binutils that Buildroot and its packages call. */
export const BINUTILS: readonly string[] = [
  ...['addr2line', 'ar', 'as', 'c++filt', 'elfedit', 'gprof', 'ld', 'ld.bfd', 'nm', 'objcopy', 'objdump', 'ranlib'],
  ...['readelf', 'size', 'strings', 'strip'],
];

/** Programs of gcc that are no compilers: they find the linker plugin by their own place, so a link does. */
export const GCC_TOOLS: readonly string[] = ['gcc-ar', 'gcc-nm', 'gcc-ranlib', 'gcov'];

/** What of gcc's own libraries does not hang on the C library that it was built with. */
export const GCC_LIBRARIES: readonly string[] = ['libgcc.a', 'libgcc_eh.a', 'libatomic.a'];

/**
 * With `-mmusl` gcc asks for musl's loader; the rest keeps it from the headers, start files and shared libraries of the C
 * library that it was built for. Start files are chosen as gcc's own specs do.
 */
export const SPECS = `%rename cpp_options machine_cpp_options
%rename cc1 machine_cc1

*cpp_options:
%{!nostdinc:-nostdinc -isystem %R/usr/include -isystem include%s} %(machine_cpp_options)

*cc1:
%(machine_cc1) %{!nostdinc:-nostdinc -isystem %R/usr/include -isystem include%s}

*self_spec:
-mmusl

*link_libgcc:
-L%R/lib -L%R/usr/lib

*libgcc:
-lgcc -lgcc_eh

*startfile:
%{shared:;static-pie:%R/usr/lib/rcrt1.o;static|no-pie:%R/usr/lib/crt1.o;:%R/usr/lib/Scrt1.o} %R/usr/lib/crti.o %{static:crtbeginT.o%s;shared|static-pie|!no-pie:crtbeginS.o%s;:crtbegin.o%s}

*endfile:
%{static:crtend.o%s;shared|static-pie|!no-pie:crtendS.o%s;:crtend.o%s} %R/usr/lib/crtn.o

`;

/**
 * A compiler as Buildroot calls it. `-B` lets it answer where its libc.a is, by which Buildroot finds the sysroot. Asked
 * for how it was configured, it keeps Debian's `--with-sysroot=/` to itself: Buildroot refuses compilers that look for
 * headers and libraries in the machine's root, and this one is never without another sysroot.
 */
export function wrapper(compiler: string, directory: string): string {
  const sysroot = join(directory, 'sysroot');
  const options = [
    `-specs=${join(directory, 'lib/musl.specs')}`,
    `--sysroot=${sysroot}`,
    `-B${join(sysroot, 'usr/lib')}`,
    `-L${join(directory, 'lib/gcc')}`,
  ];
  return [
    '#!/bin/sh',
    `set -- ${options.map(quoted).join(' ')} "$@"`,
    `[ $# -eq ${options.length + 1} ] && [ "$${options.length + 1}" = -v ] || exec ${quoted(compiler)} "$@"`,
    `${quoted(compiler)} "$@" 2>&1 | sed 's| --with-sysroot=/ | |' >&2`,
    '',
  ].join('\n');
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
