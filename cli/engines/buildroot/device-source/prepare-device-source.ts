/**
 * Puts device/ into the cache together with its crates, so that cargo needs no network in the middle of Buildroot's build:
 *
 *     Cargo.toml, Cargo.lock, coracle-init/, crates/   copies of what is in device/
 *     LICENSE                                          for legal-info
 *     vendor/                                          the crates (`cargo vendor`)
 *     .cargo/config.toml                               has cargo look there, and nowhere else
 *
 * The directory is there as a whole or not at all; of two builds that need the same one, one prepares it.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../failure.ts';
import { writingCache } from '../../../host/cache-writes.ts';
import { temporaryBeside } from '../../../host/files.ts';
import { type LockHolder, takeLock } from '../../../host/lock.ts';
import { runCommand } from '../../../host/process.ts';
import { findRust, requiredRust } from '../../../host/rust-toolchain.ts';
import { type Host, thisHost } from '../../../host/this-host.ts';
import { crateFailure, registryEnvironment } from '../../cargo-registry.ts';
import { copySources } from '../../device-sources.ts';
import type { BuildEnvironment } from '../../environment.ts';
import type { DeviceSource } from './device-source.ts';

export interface PrepareDeviceSource {
  readonly environment: BuildEnvironment;
  readonly log?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called where another build is preparing the same files. */
  readonly onWait?: (holder: LockHolder) => void;
  readonly host?: Host;
}

/** The source replacement of cargo's own book ("Source Replacement", directory sources). */
const CARGO_CONFIG = [
  '[source.crates-io]',
  'replace-with = "vendored"',
  '',
  '[source.vendored]',
  'directory = "vendor"',
  '',
].join('\n');

/** @throws Failure `host-packages-missing`, `offline`, `crates-unreachable`, `changed-meanwhile` */
export async function prepareDeviceSource(source: DeviceSource, options: PrepareDeviceSource): Promise<void> {
  const { directory } = source;
  const { environment, signal, onWait } = options;
  if (existsSync(directory)) return;
  const lock = {
    what: 'the sources of the programs for the device',
    purpose: 'preparing them for Buildroot',
    signal,
    ...(onWait === undefined ? {} : { onWait }),
  };
  await using _ = await writingCache(environment.cache, () => takeLock(`${directory}.lock`, lock));
  if (existsSync(directory)) return;
  const cargo = await findCargo(environment, options.host ?? thisHost());
  const temporary = temporaryBeside(directory);
  await writingCache(environment.cache, async () => {
    try {
      copySources(join(environment.installation, 'device'), temporary, source.files, environment.hashes);
      await copyFile(join(environment.installation, 'LICENSE'), join(temporary, 'LICENSE'));
      await vendor(cargo, temporary, options);
      await mkdir(join(temporary, '.cargo'));
      await writeFile(join(temporary, '.cargo/config.toml'), CARGO_CONFIG);
      await rename(temporary, directory);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
}

/** The crates have no architecture: any cargo serves that can read the manifests. */
async function findCargo({ installation }: BuildEnvironment, host: Host): Promise<string> {
  const required = requiredRust(installation);
  const machine = host.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const found = await findRust(host, `${machine}-unknown-linux-gnu`, required);
  if (found !== undefined) return found.cargo;
  throw new Failure({
    code: 'host-packages-missing',
    message: `the crates of the programs for the device cannot be fetched: this machine lacks Rust ${required} or later`,
    hint: 'apt-get install rustc-web cargo-web, or rustup brings it',
  });
}

async function vendor(cargo: string, directory: string, { environment, log, signal }: PrepareDeviceSource) {
  const { offline } = environment;
  const argv = [cargo, 'vendor', '--locked', '--versioned-dirs', '--respect-source-config', 'vendor'] as const;
  try {
    await runCommand({
      argv: offline ? [...argv, '--offline'] : argv,
      cwd: directory,
      env: registryEnvironment(),
      signal,
      ...(log === undefined ? {} : { log }),
    });
  } catch (error) {
    if (!(error instanceof Failure) || error.parts.code !== 'command-failed') throw error;
    throw crateFailure(error, offline) ?? error;
  }
}
