/**
 * Source packages of Debian that hold other runtimes' tests. Fetched by the machine's own apt from its own mirror, once,
 * into the user's cache; unpacked by tar, which is all that tests in scripts need. Nothing of them is in this repository.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrivateApt } from '../../../cli/engines/debian/apt/private-apt.ts';
import { archiveSources, formatSources } from '../../../cli/engines/debian/apt/sources.ts';
import { Failure } from '../../../cli/failure.ts';
import { runCommand } from '../../../cli/host/process.ts';
import { cacheDirectory } from '../../../cli/workspace/cache-directory.ts';

/** Where what the suites need is kept. */
export const SUITES_CACHE = join(cacheDirectory(process.env), 'oci-suites');
/** The release whose packages the expectations are about. */
const SUITES = ['bookworm'];

/**
 * A directory with the upstream source, as Debian has it.
 *
 * @param version upstream's, without Debian's revision: a security update of the package is as good
 */
export async function debianSource(name: string, version: string): Promise<string | { readonly reason: string }> {
  const place = join(SUITES_CACHE, `${name}-${version}`);
  if (existsSync(place)) return place;
  const scratch = `${place}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    const archive = await download(name, version, scratch);
    const tree = join(scratch, 'tree');
    mkdirSync(tree);
    await runCommand({ argv: ['tar', '--extract', '--file', archive, '--strip-components=1'], cwd: tree });
    // Whoever was faster has the same.
    if (!existsSync(place)) renameSync(tree, place);
    return place;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { reason: `the source package ${name} ${version} cannot be had: ${error.message}` };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function download(name: string, version: string, scratch: string): Promise<string> {
  const sources = await archiveSources({ suites: SUITES });
  const apt = await PrivateApt.open({ cache: SUITES_CACHE, arch: 'x86_64', sources });
  const list = join(scratch, 'debian.sources');
  writeFileSync(list, formatSources(sources).replaceAll('Types: deb\n', 'Types: deb-src\n'));
  const lists = join(scratch, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  const options = ['-q', '-o', `Dir::Etc::sourcelist=${list}`, '-o', `Dir::State::lists=${lists}`];
  await apt.run(['apt-get', ...options, '-o', 'APT::Update::Error-Mode=any', 'update']);
  const { stdout } = await apt.run(['apt-get', ...options, '--print-uris', '--only-source', 'source', name]);
  for (const [, uri = '', file = '', , hash = ''] of stdout.matchAll(/^'([^']+)' (\S+) (\d+) (SHA256:\w+)$/gm)) {
    if (!file.startsWith(`${name}_${version}`) || !/\.orig\.tar\.\w+$/.test(file)) continue;
    const archive = join(scratch, file);
    await apt.run(['/usr/lib/apt/apt-helper', 'download-file', uri, archive, hash]);
    return archive;
  }
  throw new Failure({ code: 'no-source', message: `the release has another version of it` });
}
