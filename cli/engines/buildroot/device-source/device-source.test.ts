import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { failureOf, failuresOf, temporaryDirectory, writeTree } from '../../../../test/support/files.ts';
import type { Host } from '../../../host/this-host.ts';
import type { Value } from '../../../kconfig/assignment.ts';
import { mergeAssignments } from '../../../kconfig/merge.ts';
import { NOT_SET } from '../../../kconfig/value.ts';
import { readLayer } from '../../../layers/read-layer.ts';
import { FileHashes } from '../../../stages/file-hashes.ts';
import type { ResolvedConfig } from '../../../workspace/resolved.ts';
import type { BuildEnvironment } from '../../environment.ts';
import { type DeviceSource, deviceSource, deviceTree } from './device-source.ts';
import { prepareDeviceSource } from './prepare-device-source.ts';

const INSTALLATION = join(import.meta.dirname, '../../../..');
const INIT = 'BR2_PACKAGE_CORACLE_INIT';
const YES: Value = { kind: 'tristate', value: 'y' };

const RUSTC = `#!/bin/sh
case "$1" in --version) echo "rustc 1.99.0 (made up)";; *) dirname "$(dirname "$0")";; esac
`;
/** Says how it was called, and does what the test put beside it. */
const CARGO = `#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
. "$(dirname "$0")/behaviour"
`;
/** Slowly enough for another build to come along. */
const VENDORS = 'sleep 0.3; mkdir -p vendor/libc-0.2.1; echo crate > vendor/libc-0.2.1/lib.rs';

let directory: string;
let environment: BuildEnvironment;
let host: Host;

beforeEach(() => {
  directory = temporaryDirectory();
  writeTree(directory, {
    'installation/LICENSE': 'MIT\n',
    'installation/device/Cargo.toml': '[workspace.package]\nrust-version = "1.88"\n',
    'installation/device/Cargo.lock': 'version = 4\n',
    'installation/device/coracle-init/src/main.rs': 'fn main() {}\n',
    'installation/device/fuzz/fuzz_targets/gpt.rs': '',
    'installation/device/target/release/build.rs': '',
    'installation/device/buildroot/external.desc': 'name: CORACLE\n',
    'rust/bin/rustc': { program: RUSTC },
    'rust/bin/cargo': { program: CARGO },
    'rust/bin/behaviour': VENDORS,
    'rust/lib/rustlib/x86_64-unknown-linux-gnu/lib/': '',
    'cache/': '',
  });
  host = { path: [join(directory, 'rust/bin')], root: directory, arch: 'x86_64', isRoot: false };
  environment = newEnvironment();
});

function newEnvironment(more: Partial<BuildEnvironment> = {}): BuildEnvironment {
  const [installation, cache] = [join(directory, 'installation'), join(directory, 'cache')];
  return { installation, project: directory, cache, offline: false, hashes: new FileHashes(), ...more };
}

function asking(
  symbols: Readonly<Record<string, Value>>,
  layers: ResolvedConfig['layers'] = [],
): Pick<ResolvedConfig, 'symbols' | 'layers'> {
  const assignments = Object.entries(symbols).map(([symbol, value], index) => ({
    symbol,
    value,
    origin: { layer: 'a/b', file: '/a/b', line: index + 1 },
  }));
  const none = new Map();
  return { layers, symbols: { buildroot: mergeAssignments(assignments), kernel: none, uboot: none, busybox: none } };
}

function askingForOci(): ResolvedConfig['layers'][number] {
  const root = { kind: 'path', directory, label: 'layers' } as const;
  writeTree(directory, { 'layers/my/pods/layer.yaml': 'description: Pods\nprograms: [coracle-oci]\n' });
  const layer = readLayer('my/pods', root, join(directory, 'layers/my/pods'));
  if (layer === undefined) throw new Error('no layer');
  return { layer, reason: { kind: 'asked' } };
}

function askedSource(where = environment): DeviceSource {
  const source = deviceSource(asking({ [INIT]: YES }), where);
  if (source === undefined) throw new Error('no sources');
  return source;
}

const asked = (): string[] => readFileSync(join(directory, 'rust/bin/asked'), 'utf8').trimEnd().split('\n');

describe('the tree of our own', () => {
  it('is there only for who asks for a program', () => {
    expect(deviceSource(asking({ [INIT]: YES }), environment)).toBeDefined();
    expect(deviceSource(asking({ BR2_PACKAGE_CORACLE_OCI: YES }), environment)).toBeDefined();
    expect(deviceSource(asking({ [INIT]: NOT_SET }), environment)).toBeUndefined();
    expect(deviceSource(asking({}, [askingForOci()]), environment)).toBeDefined();
    expect(deviceSource(asking({ BR2_PACKAGE_CORACLE_OCI: NOT_SET }, [askingForOci()]), environment)).toBeUndefined();
    expect(deviceSource(asking({ BR2_PACKAGE_BUSYBOX: YES, MY_BR2_PACKAGE_CORACLE_INIT: YES }), environment)).toBe(
      undefined,
    );
  });

  it('says where the sources are, in words that make understands', async () => {
    const source = { ...askedSource(), directory: '/cache/device' };
    const parts = await failuresOf(() => deviceTree(source, environment));
    expect(parts).toMatchObject([{ code: 'path-not-for-make', message: expect.stringContaining('Coracle itself') }]);
    const where = { ...environment, installation: INSTALLATION };
    expect(deviceTree(source, where)).toEqual({
      layer: 'Coracle',
      directory: join(INSTALLATION, 'device/buildroot'),
      name: 'CORACLE',
      variables: { CORACLE_DEVICE_SOURCE: '/cache/device' },
    });
    const blank = { ...source, directory: '/my cache/device' };
    expect(await failuresOf(() => deviceTree(blank, where))).toMatchObject([{ code: 'path-not-for-make' }]);
  });

  it('has a package for every program, of the version of the workspace', () => {
    const device = join(INSTALLATION, 'device');
    const version = /^version = "(.*)"$/m.exec(readFileSync(join(device, 'Cargo.toml'), 'utf8'))?.[1];
    const menu = readFileSync(join(device, 'buildroot/Config.in'), 'utf8');
    const packages = readdirSync(join(device, 'buildroot/package'));
    const programs = readdirSync(device).filter((name) => existsSync(join(device, name, 'src/main.rs')));
    expect(packages).toEqual(programs);
    for (const name of packages) {
      const recipe = readFileSync(join(device, 'buildroot/package', name, `${name}.mk`), 'utf8');
      expect(recipe).toContain(`_VERSION = ${version}\n`);
      expect(menu).toContain(`package/${name}/Config.in`);
    }
  });
});

describe('the prepared sources', () => {
  it('are device/, its crates, the licence, and where cargo is to look', async () => {
    const source = askedSource();
    await prepareDeviceSource(source, { environment, host });
    const files = readdirSync(source.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(source.directory.length + 1));
    expect(files.sort()).toEqual([
      '.cargo/config.toml',
      'Cargo.lock',
      'Cargo.toml',
      'LICENSE',
      'coracle-init/src/main.rs',
      'vendor/libc-0.2.1/lib.rs',
    ]);
    expect(asked()).toEqual(['vendor --locked --versioned-dirs --respect-source-config vendor']);
    await prepareDeviceSource(source, { environment, host });
    expect(asked()).toHaveLength(1);
  });

  it('are prepared once for builds that want them at once', async () => {
    const source = askedSource();
    await Promise.all([1, 2].map(() => prepareDeviceSource(source, { environment, host })));
    expect(asked()).toHaveLength(1);
  });

  it('are others where a source or the lock file is another, and the same where only a test is', () => {
    const before = askedSource().directory;
    writeFileSync(join(environment.installation, 'device/fuzz/fuzz_targets/gpt.rs'), 'fn main() {}\n');
    expect(askedSource(newEnvironment()).directory).toBe(before);
    writeFileSync(join(environment.installation, 'device/Cargo.lock'), 'version = 5\n');
    expect(askedSource(newEnvironment()).directory).not.toBe(before);
  });

  it('are not there at all when cargo fails, and it is said why', async () => {
    writeFileSync(
      join(directory, 'rust/bin/behaviour'),
      'mkdir vendor; echo "error: failed to download" >&2; exit 101',
    );
    for (const [offline, code] of [
      [true, 'offline'],
      [false, 'crates-unreachable'],
    ] as const) {
      const where = newEnvironment({ offline });
      const failure = await failureOf(prepareDeviceSource(askedSource(where), { environment: where, host }));
      expect(failure.parts.code).toBe(code);
      expect(readdirSync(join(directory, 'cache/buildroot/device-source'))).toEqual([]);
    }
    expect(asked()[0]).toContain('--offline');
  });

  it('need a Rust of this machine', async () => {
    const failure = await failureOf(prepareDeviceSource(askedSource(), { environment, host: { ...host, path: [] } }));
    expect(failure.parts.code).toBe('host-packages-missing');
  });

  it('are not taken while they change', async () => {
    const source = askedSource();
    writeFileSync(join(environment.installation, 'device/coracle-init/src/main.rs'), 'fn main() { return }\n');
    const failure = await failureOf(prepareDeviceSource(source, { environment, host }));
    expect(failure.parts.code).toBe('changed-meanwhile');
    expect(existsSync(source.directory)).toBe(false);
  });
});
