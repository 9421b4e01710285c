/**
 * Which archives a workspace's packages come from. The release is the workspace's choice (or ours), so that the same
 * coracle.yaml means the same packages on every host; the mirrors are the host's own, because those are the ones that are
 * near and allowed. Third-party repositories of the host are left out.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import type { DebianSource } from '../../../workspace/resolved.ts';
import { fieldWords, type Paragraph, parseParagraphs } from './control.ts';

/** One archive with its suites; becomes one stanza of a private debian.sources. */
export interface ArchiveSource {
  /** Which of Debian's archives: a locked package says this instead of a mirror. */
  readonly archive: Archive;
  /** Mirrors, best first. */
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly keyring: string;
}

export type Archive = 'debian' | 'debian-security';

export const DEFAULT_SUITES: readonly string[] = ['bookworm', 'bookworm-updates', 'bookworm-security'];
/** Debian renamed it between releases. */
const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.gpg', '/usr/share/keyrings/debian-archive-keyring.pgp'];
/** Releases by name and by standing; a suite of the archive is one of these, alone or with `-updates` and the like. */
const RELEASES =
  /^(?:buster|bullseye|bookworm|trixie|forky|duke|sid|stable|oldstable|oldoldstable|testing|unstable)(?:-(?:updates|security|proposed-updates|backports|backports-sloppy))?(?:\/updates)?$/;

/** @param etc the host's apt directory */
export async function archiveSources(asked: DebianSource, etc = '/etc/apt'): Promise<readonly ArchiveSource[]> {
  const suites = asked.suites ?? DEFAULT_SUITES;
  const components = asked.components ?? ['main'];
  const keyring = findKeyring(asked.keyring);
  const mirrors = asked.mirror === undefined ? await hostMirrors(etc) : mirrorsBelow(asked.mirror);
  const security = suites.filter(isSecurity);
  const main = suites.filter((suite) => !isSecurity(suite));
  const sources: ArchiveSource[] = [];
  if (main.length > 0) sources.push({ archive: 'debian', uris: mirrors.debian, suites: main, components, keyring });
  if (security.length > 0) {
    const uris = mirrors['debian-security'];
    sources.push({ archive: 'debian-security', uris, suites: security, components, keyring });
  }
  return sources;
}

function findKeyring(asked: string | undefined): string {
  const candidates = asked === undefined ? KEYRINGS : [asked];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Failure({
    code: 'keyring-missing',
    message: `the keyring ${candidates[0]} that Debian's packages are checked with is not on this machine`,
    hint: asked === undefined ? 'install the package debian-archive-keyring' : 'correct `keyring` in coracle.yaml',
  });
}

/**
 * As a file for apt, which needs one mirror only. The keyring is not in it, because a path with a space cannot be: it
 * stands in apt's configuration.
 */
export function formatSources(sources: readonly ArchiveSource[]): string {
  return sources
    .map((source) =>
      [
        'Types: deb',
        `URIs: ${source.uris[0] ?? ''}`,
        `Suites: ${source.suites.join(' ')}`,
        `Components: ${source.components.join(' ')}`,
        '',
      ].join('\n'),
    )
    .join('\n');
}

function isSecurity(suite: string): boolean {
  return suite.endsWith('-security') || suite.endsWith('/updates');
}

function mirrorsBelow(mirror: string): Record<Archive, string[]> {
  const base = mirror.replace(/\/+$/, '');
  return { debian: [base], 'debian-security': [`${base}-security`] };
}

interface HostEntry {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string;
}

/**
 * The host's mirrors of Debian's archive. Where it has none of the security archive, that is looked for beside the other.
 *
 * @throws Failure `no-mirror`
 */
async function hostMirrors(etc: string): Promise<Record<Archive, string[]>> {
  const found: Record<Archive, string[]> = { debian: [], 'debian-security': [] };
  for (const entry of await hostEntries(etc)) {
    if (!isDebianArchive(entry)) continue;
    const archive: Archive = entry.suites.every(isSecurity) ? 'debian-security' : 'debian';
    for (const uri of entry.uris.map((written) => written.replace(/\/+$/, ''))) {
      if (!found[archive].includes(uri)) found[archive].push(uri);
    }
  }
  const [first] = found.debian;
  if (first === undefined) {
    throw new Failure({
      code: 'no-mirror',
      message: "apt's lists on this machine name no mirror of Debian's archive",
      place: { file: join(etc, 'sources.list') },
      hint: 'name one for the workspace in coracle.yaml: debian: {mirror: http://mirror.example.org/debian}',
    });
  }
  if (found['debian-security'].length > 0) return found;
  return { ...found, 'debian-security': mirrorsBelow(first)['debian-security'] };
}

/**
 * A third-party repository often has Debian's suite names, but not also Debian's component or keyring. What slips through
 * still fails the check of its signature, since the private apt trusts Debian's keys only.
 */
function isDebianArchive(entry: HostEntry): boolean {
  if (entry.signedBy !== '' && !entry.signedBy.includes('debian-archive')) return false;
  if (!entry.components.includes('main')) return false;
  return entry.suites.length > 0 && entry.suites.every((suite) => RELEASES.test(suite));
}

async function hostEntries(etc: string): Promise<HostEntry[]> {
  const parts = join(etc, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).sort();
  const entries = oneLineEntries(await readIfThere(join(etc, 'sources.list')));
  for (const name of names) {
    if (name.endsWith('.list')) entries.push(...oneLineEntries(await readIfThere(join(parts, name))));
    if (name.endsWith('.sources')) entries.push(...deb822Entries(await readIfThere(join(parts, name))));
  }
  return entries;
}

async function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** `deb [signed-by=… arch=…] uri suite component…` */
function oneLineEntries(text: string): HostEntry[] {
  const entries: HostEntry[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    entries.push({
      uris: [uri],
      suites: [suite],
      components: components.split(/\s+/).filter((word) => word !== ''),
      signedBy: /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1] ?? '',
    });
  }
  return entries;
}

function deb822Entries(text: string): HostEntry[] {
  return parseParagraphs(text)
    .filter((paragraph) => fieldWords(paragraph, 'types').includes('deb') && isEnabled(paragraph))
    .map((paragraph) => ({
      uris: fieldWords(paragraph, 'uris'),
      suites: fieldWords(paragraph, 'suites'),
      components: fieldWords(paragraph, 'components'),
      signedBy: paragraph.get('signed-by') ?? '',
    }));
}

function isEnabled(paragraph: Paragraph): boolean {
  return !/^(?:no|false|without|off|disable)$/i.test(paragraph.get('enabled') ?? 'yes');
}
