import { expect, it } from 'vitest';
import { makeManifest, manifestText, type SlotContent, type SlotOrigin, slotVersion } from './manifest.ts';

const content: SlotContent = {
  arch: 'x86_64',
  board: 'virt/qemu',
  kernelRelease: '6.1.0',
  kernelParameters: ['console=ttyS0'],
  files: [{ path: 'root.squashfs', size: 4096, sha256: 'aa' }],
  verity: {
    file: 'root.squashfs',
    algorithm: 'sha256',
    salt: '00',
    dataBlockSize: 4096,
    hashBlockSize: 4096,
    dataBlocks: 1,
    hashOffset: 4096,
    rootHash: 'bb',
  },
};
const origin: SlotOrigin = {
  workspace: 'qemu',
  engine: 'debian',
  layers: [
    { name: 'virt/qemu', revision: { commit: 'c0ffee', dirty: true } },
    { name: 'overrides', revision: undefined },
  ],
  packages: [{ name: 'crun', version: '1', architecture: 'amd64', sha256: 'cc', askedBy: ['core/crun'] }],
  revision: undefined,
};

it('says what docs/boot.md says', () => {
  const manifest = makeManifest('0.1.0', content, origin);
  expect(JSON.parse(manifestText(manifest))).toEqual({
    format: 1,
    version: manifest.version,
    workspace: 'qemu',
    engine: 'debian',
    ...content,
    layers: [{ name: 'virt/qemu', commit: 'c0ffee', dirty: true }, { name: 'overrides' }],
    packages: origin.packages,
  });
  expect(makeManifest('0.1.0', content, { ...origin, revision: { commit: 'f00d', dirty: false } })).toMatchObject({
    commit: 'f00d',
    dirty: false,
  });
});

it('names the toolchain that was made before, by its parts', () => {
  const facts = { name: 'coracle-toolchain-x86_64-0', parts: ['gcc 14.3.0', 'musl'], config: 'BR2_ARCH="x86_64"' };
  const { name, parts } = facts;
  expect(makeManifest('0.1.0', content, { ...origin, toolchain: facts }).toolchain).toEqual({ name, parts });
  expect(makeManifest('0.1.0', content, { ...origin, toolchain: { parts } }).toolchain).toEqual({ parts });
});

it('the version follows from the content and from nothing else', () => {
  const version = slotVersion('0.1.0', content);
  expect(version).toMatch(/^0\.1\.0-[0-9a-f]{12}$/);
  expect(makeManifest('0.1.0', content, { ...origin, workspace: 'other', layers: [] }).version).toBe(version);
  const changes: Partial<SlotContent>[] = [
    { arch: 'arm64' },
    { board: 'pi/4' },
    { kernelRelease: '6.2' },
    { kernelParameters: [] },
    { files: [{ path: 'root.squashfs', size: 4096, sha256: 'ab' }] },
  ];
  const versions = changes.map((change) => slotVersion('0.1.0', { ...content, ...change }));
  expect(new Set([version, ...versions]).size).toBe(changes.length + 1);
});

it.each(['', '.1', '1/2', '1+2', 'a b', 'ü', 'x'.repeat(65)])('the version %j is no file name on FAT', (release) => {
  expect(() => slotVersion(release, content)).toThrow(/cannot be part of a file name/);
});

it('is not written larger than a device reads it', () => {
  const packages = Array.from({ length: 8000 }, () => origin.packages).flat();
  const manifest = makeManifest('0.1.0', content, { ...origin, packages });
  expect(() => manifestText(manifest)).toThrow(/has \d{7} bytes; a device reads at most 1048576/);
});
