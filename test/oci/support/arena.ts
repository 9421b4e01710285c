/**
 * A bundle with a hostile root file system, and the runtime under test let loose on it where it can do the machine no harm
 * (test/fixtures/oci-security/arena.sh).
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, thisHost } from '../../../cli/host/this-host.ts';

const INSTALLATION = join(import.meta.dirname, '../../..');
const FIXTURES = join(INSTALLATION, 'test/fixtures/oci-security');
const APPLETS = [
  'cat',
  'chmod',
  'grep',
  'id',
  'ls',
  'mkdir',
  'mount',
  'readlink',
  'sh',
  'sleep',
  'stat',
  'touch',
  'true',
];
const LIMIT_MS = 60_000;

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A config.json of which tests change what they are about. */
export interface Config {
  [name: string]: unknown;
  process: { [name: string]: unknown; args: string[] };
  mounts: { destination: string; type?: string; source?: string; options?: string[] }[];
  linux: { [name: string]: unknown; namespaces: { type: string; path?: string }[] };
}

/** Why containers cannot be tried here, if so. */
export function reasonForNoArena(): string | undefined {
  if (process.getuid?.() !== 0) return 'containers of this test need root';
  if (!runtimeProgram() && findProgram(thisHost(), 'cargo') === undefined) return 'cargo is not on this machine';
  if (findProgram(thisHost(), 'gcc') === undefined) return 'gcc is not on this machine';
  return staticBusybox() === undefined ? 'there is no static busybox (Debian package busybox-static)' : undefined;
}

function staticBusybox(): string | undefined {
  const path = findProgram(thisHost(), 'busybox');
  // Without a loader's name there is no loader.
  return path !== undefined && !readFileSync(path).includes('/ld-linux') ? path : undefined;
}

function runtimeProgram(): string | undefined {
  return process.env['CORACLE_OCI_RUNTIME'] || undefined;
}

/** As the device gets it, unless the environment names a program. */
function compileRuntime(): string {
  const named = runtimeProgram();
  if (named !== undefined) return named;
  const target = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`;
  const options = [
    'build',
    '--profile',
    'device',
    '--package',
    'coracle-oci',
    '--locked',
    '--quiet',
    '--target',
    target,
  ];
  const env = { ...process.env, RUSTFLAGS: '-C target-feature=+crt-static -C relocation-model=static' };
  execFileSync('cargo', options, { cwd: join(INSTALLATION, 'device'), stdio: 'pipe', env });
  const directory = process.env['CARGO_TARGET_DIR'] ?? join(INSTALLATION, 'device/target');
  return join(directory, target, 'device/coracle-oci');
}

let count = 0;

export class Arena {
  /** A copy of the runtime, as an attacker may wish to change it. */
  readonly runtime: string;
  readonly rootfs: string;
  /** A directory of the host's that no container may touch. */
  readonly outside: string;
  readonly bundle: string;
  readonly #directory: string;

  constructor() {
    // No space in its name: the scripts of tests do not quote everything.
    this.#directory = mkdtempSync(join(tmpdir(), 'coracle-arena-'));
    [this.runtime, this.bundle, this.outside] = ['coracle-oci', 'bundle', 'outside'].map((name) =>
      join(this.#directory, name),
    ) as [string, string, string];
    this.rootfs = join(this.bundle, 'rootfs');
    copyFileSync(compileRuntime(), this.runtime);
    for (const name of ['bin', 'dev', 'etc', 'proc', 'tmp']) mkdirSync(join(this.rootfs, name), { recursive: true });
    mkdirSync(this.outside);
    copyFileSync(staticBusybox() as string, join(this.rootfs, 'bin/busybox'));
    for (const name of APPLETS) symlinkSync('busybox', join(this.rootfs, 'bin', name));
    const attacker = join(this.rootfs, 'bin/attacker');
    execFileSync('gcc', ['-static', '-O2', '-Wall', '-Werror', '-o', attacker, join(FIXTURES, 'attacker.c')]);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Writes config.json; what is written is what `change` leaves. */
  configure(args: readonly string[], change: (config: Config) => void = () => {}): void {
    const config: Config = {
      ociVersion: '1.0.2',
      process: {
        args: [...args],
        cwd: '/',
        env: ['PATH=/bin'],
        user: { uid: 0, gid: 0 },
        capabilities: capabilities([]),
      },
      root: { path: 'rootfs' },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      ],
      linux: { namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })) },
    };
    change(config);
    this.write(JSON.stringify(config));
  }

  /** Writes config.json as it is. */
  write(config: string | Uint8Array): void {
    writeFileSync(join(this.bundle, 'config.json'), config);
  }

  /** Runs the container of config.json to its end. */
  run(...options: string[]): Promise<Ran> {
    count += 1;
    return this.shell(`$R run ${options.join(' ')} --bundle ${this.bundle} run-${count}`);
  }

  /** Runs a script, in which $R is the runtime and $B the bundle. What it starts in the background, it ends. */
  shell(script: string, limitMs: number = LIMIT_MS): Promise<Ran> {
    const R = `${this.runtime} --root ${join(this.#directory, 'state')}`;
    const env = { PATH: process.env['PATH'], R, B: this.bundle };
    const child = spawn('sh', [join(FIXTURES, 'arena.sh'), 'sh', '-c', script], { stdio: 'pipe', detached: true, env });
    child.stdin.end();
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (bytes: Buffer) => {
        said[name] += bytes.toString('latin1');
      });
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        reject(new Error(`not done after ${limitMs} ms: ${script}\n${said.stdout}${said.stderr}`));
      }, limitMs);
      child.on('close', (code) => {
        clearTimeout(timer);
        resolve({ exitCode: code ?? -1, ...said });
      });
    });
  }

  /** Inode number of the runtime's file. */
  get runtimeNumber(): string {
    return execFileSync('stat', ['-c', '%i', this.runtime], { encoding: 'utf8' }).trim();
  }

  has(path: string): boolean {
    return existsSync(join(this.rootfs, path));
  }
}

/** All sets but those that make capabilities outlive a change of the user. */
export function capabilities(names: readonly string[]): Record<string, readonly string[]> {
  return { bounding: names, effective: names, permitted: names };
}
