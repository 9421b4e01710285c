/**
 * The bill of materials of an image as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): its packages with what is
 * known of them, the layers, and Coracle's own program on the device. The same image gives the same document: it has no time
 * in it, and its serial number is made of its content.
 */
import type { PackageFacts } from '../engines/engine-tools.ts';
import { sha256 } from '../host/files.ts';
import type { Manifest } from '../image/manifest.ts';
import { spdxIdentifier } from '../licences/licence-list.ts';

export interface Bom {
  readonly $schema: string;
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: unknown;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** The part of a component of the specification that is written here. */
export interface Component {
  readonly type: 'application' | 'operating-system' | 'data' | 'firmware';
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version?: string;
  readonly hashes?: readonly Hash[];
  readonly licenses?: readonly { readonly license: { readonly id: string } | { readonly name: string } }[];
  readonly cpe?: string;
  readonly purl?: string;
  readonly pedigree?: { readonly patches: readonly unknown[] };
  readonly externalReferences?: readonly unknown[];
  readonly properties?: readonly Property[];
}

interface Hash {
  readonly alg: 'SHA-256';
  readonly content: string;
}

interface Property {
  readonly name: string;
  readonly value: string;
}

export interface BomParts {
  readonly manifest: Manifest;
  readonly packages: readonly PackageFacts[];
  /** Coracle's own. */
  readonly version: string;
}

/** Packages that run on the machine that builds are left out. */
export function cyclonedx({ manifest, packages, version }: BomParts): Bom {
  const inImage = packages.filter(({ kind }) => kind !== 'tool');
  const names = new Set(inImage.map(({ name }) => name));
  const init: Component = {
    type: 'application',
    'bom-ref': 'coracle-init',
    name: 'coracle-init',
    version,
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:generic/coracle-init@${encodeURIComponent(version)}`,
  };
  const components = [...inImage.map(packageComponent), ...manifest.layers.map(layerComponent), init];
  const body = {
    metadata: {
      tools: { components: [{ type: 'application', name: 'coracle', version }] },
      component: imageComponent(manifest),
      properties: [
        { name: 'coracle:engine', value: manifest.engine },
        { name: 'coracle:architecture', value: manifest.arch },
        { name: 'coracle:kernel-release', value: manifest.kernelRelease },
        { name: 'coracle:root-hash', value: manifest.verity.rootHash },
      ],
    },
    components,
    dependencies: [
      { ref: IMAGE, dependsOn: components.map((component) => component['bom-ref']) },
      ...inImage.map(({ name, dependencies }) => ({
        ref: packageRef(name),
        dependsOn: dependencies.filter((one) => names.has(one)).map(packageRef),
      })),
    ],
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialNumber(JSON.stringify(body)),
    version: 1,
    ...body,
  };
}

const IMAGE = 'image';

function packageRef(name: string): string {
  return `package:${name}`;
}

function imageComponent(manifest: Manifest): Component {
  return { type: 'firmware', 'bom-ref': IMAGE, name: manifest.workspace, version: manifest.version };
}

function packageComponent(one: PackageFacts): Component {
  const known = <T>(list: readonly T[]): boolean => list.length > 0;
  return {
    type: one.kind === 'kernel' ? 'operating-system' : 'application',
    'bom-ref': packageRef(one.name),
    name: one.name,
    ...(one.version === '' ? {} : { version: one.version }),
    ...(known(one.licences) ? { licenses: one.licences.map(licenceChoice) } : {}),
    ...(one.cpe === undefined ? {} : { cpe: one.cpe }),
    purl: one.purl,
    ...(known(one.patches) ? { pedigree: { patches: one.patches.map(patchOf) } } : {}),
    ...(known(one.sources)
      ? {
          externalReferences: one.sources.map(({ url, sha256: content }) => ({
            type: 'source-distribution',
            url,
            ...(content === undefined ? {} : { hashes: [{ alg: 'SHA-256', content }] }),
          })),
        }
      : {}),
    properties: [
      ...(one.layer === undefined ? [] : [{ name: 'coracle:layer', value: one.layer }]),
      { name: 'coracle:asked', value: String(one.isAsked) },
      ...(one.restriction === undefined ? [] : [{ name: 'coracle:restriction', value: one.restriction }]),
    ],
  };
}

function licenceChoice(licence: string) {
  // A remark says what of the package has the licence, and would be lost behind an identifier.
  const id = licence.includes('(') ? undefined : spdxIdentifier(licence);
  return { license: id === undefined ? { name: licence } : { id } };
}

function patchOf({ path, layer }: PackageFacts['patches'][number]) {
  const url = encodeURI(layer === undefined ? path : `${layer}/${path}`);
  return { type: 'unofficial', diff: { url } };
}

function layerComponent({ name, commit, dirty }: Manifest['layers'][number]): Component {
  return {
    type: 'data',
    'bom-ref': `layer:${name}`,
    name,
    ...(commit === undefined ? {} : { version: dirty === true ? `${commit}-dirty` : commit }),
    properties: [{ name: 'coracle:kind', value: 'layer' }],
  };
}

/** A UUID of the kind that is made of other data (version 8, RFC 9562). */
function serialNumber(text: string): string {
  const digits = sha256(text);
  const variant = ((Number.parseInt(digits[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ];
  return `urn:uuid:${parts.join('-')}`;
}
