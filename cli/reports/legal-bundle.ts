/**
 * What Coracle adds to the licences that an engine gathers: its own, those of the layers, the files that nobody speaks for,
 * and a summary of what may not simply be passed on or has to be read by somebody.
 */
import { readdirSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageFacts } from '../engines/engine-tools.ts';
import type { Layer } from '../layers/layer.ts';
import { licenceKind } from '../licences/licence-list.ts';

export interface LegalSummary {
  readonly packages: readonly LegalPackage[];
  readonly layers: readonly LegalLayer[];
}

export interface LegalPackage {
  readonly name: string;
  readonly version: string;
  readonly kind: PackageFacts['kind'];
  readonly licences: readonly string[];
  /** Why it may not simply be passed on; empty for most. */
  readonly proprietary: readonly string[];
  /** What somebody has to read before it is passed on; empty for most. */
  readonly unclear: readonly string[];
}

export interface LegalLayer {
  readonly name: string;
  /** Paths in the bundle. */
  readonly licenceFiles: readonly string[];
  /** Files of its root overlay: no licence is known but the layer's. */
  readonly overlay: readonly string[];
}

const LICENCE_FILE = /^(?:LICEN[CS]E|COPYING|COPYRIGHT|NOTICE)/i;
const FIRMWARE = /firmware|microcode|(?:^|[-_])fw(?:[-_]|$)|-rkbin$|-boot-fip$/;

export function legalPackage({ name, version, kind, licences, restriction, sources }: PackageFacts): LegalPackage {
  const kinds = licences.map((licence) => ({ licence, kind: licenceKind(licence) }));
  // Directories and scripts that Buildroot itself puts there are not from elsewhere; a compiler's libraries are.
  const isOwn = sources.length === 0 && !name.startsWith('toolchain-external');
  const free = kinds.length > 0 && kinds.every((one) => one.kind === 'free');
  return {
    name,
    version,
    kind,
    licences,
    proprietary: [
      ...(restriction === undefined ? [] : [restriction]),
      ...kinds.filter((one) => one.kind === 'restricted').map(({ licence }) => `its licence is ${licence}`),
      ...(FIRMWARE.test(name) && !free ? ['firmware for a device, as its maker gives it'] : []),
    ],
    unclear:
      licences.length === 0
        ? isOwn
          ? []
          : ['it names no licence']
        : kinds.filter((one) => one.kind === 'unclear').map(({ licence }) => `${licence} is no licence of SPDX`),
  };
}

export interface BundleParts {
  readonly packages: readonly PackageFacts[];
  readonly layers: readonly Layer[];
  /** Coracle's own checkout, with its LICENSE. */
  readonly installation: string;
}

/** Adds `coracle/`, `layers/`, `summary.json` and `SUMMARY.txt` to what the engine wrote into the directory. */
export async function addToBundle(directory: string, parts: BundleParts): Promise<LegalSummary> {
  await mkdir(join(directory, 'coracle'));
  await copyFile(join(parts.installation, 'LICENSE'), join(directory, 'coracle/LICENSE'));
  const layers: LegalLayer[] = [];
  for (const layer of parts.layers) layers.push(await addLayer(directory, layer));
  const summary: LegalSummary = { packages: parts.packages.map(legalPackage), layers };
  await writeFile(join(directory, 'summary.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
  await writeFile(join(directory, 'SUMMARY.txt'), summaryText(summary));
  return summary;
}

/** A layer without licence files has those of the directory that layers are listed in, and of the one above it. */
async function addLayer(directory: string, layer: Layer): Promise<LegalLayer> {
  const { name, contents, root } = layer;
  const places = [layer.directory, root.directory, join(root.directory, '..')];
  const found = places.map((place) => ({ place, files: licenceFilesIn(place) })).find(({ files }) => files.length > 0);
  const licenceFiles: string[] = [];
  for (const file of found?.files ?? []) {
    const path = join('layers', name, file);
    await mkdir(join(directory, path, '..'), { recursive: true });
    await copyFile(join(found?.place ?? '', file), join(directory, path));
    licenceFiles.push(path);
  }
  return { name, licenceFiles, overlay: contents.overlay === undefined ? [] : filesBelow(contents.overlay) };
}

function licenceFilesIn(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map(({ name }) => name)
    .sort();
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length))
    .sort();
}

export function summaryText({ packages, layers }: LegalSummary): string {
  const inImage = packages.filter(({ kind }) => kind !== 'tool');
  const marked = (of: 'proprietary' | 'unclear') =>
    packages.filter((one) => one[of].length > 0).map((one) => line(one, of));
  const uncovered = layers.flatMap(({ name, overlay }) => overlay.map((path) => `${path}  (${name})`));
  return [
    `${inImage.length} packages in the image, ${packages.length - inImage.length} that helped to make it,`,
    `${layers.length} layers. Coracle's own programs are under the MIT licence (coracle/LICENSE).`,
    ...section('Not to be passed on without a look at their terms', marked('proprietary')),
    ...section('With a licence that somebody has to read', marked('unclear')),
    ...section(
      'Layers without a licence file',
      layers.filter(({ licenceFiles }) => licenceFiles.length === 0).map(({ name }) => name),
    ),
    ...section('Files of root overlays, which no package and no licence above covers', uncovered),
    '',
  ].join('\n');
}

function line(one: LegalPackage, of: 'proprietary' | 'unclear'): string {
  return `${one.name} ${one.version}: ${one[of].join('; ')}`.replace(' :', ':');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((one) => `  ${one}`)];
}
