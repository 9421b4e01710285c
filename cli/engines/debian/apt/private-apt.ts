/**
 * An apt of our own: the host's program with a configuration, lists and a dpkg status that live in the cache, for any
 * architecture, without root. It only resolves and downloads. The host's proxies and credentials are kept, everything
 * else of its configuration (hooks, pins, third-party lists) is not.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { writingCache } from '../../../host/cache-writes.ts';
import { sha256, writeFileAtomic } from '../../../host/files.ts';
import { takeLock } from '../../../host/lock.ts';
import { type Finished, runCommand } from '../../../host/process.ts';
import type { Architecture } from '../../../layers/layer.ts';
import { type ArchiveSource, formatSources } from './sources.ts';

export interface AptOptions {
  readonly cache: string;
  readonly arch: Architecture;
  readonly sources: readonly ArchiveSource[];
  readonly log?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Debian's name of an architecture. */
export function debianArchitecture(arch: Architecture): string {
  return { x86_64: 'amd64', arm64: 'arm64' }[arch];
}

export class PrivateApt {
  readonly sources: readonly ArchiveSource[];
  readonly architecture: string;
  readonly directory: string;
  readonly #options: AptOptions;

  private constructor(options: AptOptions, directory: string) {
    this.#options = options;
    this.sources = options.sources;
    this.architecture = debianArchitecture(options.arch);
    this.directory = directory;
  }

  /** Writes the configuration; one directory for each architecture and list of sources. */
  static async open(options: AptOptions): Promise<PrivateApt> {
    const architecture = debianArchitecture(options.arch);
    const sources = formatSources(options.sources);
    const acquire = await hostAcquireSettings(options);
    const [keyring = '/dev/null'] = options.sources.map((source) => source.keyring);
    const key = sha256(JSON.stringify([architecture, sources, keyring])).slice(0, 16);
    const directory = join(options.cache, 'apt', key);
    await writingCache(options.cache, async () => {
      await mkdir(join(directory, 'lists', 'partial'), { recursive: true });
      await mkdir(join(directory, 'archives', 'partial'), { recursive: true });
      await writeFileAtomic(join(directory, 'debian.sources'), sources);
      await writeFileAtomic(join(directory, 'status'), '');
      await writeFileAtomic(join(directory, 'apt.conf'), configuration(directory, architecture, keyring, acquire));
    });
    return new PrivateApt(options, directory);
  }

  /** Brings the lists up to date; a second process that wants the same waits. */
  async update(): Promise<void> {
    const lock = { what: 'the package lists', purpose: 'apt-get update', signal: this.#options.signal };
    const { cache } = this.#options;
    await using _ = await writingCache(cache, () => takeLock(join(this.directory, 'update.lock'), lock));
    try {
      await this.run(['apt-get', 'update', '-q', '-o', 'APT::Update::Error-Mode=any']);
      // Says that there are lists to resolve with, should there be no network the next time.
      await writingCache(cache, () => writeFileAtomic(join(this.directory, 'updated'), ''));
    } catch (error) {
      throw asUpdateFailure(error, this.sources);
    }
  }

  /** Runs one of apt's programs with this configuration. */
  run(
    argv: readonly [string, ...string[]],
    more: { accept?: readonly number[]; stdout?: 'log'; onLine?: (line: string) => void } = {},
  ): Promise<Finished> {
    // apt writes nowhere else.
    return writingCache(this.#options.cache, () =>
      runCommand({
        argv,
        cwd: this.directory,
        env: { ...proxies(), APT_CONFIG: join(this.directory, 'apt.conf') },
        stdout: 'capture',
        signal: this.#options.signal,
        ...(this.#options.log === undefined ? {} : { log: this.#options.log }),
        ...more,
      }),
    );
  }
}

/** APT_CONFIG is read before the host's parts, so naming other directories there switches those off. */
function configuration(directory: string, architecture: string, keyring: string, acquire: readonly string[]): string {
  return [
    ...acquire,
    `Dir::State ${quote(directory)};`,
    `Dir::State::status ${quote(join(directory, 'status'))};`,
    `Dir::State::lists ${quote(join(directory, 'lists'))};`,
    `Dir::Cache ${quote(directory)};`,
    `Dir::Cache::archives ${quote(join(directory, 'archives'))};`,
    `Dir::Etc::sourcelist ${quote(join(directory, 'debian.sources'))};`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    `Dir::Etc::trusted ${quote(keyring)};`,
    'Dir::Etc::trustedparts "/dev/null";',
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::parts "/dev/null";',
    `APT::Architecture ${quote(architecture)};`,
    `APT::Architectures { ${quote(architecture)}; };`,
    'APT::Install-Recommends "false";',
    // Apt drops root's rights to a user that may not write into the cache.
    'APT::Sandbox::User "root";',
    'Acquire::Retries "2";',
    'Acquire::Languages "none";',
    // Without it apt prints MD5 sums, or nothing.
    'Acquire::ForceHash "SHA256";',
    '',
  ].join('\n');
}

function quote(value: string): string {
  return `"${value.replaceAll('"', '%22')}"`;
}

/** Proxies, credentials' places, retries, checks of dates: how this machine reaches a mirror. */
async function hostAcquireSettings(options: AptOptions): Promise<string[]> {
  const { stdout } = await runCommand({
    argv: ['apt-config', 'dump', '--no-empty'],
    cwd: '/',
    stdout: 'capture',
    signal: options.signal,
  });
  return stdout
    .split('\n')
    .filter((line) => /^Acquire::(?!IndexTargets|Languages|Changelogs|CompressionTypes)/.test(line));
}

/** Children get no environment but what they are given. */
export function proxies(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy']) {
    for (const spelling of [name, name.toUpperCase()]) {
      const value = environment[spelling];
      if (value !== undefined) kept[spelling] = value;
    }
  }
  return kept;
}

function asUpdateFailure(error: unknown, sources: readonly ArchiveSource[]): unknown {
  if (!(error instanceof Failure) || error.parts.code !== 'command-failed') return error;
  const mirrors = sources.flatMap((source) => source.uris.slice(0, 1));
  return new Failure({
    code: 'mirror-unreachable',
    message: `the package lists cannot be read from ${mirrors.join(' and ')}`,
    cause: error.parts.cause
      ?.split('\n')
      .filter((line) => /^[EW]:/.test(line))
      .join('\n'),
    hint: 'check the network, or name another mirror for the workspace (debian: {mirror: …}); with --offline the lists of the last time are used',
    log: error.parts.log,
  });
}
