import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { failuresOf, temporaryDirectory, writeTree } from '../../test/support/files.ts';
import { copySources, deviceSources, programInputs, sourceInputs } from '../engines/device-sources.ts';
import type { BuildEnvironment } from '../engines/environment.ts';
import { JobBudget } from '../host/job-budget.ts';
import type { Host } from '../host/this-host.ts';
import { FileHashes } from '../stages/file-hashes.ts';
import type { Stage, StageContext } from '../stages/stage.ts';
import { planDeviceProgram } from './plan.ts';
import { rustToolchain } from './toolchain.ts';

/** A compiler that says what it is, and counts how often it was asked. */
const RUSTC = `#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
case "$1" in --version) echo "rustc 1.99.0 (made up)";; *) dirname "$(dirname "$0")";; esac
`;
/** A cargo that does what the test put beside it. */
const CARGO = `#!/bin/sh
. "$(dirname "$0")/behaviour"
`;
/** Writes a program that holds the environment's flags, slowly enough for another build to come along. */
const COMPILES = `
mkdir -p "$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/device"
echo run >> "$(dirname "$0")/runs"
echo "   Compiling coracle-init v0.1.0"
sleep 0.3
echo program > "$CARGO_TARGET_DIR/x86_64-unknown-linux-gnu/device/coracle-init"
`;

let directory: string;
let host: Host;
let environment: BuildEnvironment;

beforeEach(() => {
  directory = temporaryDirectory();
  writeTree(directory, {
    'installation/device/Cargo.toml': `[workspace.package]
rust-version = "1.91"

[workspace.dependencies]
gpt = { path = "crates/gpt" }
json = { path = "crates/json" }
kernel = { path = "crates/kernel" }
libc = "0.2"
`,
    'installation/device/Cargo.lock': 'version = 4\n',
    'installation/device/coracle-init/Cargo.toml':
      '[package]\nname = "coracle-init"\n\n[dependencies]\ngpt.workspace = true\nlibc.workspace = true\n',
    'installation/device/coracle-init/src/main.rs': 'fn main() {}\n',
    'installation/device/coracle-oci/Cargo.toml':
      '[package]\nname = "coracle-oci"\n\n[dependencies]\nkernel = { workspace = true }\n\n[lints]\nworkspace = true\n',
    'installation/device/coracle-oci/src/main.rs': 'fn main() {}\n',
    'installation/device/crates/gpt/Cargo.toml': '[package]\nname = "gpt"\n\n[dependencies]\njson.workspace = true\n',
    'installation/device/crates/gpt/src/lib.rs': '',
    'installation/device/crates/json/Cargo.toml':
      '[package]\nname = "json"\n\n[dev-dependencies]\nkernel.workspace = true\n',
    'installation/device/crates/json/src/lib.rs': '',
    'installation/device/crates/kernel/Cargo.toml': '[package]\nname = "kernel"\n',
    'installation/device/crates/kernel/src/lib.rs': '',
    'installation/device/coracle-init/src/tests.rs': '',
    'installation/device/fuzz/fuzz_targets/gpt.rs': '',
    'installation/device/target/release/build.rs': '',
    'installation/device/README.md': '',
    'rust/bin/rustc': { program: RUSTC },
    'rust/bin/cargo': { program: CARGO },
    'rust/bin/behaviour': COMPILES,
    'rust/bin/gcc': { program: '#!/bin/sh\n' },
    'rust/lib/rustlib/x86_64-unknown-linux-gnu/lib/': '',
    'cache/': '',
  });
  host = { path: [join(directory, 'rust/bin')], root: directory, arch: 'x86_64', isRoot: false };
  environment = newEnvironment();
});

function newEnvironment(more: Partial<BuildEnvironment> = {}): BuildEnvironment {
  const installation = join(directory, 'installation');
  const cache = join(directory, 'cache');
  return { installation, project: directory, cache, offline: false, hashes: new FileHashes(), ...more };
}

function read(path: string): string {
  return readFileSync(join(directory, path), 'utf8');
}

function lineCount(path: string): number {
  return read(path).split('\n').length - 1;
}

/** Runs a stage as the runner would, and returns its program's text. */
async function run(stage: Stage, name: string): Promise<string> {
  const [output, scratch] = [join(directory, name, 'output'), join(directory, name, 'scratch')];
  for (const path of [output, scratch]) mkdirSync(path, { recursive: true });
  const context: Omit<StageContext, 'jobs'> = {
    output,
    scratch,
    outputOf: () => output,
    log: join(directory, name, 'log'),
    report: () => undefined,
    step: 'test/device-programs',
    signal: new AbortController().signal,
  };
  await new JobBudget(2).share(context.signal, (jobs) => stage.run({ ...context, jobs }));
  return readFileSync(join(output, 'coracle-init'), 'utf8');
}

describe('sources', () => {
  it('are what programs come from, and nothing else', () => {
    const device = join(environment.installation, 'device');
    expect(deviceSources(device).filter((path) => !path.includes('crates/'))).toEqual([
      'Cargo.lock',
      'Cargo.toml',
      'coracle-init/Cargo.toml',
      'coracle-init/src/main.rs',
      'coracle-oci/Cargo.toml',
      'coracle-oci/src/main.rs',
    ]);
    expect(sourceInputs(device, environment.hashes).map(({ name }) => name)).toContain(
      'device/coracle-init/src/main.rs',
    );
  });

  it('of one program are its crate and those that it needs', () => {
    const device = join(environment.installation, 'device');
    const of = (program: string) => programInputs(device, program, environment.hashes).map(({ name }) => name);
    const crate = (path: string, main = 'lib') => [`device/${path}/Cargo.toml`, `device/${path}/src/${main}.rs`];
    const common = ['device/Cargo.lock', 'device/Cargo.toml'];
    expect(of('coracle-init')).toEqual([
      ...common,
      ...crate('coracle-init', 'main'),
      ...crate('crates/gpt'),
      ...crate('crates/json'),
    ]);
    expect(of('coracle-oci')).toEqual([...common, ...crate('coracle-oci', 'main'), ...crate('crates/kernel')]);
  });

  it('that change between the key and the compilation are noticed', async () => {
    const device = join(environment.installation, 'device');
    const inputs = sourceInputs(device, environment.hashes);
    writeFileSync(join(device, 'coracle-init/src/main.rs'), 'fn main() { other() }\n');
    const failures = await failuresOf(() => copySources(device, join(directory, 'copy'), inputs, new FileHashes()));
    expect(failures).toMatchObject([{ code: 'changed-meanwhile', message: expect.stringContaining('main.rs') }]);
  });
});

describe('the toolchain', () => {
  it('is asked once, and again when its file has changed', async () => {
    const first = await rustToolchain('x86_64', { ...environment, host });
    expect(first).toMatchObject({ version: '1.99.0', release: 'rustc 1.99.0 (made up)', hasTarget: true });
    expect(await rustToolchain('x86_64', { ...environment, host })).toEqual(first);
    expect(lineCount('rust/bin/asked')).toBe(2);
    writeFileSync(join(directory, 'rust/bin/rustc'), RUSTC.replace('made up', 'another'));
    expect((await rustToolchain('x86_64', { ...environment, host })).release).toContain('another');
  });

  it('that lacks the target, or is too old, is missed with a way out', async () => {
    const lacks = await failuresOf(() => rustToolchain('arm64', { ...environment, host }));
    expect(lacks).toMatchObject([{ code: 'host-packages-missing', hint: expect.stringContaining('build-arm64') }]);
    writeFileSync(join(environment.installation, 'device/Cargo.toml'), 'rust-version = "2.0"\n');
    const old = await failuresOf(() => rustToolchain('x86_64', { ...environment, host }));
    expect(old).toMatchObject([{ message: expect.stringContaining('Rust 2.0 or later') }]);
  });
});

describe('the stage', () => {
  it('compiles once for two builds at the same time, and not again for a third', async () => {
    const stage = () => planDeviceProgram('coracle-init', 'x86_64', newEnvironment(), host);
    expect(await Promise.all([run(stage(), 'one'), run(stage(), 'two')])).toEqual(['program\n', 'program\n']);
    expect(await run(stage(), 'three')).toBe('program\n');
    expect(lineCount('rust/bin/runs')).toBe(1);
  });

  it('is another when a source of its own program is, and only then', async () => {
    const keyOf = async (program: string) => {
      return JSON.stringify(await planDeviceProgram(program, 'x86_64', newEnvironment(), host).inputs());
    };
    const before = [await keyOf('coracle-init'), await keyOf('coracle-oci')];
    writeFileSync(join(environment.installation, 'device/crates/kernel/src/lib.rs'), '// new\n');
    expect(await keyOf('coracle-init')).toBe(before[0]);
    expect(await keyOf('coracle-oci')).not.toBe(before[1]);
  });

  it('compiles again when a source, the compiler or the kept program has changed', async () => {
    const stage = () => planDeviceProgram('coracle-init', 'x86_64', newEnvironment(), host);
    await run(stage(), 'one');
    writeFileSync(join(environment.installation, 'device/coracle-init/src/main.rs'), 'fn main() { new() }\n');
    await run(stage(), 'two');
    writeFileSync(join(directory, 'rust/bin/rustc'), RUSTC.replace('made up', 'another'));
    await run(stage(), 'three');
    expect(lineCount('rust/bin/runs')).toBe(3);
    const inputs = await stage().inputs();
    expect(inputs.map(({ name }) => name)).toContain('the Rust compiler');
    rmSync(join(directory, 'rust/bin/runs'));
    for (const kept of keptPrograms()) writeFileSync(kept, 'tampered');
    expect(await run(stage(), 'four')).toBe('program\n');
    expect(lineCount('rust/bin/runs')).toBe(1);
  });

  it('says what is wrong when the compiler, the network or the cache of cargo is', async () => {
    const fails = async (behaviour: string, offline = false) => {
      writeFileSync(join(directory, 'rust/bin/behaviour'), behaviour);
      return failuresOf(() =>
        run(planDeviceProgram('coracle-init', 'x86_64', newEnvironment({ offline }), host), 'one'),
      );
    };
    const broken =
      'echo "   Compiling a"; echo "error[E0425]: cannot find value" >&2; echo " --> main.rs:1" >&2; exit 101';
    expect(await fails(broken)).toMatchObject([
      { code: 'device-program-broken', cause: 'error[E0425]: cannot find value\n --> main.rs:1' },
    ]);
    const unreachable = 'echo "error: failed to get libc as a dependency" >&2; exit 101';
    expect(await fails(unreachable)).toMatchObject([{ code: 'crates-unreachable' }]);
    const absent = 'echo "error: no matching package named libc found" >&2; exit 101';
    expect(await fails(absent, true)).toMatchObject([
      { code: 'offline', hint: expect.stringContaining('once with a network') },
    ]);
  });

  it('misses a linker with a way out', async () => {
    chmodSync(join(directory, 'rust/bin/gcc'), 0o644);
    const failures = await failuresOf(() => planDeviceProgram('coracle-init', 'x86_64', environment, host).inputs());
    expect(failures).toMatchObject([{ code: 'host-packages-missing', message: expect.stringContaining('gcc') }]);
  });
});

function keptPrograms(): readonly string[] {
  const device = join(directory, 'cache/device');
  const keys = readdirSync(device).filter((name) => /^[0-9a-f]{32}$/.test(name));
  return keys.map((key) => join(device, key, 'x86_64/coracle-init'));
}
