import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import type { PackageFacts } from '../engines/engine-tools.ts';
import type { Manifest } from '../image/manifest.ts';
import { compareComponents, differencesText, readComponents } from './compare-boms.ts';
import { cyclonedx } from './cyclonedx.ts';

const HASH = 'ab'.repeat(32);

const manifest = {
  format: 1,
  version: '1.0-0123456789ab',
  workspace: 'small',
  arch: 'x86_64',
  board: 'virt/qemu',
  engine: 'buildroot',
  kernelRelease: '6.1.176',
  kernelParameters: [],
  files: [],
  verity: { file: 'root.squashfs', rootHash: HASH } as Manifest['verity'],
  layers: [{ name: 'virt/qemu', commit: 'c'.repeat(40), dirty: true }, { name: 'my/app' }],
  packages: [],
} as const satisfies Manifest;

function facts(name: string, more: Partial<PackageFacts> = {}): PackageFacts {
  return {
    name,
    kind: 'target',
    version: '1.0',
    licences: ['GPL-2.0+'],
    purl: `pkg:generic/${name}@1.0`,
    isAsked: false,
    dependencies: [],
    sources: [],
    patches: [],
    ...more,
  };
}

const packages: readonly PackageFacts[] = [
  facts('busybox', {
    licences: ['GPL-2.0', 'bzip2-1.0.4', 'MIT (parts)', 'Apache-2.0 or MIT'],
    cpe: 'cpe:2.3:a:busybox:busybox:1.37.0:-:*:*:*:*:*:*',
    layer: 'base/mini',
    isAsked: true,
    dependencies: ['host-m4', 'skeleton'],
    sources: [{ url: 'https://busybox.net/downloads/busybox-1.37.0.tar.bz2', sha256: HASH }, { url: 'a%20b' }],
    patches: [{ path: 'package/busybox/0001-a.patch' }, { path: 'busybox/0001 b.patch', layer: 'my/app' }],
  }),
  facts('host-m4', { kind: 'tool' }),
  facts('linux', { kind: 'kernel', version: '6.1.176' }),
  facts('skeleton', { version: '', licences: [], restriction: 'its licence is PROPRIETARY' }),
];

const bom = cyclonedx({ manifest, packages, version: '0.1.0' });

function schemaErrors(document: unknown): unknown {
  const schemas = join(
    dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json')),
    'res/schema',
  );
  const read = (name: string) =>
    JSON.parse(readFileSync(join(schemas, `${name}.SNAPSHOT.schema.json`), 'utf8')) as object;
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat('iri-reference', /^[^\s<>"{}|\\^`]*$/);
  ajv.addFormat('idn-email', true);
  for (const name of ['spdx', 'jsf-0.82']) {
    ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  const validate = ajv.compile(read('bom-1.6'));
  validate(document);
  return validate.errors;
}

describe('the bill of materials', () => {
  it('is valid by the schema of CycloneDX 1.6', () => {
    expect(schemaErrors(JSON.parse(JSON.stringify(bom)))).toBeNull();
    expect(schemaErrors({ ...bom, components: [{ type: 'no such type', name: 'x' }] })).not.toBeNull();
  });

  it('has the image’s packages, the layers and coracle-init, and no tools of the build', () => {
    expect(bom.components.map((one) => one['bom-ref'])).toEqual([
      ...['package:busybox', 'package:linux', 'package:skeleton'],
      ...['layer:virt/qemu', 'layer:my/app', 'coracle-init'],
    ]);
    expect(bom.dependencies.find(({ ref }) => ref === 'package:busybox')?.dependsOn).toEqual(['package:skeleton']);
  });

  it('says where a package comes from and who asked for it', () => {
    expect(bom.components[0]).toMatchObject({
      licenses: [
        { license: { id: 'GPL-2.0-only' } },
        { license: { name: 'bzip2-1.0.4' } },
        { license: { name: 'MIT (parts)' } },
        { license: { name: 'Apache-2.0 or MIT' } },
      ],
      pedigree: {
        patches: [
          { diff: { url: 'package/busybox/0001-a.patch' } },
          { diff: { url: 'my/app/busybox/0001%20b.patch' } },
        ],
      },
      externalReferences: [{ hashes: [{ alg: 'SHA-256', content: HASH }] }, { url: 'a%20b' }],
      properties: [
        { name: 'coracle:layer', value: 'base/mini' },
        { name: 'coracle:asked', value: 'true' },
      ],
    });
  });

  it('has a serial number that follows from its content', () => {
    expect(cyclonedx({ manifest, packages, version: '0.1.0' })).toEqual(bom);
    expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const other = cyclonedx({ manifest, packages: packages.slice(1), version: '0.1.0' });
    expect(other.serialNumber).not.toBe(bom.serialNumber);
  });
});

describe('comparing two', () => {
  const components = (list: readonly PackageFacts[]) =>
    readComponents(JSON.stringify(cyclonedx({ manifest, packages: list, version: '0.1.0' })), 'x');

  it('finds nothing between the same', () => {
    expect(differencesText(compareComponents(components(packages), components(packages)))).toBe('no difference');
  });

  it('finds what came, went and changed', () => {
    const after = [
      facts('busybox', { version: '1.37.1', licences: ['GPL-2.0'] }),
      facts('linux', { kind: 'kernel', version: '6.1.176', licences: ['GPL-2.0'] }),
      facts('nano'),
    ];
    expect(differencesText(compareComponents(components(packages), components(after)))).toBe(`- skeleton
+ nano 1.0
! busybox 1.0 → 1.37.1; licences: Apache-2.0 or MIT, GPL-2.0-only, MIT (parts), bzip2-1.0.4 → GPL-2.0-only
! linux licences: GPL-2.0-or-later → GPL-2.0-only`);
  });

  it('reads documents of others, and refuses what is none', () => {
    const other = {
      bomFormat: 'CycloneDX',
      components: [{ type: 'library', group: 'org', name: 'a', licenses: [{ expression: 'MIT' }] }],
    };
    expect(readComponents(JSON.stringify(other), 'x')).toEqual([
      { name: 'org/a', type: 'library', version: '', licences: ['MIT'] },
    ]);
    for (const text of ['{}', 'no JSON']) expect(() => readComponents(text, 'x')).toThrow('x is no bill of materials');
  });
});
