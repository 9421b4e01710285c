/**
 * From names to exact packages: asks apt for the closure of what the layers want and returns versions, hashes and places
 * in the archive. Mirrors are not part of the answer, so that a lock serves wherever it is read.
 */

import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../../../failure.ts';
import { Failure, throwAny } from '../../../failure.ts';
import { didYouMean } from '../../../kconfig/nearest.ts';
import type { LockedPackage } from '../../../workspace/lock-schema.ts';
import { type Paragraph, parseParagraphs } from './control.ts';
import type { PackageRequest } from './package-lists.ts';
import type { PrivateApt } from './private-apt.ts';
import type { Archive, ArchiveSource } from './sources.ts';

/** A name with who wrote it, for messages. */
export interface NamedAt {
  readonly name: string;
  readonly layer?: string | undefined;
  readonly place?: Place | undefined;
}

export interface ResolveRequest {
  readonly packages: readonly PackageRequest[];
  /** Taken for installed and left out. */
  readonly assume: readonly NamedAt[];
  /** Fetched without their dependencies and not part of the root: kernels, boot loaders. */
  readonly beside: readonly NamedAt[];
  /** Also what maintainer scripts need to run: essential packages, and what is otherwise taken for installed. */
  readonly tools: boolean;
}

/** What every chroot has. `usr-is-merged` says that /usr was merged from the start. */
const TOOLS = ['?essential', 'usr-is-merged'];

/**
 * The locked packages, sorted by name.
 *
 * @param warn is told of assumed packages that the archive does not have, which may be a slip or another release's
 * @throws Failure `unknown-package`, `packages-unresolved`, `archive-without-hashes`
 */
export async function resolvePackages(
  apt: PrivateApt,
  request: ResolveRequest,
  warn: (unknown: Failure) => void = () => undefined,
): Promise<LockedPackage[]> {
  const asked: NamedAt[] = request.packages.map((one) => ({
    name: one.name,
    layer: one.layer,
    place: { file: one.file, line: one.line },
  }));
  const shown = await showPackages(apt, [...asked, ...request.assume, ...request.beside]);
  throwAny(await missing(apt, [...asked, ...request.beside], shown));
  for (const unknown of await missing(apt, request.assume, shown)) warn(unknown);
  const status = join(apt.directory, `status-${randomUUID()}`);
  try {
    await writeFile(status, stubStatus(request, shown, apt.architecture));
    const wanted = request.packages.map((one) => `${one.name}${one.pin}`);
    const assumed = new Set(request.assume.map((one) => one.name));
    const root = await closure(
      apt,
      request,
      wanted.filter((one) => !assumed.has(one)),
      status,
    );
    const tools = request.tools ? await toolPackages(apt, request, root) : [];
    const beside = await besidePackages(apt, request.beside, shown);
    const inRoot = new Set(root.map((one) => one.name));
    return [...root, ...tools, ...beside.filter((one) => !inRoot.has(one.name))].sort(byName);
  } finally {
    await rm(status, { force: true });
  }
}

function byName(a: LockedPackage, b: LockedPackage): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** The candidate of each name. A name that is not there, or is only provided by others, is missing from the map. */
async function showPackages(apt: PrivateApt, names: readonly NamedAt[]): Promise<Map<string, Paragraph>> {
  const unique = [...new Set(names.map((one) => one.name))];
  const shown = new Map<string, Paragraph>();
  if (unique.length === 0) return shown;
  const argv = ['apt-cache', 'show', '--no-all-versions', '--', ...unique] as const;
  const { stdout } = await apt.run([...argv], { accept: [0, 100] });
  for (const paragraph of parseParagraphs(stdout)) {
    const name = paragraph.get('package');
    if (name !== undefined && !shown.has(name)) shown.set(name, paragraph);
  }
  return shown;
}

async function missing(
  apt: PrivateApt,
  names: readonly NamedAt[],
  shown: ReadonlyMap<string, Paragraph>,
): Promise<Failure[]> {
  const gone = names.filter((one) => !shown.has(one.name));
  if (gone.length === 0) return [];
  const { stdout } = await apt.run(['apt-cache', 'pkgnames']);
  const known = stdout.split('\n');
  const suites = apt.sources.flatMap((source) => source.suites).join(', ');
  const failures: Failure[] = [];
  for (const one of gone) {
    const providers = await providersOf(apt, one.name);
    failures.push(
      new Failure({
        code: 'unknown-package',
        message: `Debian (${suites}, ${apt.architecture}) has no package ${one.name}`,
        place: one.place,
        layer: one.layer,
        cause: providers.length > 0 ? `it is a virtual package, provided by ${providers.join(', ')}` : undefined,
        hint:
          providers.length > 0
            ? `name one of them, e.g. ${providers[0]}`
            : (didYouMean(one.name, known) ?? 'search for it on packages.debian.org'),
      }),
    );
  }
  return failures;
}

async function providersOf(apt: PrivateApt, name: string): Promise<string[]> {
  const { stdout } = await apt.run(['apt-cache', 'showpkg', '--', name], { accept: [0, 100] });
  const [, list = ''] = stdout.split('Reverse Provides:');
  return [...new Set(list.split('\n').flatMap((line) => /^(\S+) /.exec(line)?.[1] ?? []))].sort();
}

/** A dpkg status that says of the assumed packages that they are installed, with the versions that they would have. */
function stubStatus(
  { assume, packages }: Pick<ResolveRequest, 'assume' | 'packages'>,
  shown: ReadonlyMap<string, Paragraph>,
  architecture: string,
): string {
  const claimed = new Set(packages.flatMap(({ name }) => relations(shown.get(name)?.get('conflicts')).map(nameOf)));
  const stanzas = [...new Set(assume.map((one) => one.name))].flatMap((name) => {
    const real = shown.get(name);
    if (real === undefined) return [];
    const lines = [
      `Package: ${name}`,
      // On hold, or apt would put the archive's package of the same version in its place.
      'Status: hold ok installed',
      `Version: ${real.get('version') ?? '0'}`,
      `Architecture: ${real.get('architecture') ?? architecture}`,
      'Maintainer: none',
      'Description: taken for installed',
    ];
    const multiArch = real.get('multi-arch');
    if (multiArch !== undefined) lines.push(`Multi-Arch: ${multiArch}`);
    // A role that another package is listed for, alone: chrony and `time-daemon`.
    const provides = relations(real.get('provides')).filter((one) => !claimed.has(nameOf(one)));
    if (provides.length > 0) lines.push(`Provides: ${provides.join(', ')}`);
    return lines.join('\n');
  });
  return stanzas.map((stanza) => `${stanza}\n\n`).join('');
}

async function closure(
  apt: PrivateApt,
  request: ResolveRequest,
  wanted: readonly string[],
  status: string,
): Promise<LockedPackage[]> {
  if (wanted.length === 0) return [];
  try {
    const { stdout } = await apt.run([
      'apt-get',
      'install',
      '--print-uris',
      '-qq',
      '--no-remove',
      // Several caches for several statuses would only take room.
      ...['-o', `Dir::State::status=${status}`, '-o', 'Dir::Cache::pkgcache='],
      '--',
      ...[...new Set(wanted)].sort(),
    ]);
    return stdout.split('\n').flatMap((line) => (line.startsWith("'") ? [readUriLine(line, apt)] : []));
  } catch (error) {
    throw explain(await tellMore(error, apt, wanted, status), request.packages);
  }
}

/** `a (>= 1), b` as its parts. */
function relations(field: string | undefined): string[] {
  return (field ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

function nameOf(relation: string): string {
  return relation.split(/[\s(:]/)[0] ?? relation;
}

/** With `-qq` apt keeps to itself which packages do not go together; asked to simulate, it tells. */
async function tellMore(error: unknown, apt: PrivateApt, wanted: readonly string[], status: string): Promise<unknown> {
  if (!(error instanceof Failure) || error.parts.code !== 'command-failed') return error;
  const simulate = [
    'apt-get',
    'install',
    '--simulate',
    '--no-remove',
    '-o',
    `Dir::State::status=${status}`,
    '--',
  ] as const;
  try {
    await apt.run([...simulate, ...new Set(wanted)], { stdout: 'log' });
    return error;
  } catch (told) {
    if (!(told instanceof Failure)) return error;
    const cause = told.parts.cause?.replace(/^[\s\S]*?(?=The following packages have unmet dependencies)/, '');
    return new Failure({ ...error.parts, cause: cause ?? error.parts.cause });
  }
}

/** What has to be installed beside the root's own packages, in the same versions, for scripts to run. */
async function toolPackages(
  apt: PrivateApt,
  request: ResolveRequest,
  root: readonly LockedPackage[],
): Promise<LockedPackage[]> {
  const exact = root.map((one) => `${one.name}=${one.version}`);
  const all = await closure(apt, request, [...TOOLS, ...exact], join(apt.directory, 'status'));
  const inRoot = new Set(root.map((one) => one.name));
  return all.filter((one) => !inRoot.has(one.name)).map((one) => ({ ...one, tool: true }));
}

/** `'uri' file size SHA256:hash` */
function readUriLine(line: string, apt: PrivateApt): LockedPackage {
  const match = /^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$/.exec(line);
  const parts = match?.[2]
    ?.replace(/\.deb$/, '')
    .split('_')
    .map(decodeURIComponent);
  if (match === null || parts === undefined) {
    throw new Failure({
      code: 'archive-without-hashes',
      message: `apt gave no SHA-256 for a package: ${line}`,
      hint: 'use a mirror whose lists have SHA256 fields',
    });
  }
  const [name = '', version = '', arch = ''] = parts;
  const [, uri = '', , size = '0', hash = ''] = match;
  return { name, version, arch, sha256: hash, size: Number(size), uri: archivePlace(uri, apt.sources) };
}

/** `debian:pool/main/p/podman/….deb`, whatever the mirror was. */
function archivePlace(uri: string, sources: readonly ArchiveSource[]): string {
  const decoded = decodeURIComponent(uri);
  for (const source of sources) {
    const base = source.uris.find((mirror) => decoded.startsWith(`${mirror}/`));
    if (base !== undefined) return `${source.archive}:${decoded.slice(base.length + 1)}`;
  }
  const pool = decoded.indexOf('/pool/') + 1;
  const path = decoded.slice(pool);
  const archive: Archive = path.startsWith('pool/updates/') ? 'debian-security' : 'debian';
  return `${archive}:${path}`;
}

async function besidePackages(
  apt: PrivateApt,
  names: readonly NamedAt[],
  shown: ReadonlyMap<string, Paragraph>,
): Promise<LockedPackage[]> {
  const found = new Map<string, Paragraph>();
  const todo = names.map((one) => one.name);
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (found.has(name)) continue;
    const paragraph = shown.get(name) ?? (await showPackages(apt, [{ name }])).get(name);
    if (paragraph === undefined) continue;
    found.set(name, paragraph);
    todo.push(...kernelBehindMeta(name, paragraph));
  }
  return [...found.values()].map((paragraph) => {
    const path = paragraph.get('filename') ?? '';
    const archive: Archive = path.startsWith('pool/updates/') ? 'debian-security' : 'debian';
    return {
      name: paragraph.get('package') ?? '',
      version: paragraph.get('version') ?? '',
      arch: paragraph.get('architecture') ?? '',
      sha256: paragraph.get('sha256') ?? '',
      size: Number(paragraph.get('size') ?? 0),
      uri: `${archive}:${path}`,
      beside: true,
    };
  });
}

/** `linux-image-cloud-amd64` is empty and depends on the kernel of the day; likewise linux-source. */
function kernelBehindMeta(name: string, paragraph: Paragraph): string[] {
  const kind = /^linux-(image|source|config|headers)/.exec(name)?.[0];
  if (kind === undefined) return [];
  return (paragraph.get('depends') ?? '')
    .split(',')
    .map((one) => one.trim().split(/[\s(|]/)[0] ?? '')
    .filter((one) => one.startsWith(`${kind}-`) && /-\d/.test(one));
}

/** Says what apt said, with the layer's line where a name can be found in it. */
function explain(error: unknown, packages: readonly PackageRequest[]): unknown {
  if (!(error instanceof Failure) || error.parts.code !== 'command-failed') return error;
  const said = error.parts.cause ?? '';
  const named = /^E: (?:Version|Release) .* for '([^']+)' was not found/m.exec(said)?.[1];
  const request = packages.find((one) => one.name === named);
  return new Failure({
    code: 'packages-unresolved',
    message: 'apt finds no set of packages that gives all that the layers ask for',
    place: request === undefined ? undefined : { file: request.file, line: request.line },
    layer: request?.layer,
    cause: said,
    hint: 'a layer leaves out a package that an earlier one lists by `assume` in its layer.yaml',
    log: error.parts.log,
  });
}
