/**
 * Whole builds of a tiny root by a real Buildroot tree: that every piece of a layer arrives where it belongs, and that what is
 * built again after a change gives the same root as a build from nothing.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ContentReader, contentSize } from '../../cli/rootfs/content.ts';
import type { RootTree } from '../../cli/rootfs/tree.ts';
import type { Event } from '../../cli/ui/events.ts';
import {
  BUILDROOT,
  type BuildrootProject,
  buildrootProject,
  describeWithBuildroot,
  TINY,
  wasBuilt,
} from '../support/buildroot.ts';
import { startCoracle } from '../support/coracle.ts';
import { failureOf, failuresOf, type Tree } from '../support/files.ts';
import { CACHE } from '../support/small-project.ts';

const MINUTES = 60_000;

/** A package with a source archive of its own, beside the project: `hello` says what it was compiled with. */
const HELLO: Tree = {
  'layers/my/hello/layer.yaml': 'description: A program from an archive\n',
  'layers/my/hello/buildroot/hello': 'BR2_PACKAGE_HELLO=y\n',
  'layers/my/hello/buildroot_ext/external.desc': 'name: MY_HELLO\n',
  'layers/my/hello/buildroot_ext/external.mk':
    'include $(sort $(wildcard $(BR2_EXTERNAL_MY_HELLO_PATH)/package/*/*.mk))\n',
  'layers/my/hello/buildroot_ext/Config.in': 'source "$BR2_EXTERNAL_MY_HELLO_PATH/package/hello/Config.in"\n',
  'layers/my/hello/buildroot_ext/package/hello/Config.in': [
    'config BR2_PACKAGE_HELLO',
    '\tbool "hello"',
    '',
    'config BR2_PACKAGE_HELLO_MANUAL',
    '\tbool "a file that comes and goes"',
    '\tdepends on BR2_PACKAGE_HELLO',
    '',
  ].join('\n'),
  'layers/my/hello/buildroot_ext/package/hello/hello.mk': [
    'HELLO_VERSION = 1',
    'HELLO_SITE = file://$(BR2_EXTERNAL_MY_HELLO_PATH)/../resources',
    'HELLO_SOURCE = hello-1.tar.gz',
    'HELLO_LICENSE = MIT',
    '',
    'define HELLO_BUILD_CMDS',
    '\t$(TARGET_CC) $(TARGET_CFLAGS) -static $(@D)/hello.c -o $(@D)/hello',
    'endef',
    '',
    'define HELLO_INSTALL_TARGET_CMDS',
    '\t$(INSTALL) -D -m 0755 $(@D)/hello $(TARGET_DIR)/usr/bin/hello',
    '\t$(if $(BR2_PACKAGE_HELLO_MANUAL),$(INSTALL) -D -m 0644 $(@D)/hello.c $(TARGET_DIR)/usr/share/hello/manual)',
    'endef',
    '',
    '$(eval $(generic-package))',
    '',
  ].join('\n'),
};

const SOURCE = [
  '#include <stdio.h>',
  '#ifndef COLOUR',
  '#define COLOUR 0',
  '#endif',
  '#define TEXT(x) #x',
  '#define STRING(x) TEXT(x)',
  'int main(void) { puts("hello, unpatched, colour " STRING(COLOUR)); return 0; }',
  '',
].join('\n');

const PATCH = (greeting: string): string =>
  [
    '--- a/hello.c',
    '+++ b/hello.c',
    '@@ -4,4 +4,4 @@',
    ' #endif',
    ' #define TEXT(x) #x',
    ' #define STRING(x) TEXT(x)',
    '-int main(void) { puts("hello, unpatched, colour " STRING(COLOUR)); return 0; }',
    `+int main(void) { puts("hello, ${greeting}, colour " STRING(COLOUR)); return 0; }`,
    '',
  ].join('\n');

/** In the tree. */
const OWN_FRAGMENT = 'board/qemu/x86_64/linux.config';

const ALL: Tree = {
  'layers/my/all/layer.yaml': 'description: A bit of everything\n',
  'layers/my/all/buildroot/all': 'BR2_ROOTFS_OVERLAY="{own}"\n',
  'layers/my/all/buildroot_patches/hello/0001-greet.patch': PATCH('patched'),
  'layers/my/all/cflags/colour': '# seen by the program\n-DCOLOUR=7\n',
  'layers/my/all/root_overlay/etc/of a layer.hbs': '{{workspace}}\n',
  'layers/my/all/root_overlay/etc/goes': 'still here\n',
  'layers/my/all/users/web': 'web 900 web 901 * /srv/web - - Web\n',
  'layers/my/all/hooks/post-build': { program: '#!/bin/sh\nset -e\necho "$CORACLE_LAYER" >"$1/etc/post-build"\n' },
  'layers/my/all/hooks/post-fakeroot': {
    program: '#!/bin/sh\nset -e\nid -u >"$TARGET_DIR/etc/post-fakeroot"\nchown 7:8 "$1/etc/post-fakeroot"\n',
  },
  'layers/my/all/hooks/post-image': { program: '#!/bin/sh\nset -e\nls "$BINARIES_DIR" >"$1/post-image"\n' },
  'own/etc/of-a-fragment': 'fragment\n',
};

function helloProject(more: Tree = {}): BuildrootProject {
  const project = buildrootProject(['test/tiny', 'my/hello', 'my/all'], { ...TINY, ...HELLO, ...ALL, ...more });
  const archive = join(project.directory, 'layers/my/hello/resources');
  mkdirSync(join(archive, 'hello-1'), { recursive: true });
  writeFileSync(join(archive, 'hello-1/hello.c'), SOURCE);
  execFileSync('tar', ['-C', archive, '-czf', join(archive, 'hello-1.tar.gz'), 'hello-1']);
  rmSync(join(archive, 'hello-1'), { recursive: true });
  const fragment = join(project.directory, 'layers/my/all/buildroot/all');
  writeFileSync(fragment, readFileSync(fragment, 'utf8').replace('{own}', join(project.directory, 'own')));
  return project;
}

/** Builds what changed, and the same layers in another place from nothing. */
async function expectAsFromNothing(project: BuildrootProject): Promise<void> {
  await project.build();
  const clean = helloProject();
  rmSync(join(clean.directory, 'layers'), { recursive: true });
  execFileSync('cp', ['-a', join(project.directory, 'layers'), clean.directory]);
  const fragment = join(clean.directory, 'layers/my/all/buildroot/all');
  writeFileSync(fragment, readFileSync(fragment, 'utf8').replaceAll(project.directory, clean.directory));
  await clean.build();
  expect(listing(await project.root())).toEqual(listing(await clean.root()));
  expect(wasBuilt(await project.build()), 'nothing changed').toBe(false);
}

function contentOf(root: RootTree, path: string): string {
  using reader = new ContentReader();
  const file = root.file(path);
  return file === undefined ? '' : reader.read(file.content, 0, contentSize(file.content)).toString('latin1');
}

/** Path → all that an image would have of it. */
function listing(root: RootTree): Record<string, string> {
  using reader = new ContentReader();
  return Object.fromEntries(
    root.entries().map((entry) => {
      const what = [entry.type, entry.mode.toString(8), entry.uid, entry.gid];
      if (entry.type === 'symlink' || entry.type === 'hardlink') what.push(entry.target);
      if (entry.type === 'file') {
        const bytes = reader.read(entry.content, 0, contentSize(entry.content));
        what.push(createHash('sha256').update(bytes).digest('hex'));
      }
      return [entry.path, what.join(' ')];
    }),
  );
}

describeWithBuildroot('a tiny root', () => {
  test('has everything that layers can hold', { timeout: 10 * MINUTES }, async () => {
    const project = helloProject();
    await project.build();
    const root = await project.root();
    expect(contentOf(root, '/usr/bin/hello')).toContain('hello, patched, colour 7');
    expect(contentOf(root, '/sbin/init')).toContain('tiny-init');
    expect(contentOf(root, '/etc/of a layer')).toBe('w\n');
    expect(contentOf(root, '/etc/of-a-fragment')).toBe('fragment\n');
    expect(contentOf(root, '/etc/passwd')).toContain('web:x:900:901:Web:/srv/web:/bin/false');
    expect(root.get('/srv/web')).toMatchObject({ type: 'directory', uid: 900, gid: 901 });
    expect(contentOf(root, '/etc/post-build')).toBe('my/all\n');
    expect(contentOf(root, '/etc/post-fakeroot')).toBe('0\n');
    expect(root.get('/etc/post-fakeroot')).toMatchObject({ uid: 7, gid: 8 });
    const images = join(project.directory, 'workspaces/w/stages/buildroot/images');
    expect(readFileSync(join(images, 'post-image'), 'utf8')).toContain('rootfs.tar');
    expect(readdirSync(images)).not.toContain('rootfs.tar');
  });

  test('kernel, U-Boot and BusyBox fragments and patches are named to Buildroot', {
    timeout: 5 * MINUTES,
  }, async () => {
    const project = buildrootProject(['my/board'], {
      'layers/my/board/layer.yaml': 'description: A board\nprovides: [base]\n',
      'layers/my/board/buildroot/board': [
        'BR2_LINUX_KERNEL=y',
        'BR2_LINUX_KERNEL_USE_ARCH_DEFAULT_CONFIG=y',
        `BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES="${OWN_FRAGMENT}"`,
        'BR2_TARGET_UBOOT=y',
        'BR2_TARGET_UBOOT_BUILD_SYSTEM_KCONFIG=y',
        'BR2_TARGET_UBOOT_BOARD_DEFCONFIG="qemu-x86_64"',
        '',
      ].join('\n'),
      'layers/my/board/kernel/a': 'CONFIG_EXT4_FS=y\n',
      'layers/my/board/uboot/a': 'CONFIG_CMD_EXT4=y\n',
      'layers/my/board/busybox/a': 'CONFIG_TELNETD=y\n',
      'layers/my/board/kernel_patches/0001-a.patch': 'x\n',
      'layers/my/board/uboot_patches/0001-b.patch': 'x\n',
    });
    await project.build({ upTo: 'buildroot-config' });
    const at = join(project.directory, 'workspaces/w/buildroot/layers');
    const lines = (await project.finalConfig()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        `BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES="${OWN_FRAGMENT} ${at}/kernel.config"`,
        `BR2_TARGET_UBOOT_CONFIG_FRAGMENT_FILES="${at}/uboot.config"`,
        `BR2_PACKAGE_BUSYBOX_CONFIG_FRAGMENT_FILES="${at}/busybox.config"`,
        `BR2_LINUX_KERNEL_PATCH="${at}/patches/kernel/0-my-board"`,
        `BR2_TARGET_UBOOT_PATCH="${at}/patches/uboot/0-my-board"`,
      ]),
    );
  });

  test('after each change, the same as from nothing', { timeout: 30 * MINUTES }, async () => {
    const project = helloProject();
    await project.build();
    expect(wasBuilt(await project.build()), 'nothing changed').toBe(false);
    const change = async (files: Tree, ...work: readonly (string | RegExp)[]): Promise<void> => {
      project.write(files);
      const lines = await project.forecast();
      for (const [index, one] of work.entries()) expect(lines[index]).toMatch(one);
      expect(lines).toHaveLength(work.length);
      await expectAsFromNothing(project);
    };
    await change(
      { 'layers/my/hello/buildroot/manual': 'BR2_PACKAGE_HELLO_MANUAL=y\n' },
      /^hello is built from scratch: BR2_PACKAGE_HELLO_MANUAL changed/,
    );
    // What the package does not install any more is gone.
    await change(
      { 'layers/my/hello/buildroot/manual': '# BR2_PACKAGE_HELLO_MANUAL is not set\n' },
      /^hello is built from scratch: BR2_PACKAGE_HELLO_MANUAL changed/,
    );
    await change(
      { 'layers/my/all/buildroot_patches/hello/0001-greet.patch': PATCH('patched again') },
      /^hello is built from scratch: its patches changed/,
    );
    rmSync(join(project.directory, 'layers/my/all/root_overlay/etc/goes'));
    await change(
      { 'layers/my/all/root_overlay/etc/comes': 'now\n', 'layers/my/all/users/db': 'db 902 db 902 * - - - DB\n' },
      /^the end of the build is done again: the users changed; overlays changed: \/etc\/comes, \/etc\/goes/,
    );
    await change(
      { 'layers/my/all/hooks/post-build': { program: '#!/bin/sh\necho changed >"$1/etc/other-name"\n' } },
      /^the target directory is made anew, without compiling: the post-build hooks changed/,
    );
    project.write({ 'layers/my/all/cflags/colour': '-DCOLOUR=8\n' });
    const lines = await project.forecast();
    for (const name of ['hello', 'tiny-init', 'toolchain-external-custom']) {
      expect(lines).toContainEqual(
        expect.stringMatching(`^${name} is built from scratch: BR2_TARGET_OPTIMIZATION changed`),
      );
    }
    expect(lines.filter((line) => !line.includes('is built from scratch'))).toEqual([]);
    await expectAsFromNothing(project);
  });

  test('a build that is stopped leaves no process, and goes on', { timeout: 10 * MINUTES }, async () => {
    const hanging = 'BR2_PACKAGE_MISBEHAVE=y\nBR2_PACKAGE_MISBEHAVE_HANG=y\n';
    const project = buildrootProject(['test/tiny', 'my/hang'], {
      ...TINY,
      'layers/my/hang/layer.yaml': 'description: Hangs\n',
      'layers/my/hang/buildroot/hang': hanging,
    });
    const stopper = new AbortController();
    const isHanging = (): boolean => {
      const log = join(project.output, 'build/build-time.log');
      return existsSync(log) && /start:build\s*: misbehave/.test(readFileSync(log, 'utf8'));
    };
    const watch = setInterval(() => {
      if (isHanging()) stopper.abort();
    }, 200);
    const stopped = await failureOf(project.build({ signal: stopper.signal })).finally(() => clearInterval(watch));
    expect(stopped.parts.code).toBe('stopped');
    expect(processesIn(project.output)).toEqual([]);
    project.write({ 'layers/my/hang/buildroot/hang': 'BR2_PACKAGE_MISBEHAVE=y\n' });
    const before = readFileSync(join(project.output, 'build/build-time.log'), 'utf8').length;
    await project.build();
    const after = readFileSync(join(project.output, 'build/build-time.log'), 'utf8').slice(before);
    expect(after).not.toMatch(/: (?:skeleton|toolchain-external-custom)\n/);
    expect(after).toContain(': misbehave\n');
  });

  test('a patch that does not apply is told with its layer, each time, and the build goes on without it', {
    timeout: 10 * MINUTES,
  }, async () => {
    const patch = 'layers/my/all/buildroot_patches/hello/0002-never.patch';
    const project = helloProject({ [patch]: PATCH('never') });
    for (const time of ['at first', 'again']) {
      const { parts } = await failureOf(project.build());
      expect(parts, time).toMatchObject({
        code: 'patch-failed',
        message: 'the patch hello/0002-never.patch does not apply to hello 1',
        place: { file: join(project.directory, patch) },
        layer: 'my/all',
        cause: expect.stringMatching(/hello\.c|hunk/i),
      });
    }
    rmSync(join(project.directory, patch));
    await project.build();
    expect(contentOf(await project.root(), '/usr/bin/hello')).toContain('hello, patched');
  });

  test.each(['post-build', 'post-fakeroot', 'post-image'])(
    'a %s hook that fails says its exit code',
    {
      timeout: 10 * MINUTES,
    },
    async (name) => {
      const hook = `layers/test/tiny/hooks/${name}`;
      const project = buildrootProject(['test/tiny'], {
        ...TINY,
        [hook]: { program: '#!/bin/sh\necho oh no\nexit 3\n' },
      });
      const { parts } = await failureOf(project.build());
      expect(parts).toMatchObject({
        code: 'hook-failed',
        message: `hook ${name} of test/tiny ended with exit code 3`,
        place: { file: join(project.directory, hook) },
        cause: expect.stringContaining('oh no'),
      });
    },
  );

  test('what layers name and is not there, and their users tables, are refused before anything is built', {
    timeout: 5 * MINUTES,
  }, async () => {
    const fragment = 'layers/my/wrong/buildroot/wrong';
    const project = buildrootProject(['test/tiny', 'my/wrong'], {
      ...TINY,
      'layers/my/wrong/layer.yaml': 'description: Names what is not there\n',
      [fragment]: [
        'BR2_ROOTFS_OVERLAY="$(BR2_EXTERNAL_CORACLE_TEST_PATH)/nope"',
        'BR2_ROOTFS_DEVICE_TABLE="system/device_table.txt"',
        '',
      ].join('\n'),
      'layers/my/wrong/users/wrong': 'only three fields\n',
      'layers/my/wrong/buildroot_patches/tiny-init/fix.diff': '',
    });
    const events: Event[] = [];
    const configure = () => project.build({ upTo: 'buildroot-config', onEvent: (event) => events.push(event) });
    const found = await failuresOf(configure);
    expect(found.map(({ code, place }) => [code, place?.file, place?.line])).toEqual([
      ['named-path-missing', join(project.directory, fragment), 1],
      ['bad-users-table', join(project.directory, 'layers/my/wrong/users/wrong'), 1],
    ]);
    const warnings = events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
    expect(warnings).toContainEqual(expect.stringContaining('buildroot_patches/tiny-init/fix.diff is not applied'));
    const own = join(project.directory, 'own');
    project.write({ 'layers/my/wrong/users/wrong': '', 'own/etc/': '', [fragment]: `BR2_ROOTFS_OVERLAY="${own}"\n` });
    await configure();
    // What goes away later is noticed.
    rmSync(own, { recursive: true });
    expect((await failureOf(configure())).parts).toMatchObject({ code: 'named-path-missing', layer: 'my/wrong' });
  });

  test('of a build that is killed, the package that it was at begins anew', { timeout: 10 * MINUTES }, async () => {
    const project = buildrootProject(['test/tiny', 'my/hang'], {
      ...TINY,
      'layers/my/hang/layer.yaml': 'description: Hangs\n',
      'layers/my/hang/buildroot/hang': 'BR2_PACKAGE_MISBEHAVE=y\nBR2_PACKAGE_MISBEHAVE_HANG=y\n',
    });
    const log = join(project.output, 'build/build-time.log');
    const begun = (step: string): number => {
      const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
      return text.split('\n').filter((line) => line.endsWith(': misbehave') && line.includes(`:start:${step} `)).length;
    };
    // Of the user's home is the Rust that compiles Coracle's own programs beside it.
    const variables = { ...CACHE, CORACLE_BUILDROOT: BUILDROOT ?? '', HOME: process.env['HOME'] ?? '/' };
    const disturb = async (times: number, signal: NodeJS.Signals): Promise<void> => {
      const run = startCoracle(project.directory, ['build', 'w'], variables);
      let isOver = false;
      void run.ended.then(() => {
        isOver = true;
      });
      await expect.poll(() => isOver || begun('build') === times, { timeout: 5 * MINUTES }).toBe(true);
      expect(isOver, run.stderr()).toBe(false);
      run.child.kill(signal);
      await run.ended;
      await expect.poll(() => processesIn(project.output), { timeout: 10_000 }).toEqual([]);
    };
    await disturb(1, 'SIGKILL');
    await disturb(2, 'SIGINT');
    expect(begun('configure')).toBe(2);
    await disturb(3, 'SIGKILL');
    expect(begun('configure'), 'after a build that was stopped').toBe(2);
  });

  test('a package that does not compile is told with its layer', { timeout: 10 * MINUTES }, async () => {
    const project = buildrootProject(['test/tiny', 'my/broken'], {
      ...TINY,
      'layers/my/broken/layer.yaml': 'description: Broken\n',
      'layers/my/broken/buildroot/broken': 'BR2_PACKAGE_MISBEHAVE=y\nBR2_PACKAGE_MISBEHAVE_COMPILE_ERROR=y\n',
    });
    const { parts } = await failureOf(project.build());
    expect(parts).toMatchObject({
      code: 'package-failed',
      layer: 'my/broken',
      place: { file: join(project.directory, 'layers/my/broken/buildroot/broken'), line: 1 },
      retry: 'coracle build w',
    });
    expect(parts.message).toMatch(/^misbehave \S+ failed in the step build$/);
    expect(parts.cause).toMatch(/error:/);
    expect(readFileSync(parts.log ?? '', 'utf8')).toContain('misbehave');
  });
});

/** Processes that work in the directory. */
function processesIn(directory: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(directory) ? [line] : [];
    } catch {
      return [];
    }
  });
}
