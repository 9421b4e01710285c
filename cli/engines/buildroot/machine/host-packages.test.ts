import { chmodSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { failuresOf, temporaryDirectory, treeOf, writeTree } from '../../../../test/support/files.ts';
import { BUILDROOT_TOOLS } from '../../../host/buildroot-tools.ts';
import { runCommand } from '../../../host/process.ts';
import type { Host } from '../../../host/this-host.ts';
import { machineHostPackages } from './host-packages.ts';

const LIBELF = 'usr/lib/x86_64-linux-gnu/pkgconfig/libelf.pc';

/** A machine with these programs, in a directory whose name neither a shell nor make may read. */
function machineWith(programs: readonly string[], more: Record<string, string> = {}): Host {
  const root = treeOf(more);
  const path = join(root, "it's #1 of $HOME");
  writeTree(path, Object.fromEntries(programs.map((name) => [name, '#!/bin/sh\n'])));
  for (const name of programs) chmodSync(join(path, name), 0o755);
  return { path: [path], root, arch: 'x86_64', isRoot: false };
}

/** What make does with a recipe of Buildroot's that follows upon the file. */
async function install(text: string, recipe: string): Promise<{ hostDirectory: string; stdout: string }> {
  const directory = temporaryDirectory();
  const hostDirectory = join(directory, 'host');
  writeFileSync(join(directory, 'machine.mk'), text);
  writeFileSync(join(directory, 'Makefile'), `HOST_DIR := host\ninclude machine.mk\n${recipe}`);
  const { stdout } = await runCommand({ argv: ['make', '-s'], cwd: directory, stdout: 'capture' });
  return { hostDirectory, stdout };
}

it('answers a package by links, against what its recipe says later', async () => {
  const host = machineWith(['m4']);
  const { text, answered } = machineHostPackages({
    host,
    emptyDirectory: '/empty',
    uses: ['host-m4', 'host-makedevs'],
  });
  const recipe = [
    'HOST_M4_DEPENDENCIES = host-other',
    'HOST_M4_DEPENDENCIES += host-more',
    'HOST_M4_POST_INSTALL_HOOKS += HOOK',
    'define HOST_M4_INSTALL_CMDS\n\tfalse\nendef',
    'all:\n\t$(HOST_M4_INSTALL_CMDS)',
    '\t@echo $(HOST_M4_DEPENDENCIES) from $(HOST_M4_OVERRIDE_SRCDIR) then $(HOST_M4_POST_INSTALL_HOOKS).',
    '',
  ].join('\n');
  const { hostDirectory, stdout } = await install(text, recipe);
  const program = join(host.path[0] ?? '', 'm4');
  expect(stdout).toBe('host-skeleton from /empty then .\n');
  expect(readlinkSync(join(hostDirectory, 'bin/m4'))).toBe(program);
  expect(readlinkSync(join(hostDirectory, 'sbin/m4'))).toBe(program);
  expect([...answered]).toEqual([['host-m4', [program]]]);
});

it('answers patchelf by a program that hands over to it', async () => {
  const host = machineWith(['patchelf']);
  const program = join(host.path[0] ?? '', 'patchelf');
  writeFileSync(program, '#!/bin/sh\necho "patchelf: $*"\n');
  const { text } = machineHostPackages({ host, emptyDirectory: '/empty', uses: ['host-patchelf'] });
  const recipe = 'all:\n\t$(HOST_PATCHELF_INSTALL_CMDS)\n\t@host/bin/patchelf --print-rpath x; host/sbin/patchelf y\n';
  expect((await install(text, recipe)).stdout).toBe('patchelf: --print-rpath x\npatchelf: y\n');
  expect(readFileSync(program, 'utf8')).toContain('echo');
});

it('gives pkg-config a library without what only a static link needs', async () => {
  const description = 'Name: libelf\nRequires.private: zlib liblzma\nLibs: -lelf\n';
  const host = machineWith([], { [LIBELF]: description });
  const { text } = machineHostPackages({ host, emptyDirectory: '/empty', uses: ['host-elfutils'] });
  // The library is the machine's own, wherever the test's is.
  const here = text.replaceAll('/usr/lib/', join(host.root, 'usr/lib/'));
  const { hostDirectory } = await install(here, 'all:\n\t$(HOST_ELFUTILS_INSTALL_CMDS)\n');
  expect(readFileSync(join(hostDirectory, 'lib/pkgconfig/libelf.pc'), 'utf8')).toBe('Name: libelf\nLibs: -lelf\n');
});

it('leaves the end of an installation to Buildroot where the recipe has more to do', () => {
  const { text } = machineHostPackages({ host: machineWith(['pkgconf', 'm4']), emptyDirectory: '/empty', uses: [] });
  expect(text).toContain('override HOST_M4_POST_INSTALL_HOOKS :=');
  expect(text).not.toContain('HOST_PKGCONF_POST_INSTALL_HOOKS');
});

it('names all that a build uses and the machine lacks at once, and is silent about the rest', async () => {
  const host = machineWith(['m4']);
  const uses = ['host-m4', 'host-fakeroot', 'host-e2fsprogs', 'host-busybox'];
  const [failure, ...more] = await failuresOf(() => machineHostPackages({ host, emptyDirectory: '/empty', uses }));
  expect(more).toEqual([]);
  expect(failure).toMatchObject({
    code: 'host-packages-missing',
    message: 'this machine cannot stand in for host-fakeroot, host-e2fsprogs',
  });
  expect(failure?.hint).toMatch(/^apt-get install e2fsprogs fakeroot /);
});

it('answers each package once, by something that can be looked for', () => {
  const names = BUILDROOT_TOOLS.map((tool) => tool.name);
  expect(new Set(names).size).toBe(names.length);
  for (const tool of BUILDROOT_TOOLS) {
    expect(
      [...(tool.programs ?? []), ...(tool.libraries ?? []), tool.directory?.with ?? []].flat(),
      tool.name,
    ).not.toEqual([]);
    expect(tool.packages, tool.name).not.toEqual([]);
  }
});
