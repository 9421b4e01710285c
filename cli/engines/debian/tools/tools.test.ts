import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Tree, treeOf } from '../../../../test/support/files.ts';
import type { UnpackedPackage } from '../unpacked.ts';
import { copyrightFiles, licencesOf } from './copyright-files.ts';
import { packageFacts } from './package-facts.ts';

const MACHINE_READABLE = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: small

Files: *
Copyright: somebody
License: GPL-2+
 Text of it.

Files: debian/*
Copyright: somebody else
License: Expat

License: Expat
 Text of that.
`;

function tarOf(tree: Tree): string {
  const directory = treeOf(tree);
  const tar = join(treeOf({}), 'data.tar');
  execFileSync('tar', ['--create', '--file', tar, '--directory', directory, '.']);
  return tar;
}

it('copyright files are found behind links to other packages', async () => {
  const tars = {
    libsmall: tarOf({ 'usr/share/doc/libsmall/copyright': MACHINE_READABLE }),
    small: tarOf({ 'usr/share/doc/small': { link: 'libsmall' } }),
    linked: tarOf({ 'usr/share/doc/linked/copyright': { link: '../small/copyright' } }),
    circle: tarOf({ 'usr/share/doc/circle/copyright': { link: 'copyright' } }),
    none: tarOf({ 'usr/bin/none': '' }),
  };
  const texts = await copyrightFiles(Object.entries(tars).map(([name, tar]) => ({ name, tar })));
  expect([...texts.keys()]).toEqual(['libsmall', 'small', 'linked']);
  expect(texts.get('linked')).toBe(MACHINE_READABLE);
});

it('licences are those of files, where the format can be read', () => {
  expect(licencesOf(MACHINE_READABLE)).toEqual(['Expat', 'GPL-2+']);
  expect(licencesOf('It is free.\n')).toEqual([]);
  expect(licencesOf('')).toEqual([]);
});

function unpacked(
  name: string,
  control: Record<string, string>,
  uri = 'debian:pool/main/x/x_1+2.deb',
): UnpackedPackage {
  return {
    locked: { name, version: '1:1+2', arch: 'amd64', sha256: 'ab', size: 1, uri },
    dataTar: '',
    control: new Map(Object.entries(control)),
    scripts: new Map(),
    controlFiles: new Map(),
  };
}

it('facts say where a package is from, what it needs and who it is there for', () => {
  const packages = [
    unpacked('app', { depends: 'libapp (>= 1) | other, role, gone' }),
    unpacked('libapp', {}, 'debian-security:pool/updates/main/liba.deb'),
    unpacked('roles', { provides: 'role (= 1)' }, 'debian:pool/non-free-firmware/r.deb'),
  ];
  const facts = packageFacts(packages, {
    askedBy: new Map([['app', ['my/app', 'my/other']]]),
    copyrights: new Map([['app', MACHINE_READABLE]]),
    isKernel: (name) => name === 'kernel',
  });
  expect(facts).toMatchObject([
    {
      ...{
        name: 'app',
        isAsked: true,
        layer: 'my/app',
        dependencies: ['libapp', 'roles'],
        licences: ['Expat', 'GPL-2+'],
      },
      purl: 'pkg:deb/debian/app@1%3A1%2B2?arch=amd64',
      sources: [{ url: 'debian:pool/main/x/x_1+2.deb', sha256: 'ab' }],
    },
    {
      ...{ name: 'libapp', isAsked: false, layer: 'my/app' },
      sources: [{ url: 'debian-security:pool/updates/main/liba.deb' }],
    },
    { name: 'roles', restriction: 'Debian has it in non-free-firmware' },
  ]);
});
