/**
 * One run of cargo: a copy of the sources goes in, a static program comes out, with the same bytes wherever the checkout,
 * the cache and cargo's own directory are.
 */
import { join } from 'node:path';
import { cargoHome, crateFailure, registryEnvironment, tellingLines } from '../engines/cargo-registry.ts';
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
  const flags = [
    ...['-C', 'target-feature=+crt-static'],
    // The first process needs no random addresses, and a fixed one saves relocating 100 KB at every boot.
    ...['-C', 'relocation-model=static'],
    ...['--remap-path-prefix', `${source}=/device`, '--remap-path-prefix', `${cargoHome()}=/cargo`],
    ...(sysroot === undefined ? [] : ['--sysroot', sysroot]),
  ];
  const variable = target.triple.toUpperCase().replaceAll('-', '_');
  return {
    ...registryEnvironment(),
    CARGO_TARGET_DIR: scratch,
    CARGO_INCREMENTAL: '0',
    RUSTC: toolchain.rustc,
    RUSTC_WRAPPER: '',
    RUSTC_WORKSPACE_WRAPPER: '',
    // Separated by a character that no path has, so that spaces are no matter.
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    [`CARGO_TARGET_${variable}_LINKER`]: target.linker,
  };
}

function explain(error: unknown, name: string, { target, offline }: Compilation): unknown {
  if (!(error instanceof Failure) || error.parts.code !== 'command-failed') return error;
  const unreachable = crateFailure(error, offline);
  if (unreachable !== undefined) return unreachable;
  const { cause = '', log } = error.parts;
  return new Failure({
    log,
    cause: tellingLines(cause),
    code: 'device-program-broken',
    message: `${name} does not compile for ${target.triple}`,
    hint: 'a change in device/ may be the reason; cd device && cargo build shows the same error with its place',
  });
}
