/**
 * Fills a directory with the sources of a Buildroot tree that Debian's archive has too, byte for byte, so that tests can
 * build where upstream's sites are out of reach: BR2_PRIMARY_SITE="file://DIRECTORY".
 *
 *     node test/buildroot/fill-mirror.ts TREE DIRECTORY [--suites bookworm,trixie,sid] [--packages busybox,dropbear]
 *                                        [--largest MEGABYTES] [--dry-run]
 *
 * The mirror is the one of the machine's own apt. A line for each file says what became of it; what is named by --packages
 * and cannot be had ends the program with 1.
 */
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PrivateApt } from '../../cli/engines/debian/apt/private-apt.ts';
import { type ArchiveSource, archiveSources } from '../../cli/engines/debian/apt/sources.ts';
import { Failure } from '../../cli/failure.ts';
import { sha256File, temporaryBeside } from '../../cli/host/files.ts';
import { runCommand } from '../../cli/host/process.ts';
import {
  type ArchiveFile,
  addSources,
  placeInMirror,
  releaseOf,
  type WantedFile,
  wantedFiles,
} from './debian-sources.ts';

const APT_HELPER = '/usr/lib/apt/apt-helper';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suites: { type: 'string', default: 'bookworm,trixie,sid' },
    packages: { type: 'string' },
    largest: { type: 'string', default: '40' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const [tree, directory] = positionals.map((path) => resolve(path));
if (tree === undefined || directory === undefined) {
  process.stderr.write('usage: fill-mirror.ts TREE DIRECTORY [--suites …] [--packages …] [--largest MB] [--dry-run]\n');
  process.exit(2);
}
process.exitCode = await fill(tree, directory);

async function fill(from: string, to: string): Promise<number> {
  const cache = join(to, '.cache');
  await mkdir(cache, { recursive: true });
  const sources = await archiveSources({ suites: values.suites.split(',') });
  const apt = await PrivateApt.open({ cache, arch: 'x86_64', sources });
  const known = new Map<string, ArchiveFile & { readonly mirror: string }>();
  for (const source of sources) {
    for (const suite of source.suites) await readIndex(apt, source, suite, cache, known);
  }
  const asked = values.packages?.split(',');
  const wanted = wantedFiles(from).filter((file) => asked === undefined || asked.includes(file.package));
  const largest = Number(values.largest) * 1_000_000;
  let absent = 0;
  let there = 0;
  for (const file of wanted) {
    const found = known.get(file.sha256);
    // Without a list of names, what Debian does not have is not worth a line: it is most of the tree.
    if (found === undefined ? asked === undefined || !isArchive(file.name) : found.size > largest) continue;
    const outcome = found === undefined ? 'not in Debian as it is' : await bring(apt, file, found, to);
    if (outcome === 'there' || outcome === 'fetched' || outcome === 'would be fetched') there += 1;
    else absent += 1;
    process.stdout.write(`${placeInMirror(file)}: ${outcome}\n`);
  }
  process.stdout.write(`Buildroot ${releaseOf(from)}: ${there} files, ${absent} cannot be had\n`);
  return asked !== undefined && absent > 0 ? 1 : 0;
}

async function readIndex(
  apt: PrivateApt,
  source: ArchiveSource,
  suite: string,
  cache: string,
  known: Map<string, ArchiveFile & { readonly mirror: string }>,
): Promise<void> {
  const mirror = source.uris[0] ?? '';
  const packed = join(cache, `${suite.replaceAll('/', '-')}-Sources.xz`);
  await rm(packed, { force: true });
  await apt.run([APT_HELPER, 'download-file', `${mirror}/dists/${suite}/main/source/Sources.xz`, packed]);
  const text = packed.replace(/\.xz$/, '');
  await runCommand({ argv: ['xz', '--decompress', '--stdout', packed], cwd: cache, stdout: { file: text } });
  const found = new Map<string, ArchiveFile>();
  addSources(await readFile(text, 'utf8'), found);
  for (const [hash, file] of found) if (!known.has(hash)) known.set(hash, { ...file, mirror });
  await rm(text);
}

async function bring(
  apt: PrivateApt,
  file: WantedFile,
  found: ArchiveFile & { readonly mirror: string },
  to: string,
): Promise<string> {
  const place = join(to, placeInMirror(file));
  if ((await stat(place).catch(() => undefined))?.size === found.size && (await sha256File(place)) === file.sha256) {
    return 'there';
  }
  if (values['dry-run']) return 'would be fetched';
  await mkdir(dirname(place), { recursive: true });
  const temporary = temporaryBeside(place);
  try {
    await apt.run([APT_HELPER, 'download-file', `${found.mirror}/${found.path}`, temporary, `SHA256:${file.sha256}`]);
    await rename(temporary, place);
    return 'fetched';
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    return `the mirror does not have ${found.path}, which its index names`;
  } finally {
    await rm(temporary, { force: true });
  }
}

function isArchive(name: string): boolean {
  return /\.(?:tar\.\w+|tgz|tbz2|zip)$/.test(name);
}
