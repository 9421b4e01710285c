/**
 * Bundles of our own, and containers made of them. The root file system is Debian's static busybox and nothing else; the
 * configuration is small, and each test changes what it is about.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from './runtime.ts';
import type { Ran, View } from './view.ts';

/** As config.json has it; tests write wrong ones on purpose, so it is not typed further. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Config = Record<string, any>;

const BUSYBOX = '/usr/bin/busybox';
const APPLETS = [
  'sh',
  'cat',
  'echo',
  'ls',
  'stat',
  'readlink',
  'mount',
  'test',
  'true',
  'false',
  'sleep',
  'touch',
  'id',
];
const MORE = [
  'hostname',
  'grep',
  'mkdir',
  'head',
  'kill',
  'env',
  'printenv',
  'wc',
  'ps',
  'sed',
  'ionice',
  'umount',
  'mknod',
  'dd',
  'tty',
];

/** Why there can be no bundles on this machine, if so. */
export function lacksBusybox(): string | undefined {
  if (existsSync(BUSYBOX) && existsSync('/usr/share/doc/busybox-static')) return undefined;
  return 'the package busybox-static is not on this machine';
}

export function baseConfig(script: string): Config {
  return {
    ociVersion: '1.2.0',
    process: {
      user: { uid: 0, gid: 0 },
      args: ['sh', '-c', script],
      env: ['PATH=/bin'],
      cwd: '/',
    },
    root: { path: 'rootfs' },
    hostname: 'inside',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })) },
  };
}

export class Container {
  readonly bundle: string;
  readonly id: string;
  readonly rootfs: string;
  readonly #view: View;
  readonly #runtime: Runtime;
  readonly #state: string;

  constructor(view: View, runtime: Runtime, scratch: string, config: Config) {
    this.#view = view;
    this.#runtime = runtime;
    this.#state = join(scratch, 'state');
    this.bundle = mkdtempSync(join(scratch, 'c-'));
    this.id = this.bundle.slice(this.bundle.lastIndexOf('/') + 1);
    this.rootfs = join(this.bundle, 'rootfs');
    for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp', 'data', 'etc']) {
      mkdirSync(join(this.rootfs, name), { recursive: true });
    }
    cpSync(BUSYBOX, join(this.rootfs, 'bin/busybox'));
    for (const name of [...APPLETS, ...MORE]) symlinkSync('busybox', join(this.rootfs, 'bin', name));
    writeFileSync(join(this.bundle, 'config.json'), JSON.stringify({ linux: {}, ...config }));
  }

  /** Where the runtime keeps what it knows. */
  get stateDirectory(): string {
    return this.#state;
  }

  /** The command line of the runtime. */
  argv(...args: readonly string[]): string[] {
    return [this.#runtime.path, '--root', this.#state, ...args];
  }

  /** The runtime with arguments as they are. */
  command(...args: readonly string[]): Promise<Ran> {
    return this.#view.run(this.argv(...args), { cwd: this.bundle });
  }

  /** What the container says goes to a file, so that nobody waits for its end. */
  create(...options: readonly string[]): Promise<Ran> {
    return this.#quiet('create', ...options, this.id);
  }

  start(): Promise<Ran> {
    return this.command('start', this.id);
  }

  /** From create to delete; gives what the program said. */
  run(...options: readonly string[]): Promise<Ran> {
    return this.command('run', ...options, this.id);
  }

  async state(): Promise<Config> {
    const ran = await this.command('state', this.id);
    if (ran.exitCode !== 0) throw new Error(ran.stderr);
    return JSON.parse(ran.stdout) as Config;
  }

  async status(): Promise<string> {
    const ran = await this.command('state', this.id);
    return ran.exitCode === 0 ? String((JSON.parse(ran.stdout) as Config)['status']) : 'absent';
  }

  /** Waits for a status, ten seconds at most. */
  async until(status: string): Promise<void> {
    const limit = Date.now() + 10_000;
    for (;;) {
      const now = await this.status();
      if (now === status) return;
      if (Date.now() > limit) throw new Error(`${this.id} is ${now}, not ${status}`);
    }
  }

  /** What the container wrote since it was created. */
  output(): string {
    return readFileSync(join(this.bundle, 'output'), 'utf8');
  }

  async remove(): Promise<void> {
    await this.command('delete', '--force', this.id);
    rmSync(this.bundle, { recursive: true, force: true });
  }

  #quiet(...args: readonly string[]): Promise<Ran> {
    const script = 'exec >output; exec "$@" </dev/null';
    return this.#view.run(['sh', '-c', script, 'sh', ...this.argv(...args)], { cwd: this.bundle });
  }
}
