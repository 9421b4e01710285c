import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { packFakeKernel } from '../../../../../test/support/fake-kernel.ts';
import { type FakeLayer, fakeWorkspace } from '../../../../../test/support/fake-workspace.ts';
import { failuresOf, temporaryDirectory, treeOf, writeTree } from '../../../../../test/support/files.ts';
import { JobBudget } from '../../../../host/job-budget.ts';
import { runCommand } from '../../../../host/process.ts';
import { findProgram, thisHost } from '../../../../host/this-host.ts';
import { FileHashes } from '../../../../stages/file-hashes.ts';
import { runStages } from '../../../../stages/run-stages.ts';
import type { Stage } from '../../../../stages/stage.ts';
import type { Event } from '../../../../ui/events.ts';
import { planKernel } from '../plan.ts';

/** A kernel whose make does what the real one's does, but in an instant; its Kconfig drops SOUND unless NOISE is on. */
const SOURCE = {
  'linux/Makefile': `
tinyconfig:
	printf 'CONFIG_TINY=y\\nCONFIG_MODULES=y\\n# CONFIG_EXT4_FS is not set\\n' > .config
olddefconfig:
	grep -q NOISE=y .config || sed -i /SOUND/d .config
bzImage: image.c
	@echo "  CC      image.o"
	@! grep -n 'error:' image.c
	mkdir -p arch/x86/boot arch/arm64/boot
	cat image.c .config > arch/x86/boot/bzImage
modules:
	touch modules.order
modules_install:
	mkdir -p $(INSTALL_MOD_PATH)/lib/modules/9.9$(LOCALVERSION)/kernel
	touch $(INSTALL_MOD_PATH)/lib/modules/9.9$(LOCALVERSION)/modules.order
	ln -s $(PWD) $(INSTALL_MOD_PATH)/lib/modules/9.9$(LOCALVERSION)/build
kernelrelease:
	@echo 9.9$(LOCALVERSION)
`,
  'linux/image.c': 'an image\n',
  'linux/Kconfig': 'config NOISE\n\tbool\nconfig SOUND\n\tbool "sound"\n\tdepends on NOISE\n',
  'linux/sound/Makefile': 'obj-$(CONFIG_SOUND) += snd.o\n',
};

const GOOD_PATCH = '--- a/image.c\n+++ b/image.c\n@@ -1 +1 @@\n-an image\n+a patched image\n';

async function packSource(): Promise<string> {
  const directory = treeOf(SOURCE);
  mkdirSync(join(directory, 'root/usr/src'), { recursive: true });
  const inner = join(directory, 'root/usr/src/linux-source-9.9.tar.xz');
  await runCommand({ argv: ['tar', '-cJf', inner, 'linux'], cwd: directory });
  const tar = join(directory, 'source.tar');
  await runCommand({ argv: ['tar', '-C', 'root', '-cf', tar, '.'], cwd: directory });
  return tar;
}

/** Without a blank in its name: the real kernel's make would not work in such a directory either. */
function plainDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-source-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Built {
  readonly image: string;
  readonly compiled: boolean;
}

async function build(layers: readonly FakeLayer[], directory = plainDirectory(), name = 'ws'): Promise<Built> {
  const source = await packSource();
  const image = await packFakeKernel({ config: ['CONFIG_FROM_PACKAGE=y', 'CONFIG_DEBUG_INFO_BTF=y'] });
  const packages: Stage = {
    name: 'packages',
    title: 'fetch',
    needs: [],
    inputs: async () => [],
    run: async () => ({}),
  };
  const plan = planKernel({
    config: fakeWorkspace(layers, { kernel: 'source' }),
    environment: {
      installation: join(import.meta.dirname, '../../../../..'),
      project: directory,
      cache: join(directory, 'cache'),
      offline: true,
      hashes: new FileHashes(join(directory, 'hashes.json')),
    },
    packages,
    unpacked: async (kind) =>
      kind === 'source'
        ? { name: 'linux-source-9.9', version: '9.9-1', tar: source, key: 'source' }
        : { name: 'linux-image-fake', version: '9.9-1', tar: image, key: 'image' },
  });
  const events: Event[] = [];
  const stages = await runStages([packages, ...plan.stages], {
    workspace: join(directory, name),
    name,
    report: (event) => events.push(event),
    signal: new AbortController().signal,
    jobs: new JobBudget(4),
  });
  return {
    image: readFileSync(join(stages.get(plan.image.stage.name) ?? '', plan.image.path), 'utf8'),
    compiled: events.some((event) => event.kind === 'step-progress' && event.text === 'unpacking the source'),
  };
}

function needsCompiler(context: TestContext): void {
  const missing = ['gcc', 'make', 'patch', 'xz'].filter((name) => findProgram(thisHost(), name) === undefined);
  if (missing.length > 0) context.skip(`this machine has no ${missing.join(' and ')}`);
  if (thisHost().arch !== 'x86_64') context.skip('the made-up kernel is for x86_64');
}

const TINY = { debian: { kernelBase: 'tinyconfig' } } as const;

test('fragments go on top of the base that the last layer names', async (context) => {
  needsCompiler(context);
  const tiny = await build([TINY, { kernel: 'CONFIG_EXT4_FS=y\nCONFIG_NOISE=y\nCONFIG_SOUND=y\n' }]);
  expect(tiny.image).toBe(
    'an image\nCONFIG_TINY=y\nCONFIG_MODULES=y\nCONFIG_EXT4_FS=y\nCONFIG_NOISE=y\nCONFIG_SOUND=y\n',
  );
  const packaged = await build([TINY, { debian: { kernelBase: 'package' } }]);
  expect(packaged.image).toContain('CONFIG_FROM_PACKAGE=y\n# CONFIG_DEBUG_INFO_BTF is not set\n');
});

test('a symbol that Kconfig drops fails before anything is compiled, with what it depends on', async (context) => {
  needsCompiler(context);
  const directory = plainDirectory();
  const [failure] = await failuresOf(() => build([TINY, { name: 'a/b', kernel: 'CONFIG_SOUND=y\n' }], directory));
  expect(failure).toMatchObject({
    code: 'kernel-symbol',
    layer: 'a/b',
    cause: 'Kconfig decided otherwise: CONFIG_SOUND depends on CONFIG_NOISE (Kconfig:3); CONFIG_NOISE is not set',
  });
  expect(readFileSync(join(directory, 'ws/logs/kernel-build.log'), 'utf8')).not.toContain('image.o');
});

test('a module that must be loaded fails before anything is compiled, with its symbol', async (context) => {
  needsCompiler(context);
  const [failure] = await failuresOf(() => build([TINY, { initramfsModules: ['snd'] }]));
  expect(failure).toMatchObject({ code: 'unknown-module', hint: expect.stringContaining('CONFIG_SOUND makes it') });
});

test('workspaces share a kernel; another fragment makes another; a cache that was emptied does not hurt', async (context) => {
  needsCompiler(context);
  const directory = plainDirectory();
  const layers = [TINY, { kernel: 'CONFIG_NOISE=y\n' }];
  expect(await build(layers, directory, 'one')).toMatchObject({ compiled: true });
  expect(await build(layers, directory, 'two')).toMatchObject({ compiled: false });
  expect(await build([TINY], directory, 'two')).toMatchObject({ compiled: true });
  await runCommand({ argv: ['rm', '-r', join(directory, 'cache/kernels')], cwd: directory });
  expect(await build(layers, directory, 'one')).toMatchObject({ compiled: false });
});

test('patches of layers are applied; one that does not fit is named', async (context) => {
  needsCompiler(context);
  const patches = writeTree(temporaryDirectory(), {
    'good.patch': GOOD_PATCH,
    'bad.patch': GOOD_PATCH.replace('an i', 'no i'),
  });
  const good = [TINY, { kernelPatches: [join(patches, 'good.patch')] }];
  expect((await build(good)).image).toContain('a patched image');
  const bad = join(patches, 'bad.patch');
  const [failure] = await failuresOf(() => build([...good, { name: 'c/d', kernelPatches: [bad] }]));
  expect(failure).toMatchObject({ code: 'patch-failed', layer: 'c/d', place: { file: bad } });
});

test('a kernel that does not compile fails with the first telling lines, and nothing is kept', async (context) => {
  needsCompiler(context);
  const directory = plainDirectory();
  const text = GOOD_PATCH.replace('a patched image', 'image.c:1: error: no such thing');
  const patch = join(writeTree(temporaryDirectory(), { 'broken.patch': text }), 'broken.patch');
  const [failure] = await failuresOf(() => build([TINY, { kernelPatches: [patch] }], directory));
  expect(failure).toMatchObject({
    code: 'kernel-build-failed',
    cause: expect.stringContaining('error: no such thing'),
  });
  expect(failure?.log).toContain('kernel-build.log');
  expect(existsSync(join(directory, 'ws/stages/kernel-build'))).toBe(false);
});

test('a directory that make cannot work in is named before anything is unpacked', async (context) => {
  needsCompiler(context);
  const [failure] = await failuresOf(() => build([TINY], temporaryDirectory()));
  expect(failure?.code).toBe('path-not-for-make');
});
