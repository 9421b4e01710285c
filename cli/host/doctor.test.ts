import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf } from '../../test/support/files.ts';
import type { Event } from '../ui/events.ts';
import { checkHost, hostReportText } from './doctor.ts';
import { ensureHostPackages, installAdvice, installCommands, installMissing } from './doctor-install.ts';
import { HOST_NEEDS, needsFor, PURPOSES } from './host-packages.ts';
import { isAtLeast, requiredRust } from './rust-toolchain.ts';
import { distribution, findProgram, type Host } from './this-host.ts';

/** A made-up machine in a temporary directory, whose programs are shell scripts. */
let root: string;
let host: Host;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coracle doctor '));
  host = { path: [join(root, 'usr/bin')], root, arch: 'x86_64', isRoot: true };
  put('etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n');
  put('var/lib/apt/lists/x_main_binary-amd64_Packages.lz4', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

function put(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function program(name: string, script = ''): void {
  chmodSync(put(`usr/bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755);
}

function session(): { events: Event[]; installation: string; report: (event: Event) => void; signal: AbortSignal } {
  const events: Event[] = [];
  return { events, installation: root, report: (event) => events.push(event), signal: new AbortController().signal };
}

describe('the table', () => {
  it('says for each need why, for what, and which package brings it', () => {
    for (const need of HOST_NEEDS) {
      expect(need.why, need.name).toMatch(/^[a-z]/);
      expect(need.packages, need.name).not.toHaveLength(0);
      expect(need.purposes, need.name).not.toHaveLength(0);
    }
  });

  it('leaves out cross compilers on the machine that they are native to', () => {
    const names = (arch: 'x86_64' | 'arm64'): string[] => needsFor(PURPOSES, arch).map((need) => need.name);
    expect(names('x86_64')).toContain('aarch64-linux-gnu-gcc');
    expect(names('x86_64')).not.toContain('x86_64-linux-gnu-gcc');
    expect(names('arm64')).toContain('x86_64-linux-gnu-gcc');
    expect(names('arm64')).not.toContain('aarch64-linux-gnu-gcc');
  });
});

describe('building for an architecture', () => {
  // A hint names this purpose wherever the compiler is missing, on a machine of the same architecture as well.
  it.each(['x86_64', 'arm64'] as const)('needs what every build needs, on %s', (arch) => {
    for (const purpose of ['build-x86_64', 'build-arm64'] as const) {
      expect(needsFor([purpose], arch)).toEqual(expect.arrayContaining([...needsFor(['build'], arch)]));
    }
  });
});

describe('checkHost', () => {
  it('finds programs, and names what is missing with its packages and why', async () => {
    program('qemu-system-x86_64');
    const report = await checkHost(host, ['run-x86_64'], '1.0');
    expect(report.missing.map((need) => need.name)).toEqual(['ssh', 'ssh-keygen']);
    expect(report.packages).toEqual(['openssh-client']);
    expect(hostReportText(report)).toContain('ssh-keygen  openssh-client  makes the key for that');
  });

  it('takes a file that is not executable, and a directory, for no program', async () => {
    put('usr/bin/ssh', '');
    expect(findProgram(host, 'ssh')).toBeUndefined();
    mkdirSync(join(root, 'usr/bin/mcopy'));
    expect(findProgram(host, 'mcopy')).toBeUndefined();
  });

  it('takes the first Rust that is recent enough and has the target', async () => {
    const rust = (directory: string, version: string, target: string): string => {
      const sysroot = join(root, directory);
      mkdirSync(join(sysroot, 'lib/rustlib', target, 'lib'), { recursive: true });
      for (const name of ['rustc', 'cargo']) {
        const file = put(
          `${directory}/bin/${name}`,
          `#!/bin/sh\ncase "$1" in --version) echo "rustc ${version} (x)";; *) echo "${sysroot}";; esac\n`,
        );
        chmodSync(file, 0o755);
      }
      return join(sysroot, 'bin');
    };
    const path = [
      rust('old', '1.63.0', 'aarch64-unknown-linux-gnu'),
      rust('lacks', '1.95.0', 'x86_64-unknown-linux-gnu'),
      rust('good', '1.96.0', 'aarch64-unknown-linux-gnu'),
    ];
    const report = await checkHost({ ...host, path }, ['build-arm64'], '1.85');
    const found = report.findings.find(({ need }) => need.name === 'Rust for arm64')?.found;
    expect(found).toBe(`${join(root, 'good/bin/rustc')} (1.96.0)`);
    const newer = await checkHost({ ...host, path }, ['build-arm64'], '1.97');
    expect(newer.packages).toContain('rustc-web');
  });

  it('compares versions by number, and reads what device/ asks for', () => {
    expect(isAtLeast('1.100.0', '1.85')).toBe(true);
    expect(isAtLeast('1.84.9', '1.85')).toBe(false);
    expect(isAtLeast('1.85.0', '1.85')).toBe(true);
    put('device/Cargo.toml', '[workspace.package]\nrust-version = "1.85"\n');
    expect(requiredRust(root)).toBe('1.85');
    expect(requiredRust('/nowhere')).toBe('1.0');
  });
});

describe('installing', () => {
  it('renews the package lists only where there are none', () => {
    const install = ['apt-get', 'install', '--yes', '--no-remove', '--no-install-recommends', 'fdisk'];
    expect(installCommands(host, ['fdisk'])).toEqual([install]);
    rmSync(join(root, 'var/lib/apt/lists'), { recursive: true });
    expect(installCommands(host, ['fdisk'])).toEqual([['apt-get', 'update'], install]);
  });

  it('says what to do on a system that is not like Debian', async () => {
    put('etc/os-release', 'PRETTY_NAME="Fedora Linux 42"\nID=fedora\n');
    expect(distribution(host)).toEqual({ name: 'Fedora Linux 42', debianLike: false });
    const report = await checkHost(host, ['run-x86_64'], '1.0');
    const failure = await failureOf(installMissing(report, session(), { yes: true }));
    expect(failure.parts.message).toContain('Fedora Linux 42 is not Debian');
    expect(failure.parts.cause).toContain('qemu-system-x86');
  });

  it('gives an ordinary user the command, and root the choice', async () => {
    program('apt-get', `echo "$@" >> "${root}/ran"`);
    program('sudo');
    const report = await checkHost(host, ['run-x86_64'], '1.0');
    const user = await failureOf(installMissing({ ...report, host: { ...host, isRoot: false } }, session(), {}));
    expect(user.parts.hint).toContain('sudo apt-get install');
    const asked: string[] = [];
    const ask = async (question: string): Promise<boolean> => {
      asked.push(question);
      return false;
    };
    const bare = { ...report, host: { ...host, isRoot: false, path: [] } };
    expect(installAdvice(bare)).toMatch(/^as root, run: apt-get install .*openssh-client/);
    const no = await failureOf(installMissing(report, session(), { ask }));
    expect(no.parts.message).toContain('you said no');
    expect(asked[0]).toContain('runs x86_64 images');
  });

  it('installs, renewing lists that turn out to be stale, and looks again', async () => {
    // The first install fails as it does when the mirror has moved on; the second brings the programs.
    program(
      'apt-get',
      `echo "$1" >> "${root}/ran"
[ "$1" = update ] && exit 0
if [ "$(grep -c install "${root}/ran")" = 1 ]; then echo "E: Unable to fetch some archives"; exit 100; fi
for name in qemu-system-x86_64 ssh ssh-keygen; do cp "${root}/usr/bin/apt-get" "${root}/usr/bin/$name"; done`,
    );
    vi.stubEnv('PATH', `${join(root, 'usr/bin')}:${process.env['PATH']}`);
    const talk = session();
    await ensureHostPackages(['run-x86_64'], talk, { host, yes: true });
    expect(talk.events.at(-1)).toMatchObject({ kind: 'step-ended', outcome: 'done' });
    const again = session();
    await ensureHostPackages(['run-x86_64'], again, { host, yes: true });
    expect(again.events).toEqual([]);
  });

  it('says so when apt fails, with its last lines', async () => {
    program('apt-get', 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend"; exit 100');
    vi.stubEnv('PATH', `${join(root, 'usr/bin')}:${process.env['PATH']}`);
    const failure = await failureOf(ensureHostPackages(['run-x86_64'], session(), { host, yes: true }));
    expect(failure.parts.code).toBe('host-packages-install');
    expect(failure.parts.cause).toContain('Could not get lock');
  });
});
