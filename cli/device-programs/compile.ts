/**
 * One run of cargo: a copy of the sources goes in, a static program comes out, with the same bytes wherever the checkout,
 * the cache and cargo's own directory are.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { proxies } from '../engines/debian/apt/private-apt.ts';
import { Failure } from '../failure.ts';
import type { MakeJobs } from '../host/job-budget.ts';
import { runCommand } from '../host/process.ts';
import type { RustToolchain } from '../host/rust-toolchain.ts';
import type { Target } from './targets.ts';

export interface Compilation {
  readonly toolchain: RustToolchain;
  readonly target: Target;
  /** Where the standard library for the target is, unless it is the toolchain's own. */
  readonly sysroot?: string | undefined;
  /** Directory of the workspace's Cargo.toml. */
  readonly source: string;
  /** Directory for what cargo writes. */
  readonly scratch: string;
  readonly offline: boolean;
  /** How many of its own it may start; as many as there are processors unless told. */
  readonly jobs?: MakeJobs;
  readonly log?: string | undefined;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Raise it when programs come out differently from the same sources. */
export const FORMAT = '1 static, position dependent';

/** Of device/Cargo.toml. */
const PROFILE = 'device';

/** Returns the program's path. @throws Failure `offline`, `crates-unreachable`, `device-program-broken` */
export async function compileProgram(name: string, compilation: Compilation): Promise<string> {
  const { toolchain, target, scratch, offline } = compilation;
  const argv = [
    toolchain.cargo,
    'build',
    '--profile',
    PROFILE,
    '--locked',
    '--target',
    target.triple,
    '--package',
    name,
  ] as const;
  try {
    await cargo(compilation, offline ? [...argv, '--offline'] : argv);
  } catch (error) {
    throw explain(error, name, compilation);
  }
  return join(scratch, target.triple, PROFILE, name);
}

function cargo(compilation: Compilation, argv: readonly [string, ...string[]]) {
  const { source, jobs, log, onLine, signal } = compilation;
  return runCommand({
    argv,
    cwd: source,
    env: { ...cargoEnvironment(compilation), ...(jobs && { ...jobs.env, CARGO_BUILD_JOBS: String(jobs.perProgram) }) },
    ...(jobs && { descriptors: jobs.descriptors }),
    signal,
    ...(log === undefined ? {} : { log }),
    ...(onLine === undefined ? {} : { onLine }),
  });
}

/**
 * The user's configuration of cargo says how to reach the registry, and no more: flags, linker and the absence of wrappers
 * given here win over what is in config.toml.
 */
function cargoEnvironment({ toolchain, target, sysroot, source, scratch }: Compilation): Record<string, string> {
  const cargoHome = process.env['CARGO_HOME'] ?? join(homedir(), '.cargo');
  const flags = [
    ...['-C', 'target-feature=+crt-static'],
    // The first process needs no random addresses, and a fixed one saves relocating 100 KB at every boot.
    ...['-C', 'relocation-model=static'],
    ...['--remap-path-prefix', `${source}=/device`, '--remap-path-prefix', `${cargoHome}=/cargo`],
    ...(sysroot === undefined ? [] : ['--sysroot', sysroot]),
  ];
  const variable = target.triple.toUpperCase().replaceAll('-', '_');
  return {
    ...registryEnvironment(),
    ...proxies(),
    CARGO_HOME: cargoHome,
    CARGO_TARGET_DIR: scratch,
    CARGO_INCREMENTAL: '0',
    CARGO_TERM_COLOR: 'never',
    RUSTC: toolchain.rustc,
    RUSTC_WRAPPER: '',
    RUSTC_WORKSPACE_WRAPPER: '',
    // Separated by a character that no path has, so that spaces are no matter.
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    [`CARGO_TARGET_${variable}_LINKER`]: target.linker,
  };
}

/** Mirrors of the registry, tokens, certificates. */
function registryEnvironment(): Record<string, string> {
  const wanted = /^(CARGO_(HTTP|NET|REGISTR|SOURCE)|SSL_CERT_)/;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && wanted.test(name) ? [[name, value] as const] : [],
    ),
  );
}

function explain(error: unknown, name: string, { target, offline }: Compilation): unknown {
  if (!(error instanceof Failure) || error.parts.code !== 'command-failed') return error;
  const { cause = '', log } = error.parts;
  const parts = { log, cause: tellingLines(cause) };
  if (offline && /offline|failed to download|no matching package/i.test(cause)) {
    return new Failure({
      ...parts,
      code: 'offline',
      message:
        'the crates of the programs for the device are not in the cache of cargo, and --offline forbids to fetch them',
      hint: 'build once with a network; the cache keeps what was fetched',
    });
  }
  if (/failed to (download|get|fetch|query|update)|Could(n't| not) (resolve|connect)|spurious network/i.test(cause)) {
    return new Failure({
      ...parts,
      code: 'crates-unreachable',
      message: 'cargo cannot fetch the crates of the programs for the device',
      hint: 'check the network and the configuration of cargo; with the crates in its cache, --offline builds without',
    });
  }
  return new Failure({
    ...parts,
    code: 'device-program-broken',
    message: `${name} does not compile for ${target.triple}`,
    hint: 'a change in device/ may be the reason; cd device && cargo build shows the same error with its place',
  });
}

/** From the first error on; what was compiled before it tells nothing. */
function tellingLines(text: string): string {
  const lines = text.split('\n').filter((line) => !/^\s*(Compiling|Downloaded|Downloading|Updating) /.test(line));
  const first = lines.findIndex((line) => /^error/.test(line));
  return lines.slice(Math.max(0, first), Math.max(0, first) + 20).join('\n');
}
