import { expect, test } from 'vitest';
import { type FakeLayer, fakeWorkspace } from '../../../../test/support/fake-workspace.ts';
import { parseDotConfig } from '../../../kconfig/dotconfig.ts';
import { checkSymbols } from './check-symbols.ts';
import type { KernelTree } from './kernel-tree.ts';

const CONFIG = `
CONFIG_EXT4_FS=y
CONFIG_OVERLAY_FS=m
CONFIG_VIRTIO_FS=m
CONFIG_ODD=m
CONFIG_HZ=250
CONFIG_PHYSICAL_START=0x1000000
CONFIG_LSM="lockdown,yama"
# CONFIG_KEXEC is not set
`;

const content = { kind: 'bytes', data: new Uint8Array() } as const;
const module = (name: string) => [name, { name, path: `fs/${name}`, suffix: '.ko', content }] as const;
const tree: KernelTree = {
  origin: 'linux-image-fake',
  release: '6.1',
  image: content,
  config: parseDotConfig(CONFIG, { layer: 'fake', file: '/boot/config' }),
  modules: new Map([module('overlay'), module('virtiofs')]),
  builtIn: new Map(),
  builtInAliases: new Set(),
  moduleLists: new Map(),
};
const symbolModules = new Map([
  ['CONFIG_OVERLAY_FS', ['overlay']],
  ['CONFIG_VIRTIO_FS', ['virtiofs']],
]);

const check = (layer: FakeLayer, early: readonly string[] = []) =>
  checkSymbols(fakeWorkspace([layer]), { tree, symbolModules, early: new Set(early) });

test.each([
  ['the same', 'CONFIG_EXT4_FS=y'],
  ['the same text', 'CONFIG_LSM="lockdown,yama"'],
  ['the same number', 'CONFIG_PHYSICAL_START=0x01000000'],
  ['a quoted number', 'CONFIG_HZ="250"'],
  ['built in for a module', 'CONFIG_EXT4_FS=m'],
  ['off, and off', 'CONFIG_KEXEC=n'],
  ['off, and unknown', '# CONFIG_NEVER_HEARD_OF is not set'],
  ['off, and a module that nobody wants', '# CONFIG_OVERLAY_FS is not set'],
  ['an empty text, and unknown', 'CONFIG_CMDLINE=""'],
])('%s is honoured', (_, kernel) => {
  expect(check({ kernel })).toMatchObject({ honoured: 1, failures: [] });
});

test.each([
  ['CONFIG_KEXEC=y', 'asked for y, is not set', 'the kernel has not set'],
  ['# CONFIG_EXT4_FS is not set', 'asked for not set, is y', 'the kernel has y'],
  ['CONFIG_HZ=1000', 'asked for 1000, is 250', 'the kernel has 250'],
  ['CONFIG_EXT4FS=y', 'asked for y, is unknown', 'does not know the symbol'],
  ['CONFIG_OVERLAY_FS=y', 'asked for y, is m', 'a module (overlay), which nothing loads early'],
  ['CONFIG_ODD=y', 'asked for y, is m', 'does not know the name of that module'],
])('%s fails: %s', (kernel, message, cause) => {
  const [failure, ...more] = check({ name: 'core/podman', kernel: `# top\n${kernel}\n` }).failures;
  expect(more).toEqual([]);
  expect(failure?.message).toContain(message);
  expect(failure?.parts).toMatchObject({
    code: 'kernel-symbol',
    layer: 'core/podman',
    place: { file: '/layers/core/podman/kernel/base', line: 2 },
  });
  expect(failure?.parts.cause).toContain(cause);
  expect(failure?.parts.hint).toContain('accept:');
});

test('a misspelt symbol is told with the nearest', () => {
  expect(check({ kernel: 'CONFIG_EXT4FS=y' }).failures[0]?.parts.hint).toContain('did you mean CONFIG_EXT4_FS?');
});

test('a module counts as built in once it is loaded early, and is kept', () => {
  const found = check({ kernel: 'CONFIG_OVERLAY_FS=y\nCONFIG_VIRTIO_FS=m\n' }, ['overlay']);
  expect(found).toMatchObject({ honoured: 2, failures: [], keep: ['overlay', 'virtiofs'] });
});

test('a module whose name is not known is told, since the image lacks it', () => {
  const found = check({ kernel: 'CONFIG_ODD=m' });
  expect(found.failures).toEqual([]);
  expect(found.nameless.map(({ symbol }) => symbol)).toEqual(['CONFIG_ODD']);
});

test('an accepted difference is no failure; one that is not there is needless', () => {
  const found = check({ kernel: 'CONFIG_HZ=1000\nCONFIG_EXT4_FS=y\n', accept: ['HZ', 'CONFIG_EXT4_FS'] });
  expect(found.failures).toEqual([]);
  expect(found.accepted.map(({ symbol }) => symbol)).toEqual(['HZ']);
  expect(found.needless.map(({ symbol }) => symbol)).toEqual(['CONFIG_EXT4_FS']);
});

test('the last layer decides what is asked for, and the workspace may accept', () => {
  const layers = [{ kernel: 'CONFIG_HZ=1000' }, { kernel: 'CONFIG_HZ=250' }, { kernel: 'CONFIG_KEXEC=y' }];
  const accept = [{ namespace: 'kernel', symbol: 'CONFIG_KEXEC', reason: 'a test', place: { file: '/f' } }] as const;
  const options = { tree, symbolModules, early: new Set<string>() };
  expect(checkSymbols(fakeWorkspace(layers, { accept }), options).failures).toEqual([]);
});

test('of many failures each has its own words, and the ways out come once, at the end', () => {
  const kernel = Array.from({ length: 9 }, (_, index) => `CONFIG_NEVER_${index}=y\n`).join('');
  const { failures } = check({ name: 'a/b', kernel: `CONFIG_EXT4FS=y\n${kernel}` });
  expect(failures).toHaveLength(11);
  expect(failures[0]?.parts.hint).toBe('did you mean CONFIG_EXT4_FS?');
  expect(failures[1]?.parts.hint).toBeUndefined();
  expect(failures.at(-1)?.message).toContain('10 symbols of a/b');
  expect(failures.at(-1)?.parts.hint).toContain('kernel: source');
});
