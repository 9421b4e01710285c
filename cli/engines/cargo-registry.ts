/**
 * How cargo reaches the registry of crates: the user's own configuration of it, mirrors, tokens, certificates and proxies;
 * and what to say where that does not work.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { proxies } from './debian/apt/private-apt.ts';

/** Where cargo keeps what it fetched. */
export function cargoHome(): string {
  return process.env['CARGO_HOME'] ?? join(homedir(), '.cargo');
}

/** Environment of a cargo that may fetch crates. */
export function registryEnvironment(): Record<string, string> {
  const wanted = /^(CARGO_(HTTP|NET|REGISTR|SOURCE)|SSL_CERT_)/;
  const own = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && wanted.test(name) ? [[name, value] as const] : [],
  );
  return { ...Object.fromEntries(own), ...proxies(), CARGO_HOME: cargoHome(), CARGO_TERM_COLOR: 'never' };
}

/** `offline` or `crates-unreachable`, if that is why a cargo failed. */
export function crateFailure({ parts }: Failure, offline: boolean): Failure | undefined {
  const { cause = '', log } = parts;
  const told = { log, cause: tellingLines(cause) };
  if (offline && /offline|failed to download|no matching package/i.test(cause)) {
    return new Failure({
      ...told,
      code: 'offline',
      message:
        'the crates of the programs for the device are not in the cache of cargo, and --offline forbids to fetch them',
      hint: 'build once with a network; the cache keeps what was fetched',
    });
  }
  if (/failed to (download|get|fetch|query|update)|Could(n't| not) (resolve|connect)|spurious network/i.test(cause)) {
    return new Failure({
      ...told,
      code: 'crates-unreachable',
      message: 'cargo cannot fetch the crates of the programs for the device',
      hint: 'check the network and the configuration of cargo; with the crates in its cache, --offline builds without',
    });
  }
  return undefined;
}

/** Of what a cargo printed, from the first error on: what was compiled before it tells nothing. */
export function tellingLines(text: string): string {
  const lines = text.split('\n').filter((line) => !/^\s*(Compiling|Downloaded|Downloading|Updating) /.test(line));
  const first = lines.findIndex((line) => /^error/.test(line));
  return lines.slice(Math.max(0, first), Math.max(0, first) + 20).join('\n');
}
