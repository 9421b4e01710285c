/**
 * coracle-oci-agent as a test sees it: the real program, a bundle with a static busybox and test/fixtures/oci-agent's
 * program, and the machine's own crun, whose containers have a user namespace and no capabilities.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { compileProgram } from '../../cli/device-programs/compile.ts';
import { findTarget } from '../../cli/device-programs/targets.ts';
import { rustToolchain } from '../../cli/device-programs/toolchain.ts';
import { deviceSources } from '../../cli/engines/device-sources.ts';
import { findProgram, thisHost } from '../../cli/host/this-host.ts';
import { cacheDirectory } from '../../cli/workspace/cache-directory.ts';

const INSTALLATION = join(import.meta.dirname, '../..');
/** Busybox's names that the tests' scripts use. */
const APPLETS = [
  'sh',
  'cat',
  'grep',
  'head',
  'id',
  'ln',
  'ls',
  'mkdir',
  'mknod',
  'mount',
  'mv',
  'rm',
  'stat',
  'touch',
  'umount',
];
const LIMIT_MS = 60_000;
/** First of the host's users that a container has. */
export const FIRST_USER = 100_000;

/** Why there can be no container here, if so. */
export function reasonForNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return 'the agent needs root';
  if (findProgram(thisHost(), 'crun') === undefined) return 'crun is not on this machine';
  if (staticBusybox() === undefined) return 'there is no static busybox (Debian package busybox-static)';
  try {
    execFileSync('unshare', ['--user', '--mount', 'true'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'this machine has no user namespaces';
  }
}

function staticBusybox(): string | undefined {
  const path = findProgram(thisHost(), 'busybox');
  // Without a loader's name there is no loader.
  return path !== undefined && !readFileSync(path).includes('/ld-linux') ? path : undefined;
}

/** The program as a device gets it. */
export async function compileAgent(directory: string): Promise<string> {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const source = join(directory, 'source');
  const device = join(INSTALLATION, 'device');
  for (const path of deviceSources(device)) cpSync(join(device, path), join(source, path));
  const toolchain = await rustToolchain(arch, { installation: INSTALLATION, cache: cacheDirectory(process.env) });
  const scratch = join(directory, 'scratch');
  const target = findTarget(arch, thisHost());
  return compileProgram('coracle-oci-agent', { toolchain, target, source, scratch, offline: false });
}

/** A root of busybox and `caller`, owned by the container's root. */
export function makeRoot(directory: string): void {
  const root = join(directory, 'rootfs');
  for (const name of ['bin', 'dev', 'proc', 'foo', 'bar', 'data', 'share'])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync(staticBusybox() as string, join(root, 'bin/busybox'));
  for (const name of APPLETS) symlinkSync('busybox', join(root, 'bin', name));
  const caller = join(INSTALLATION, 'test/fixtures/oci-agent/caller.c');
  execFileSync('gcc', ['-static', '-O2', '-pthread', '-o', join(root, 'bin/caller'), caller]);
  execFileSync('chown', ['-Rh', `${FIRST_USER}:${FIRST_USER}`, root]);
  // The container's root has to get there.
  chmodSync(directory, 0o755);
}

/** Puts the machine's own ping into the root, with its libraries; `false` if there is none. */
export function addPing(directory: string): boolean {
  const ping = findProgram(thisHost(), 'ping');
  if (ping === undefined || readFileSync(ping).includes('BusyBox')) return false;
  const root = join(directory, 'rootfs');
  // A copy has none of the capabilities that the file may have.
  copyFileSync(ping, join(root, 'bin/ping'));
  chmodSync(join(root, 'bin/ping'), 0o755);
  for (const [library] of execFileSync('ldd', [ping], { encoding: 'utf8' }).matchAll(/\/\S+/g)) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  return true;
}

export interface LogLine {
  readonly event?: string;
  readonly container: string;
  readonly call?: string;
  readonly arguments?: Readonly<Record<string, string | number>>;
  readonly decision?: 'allowed' | 'refused' | 'failed' | 'continued' | 'gone';
  readonly rule?: string;
  readonly errno?: string | null;
  readonly why: string;
  readonly microseconds?: number;
}

export interface Agent {
  readonly socket: string;
  readonly pid: number;
  readonly log: () => readonly LogLine[];
  readonly kill: () => Promise<void>;
}

export async function startAgent(program: string, directory: string, policy: string): Promise<Agent> {
  const [file, socket, log] = [join(directory, 'policy.yaml'), join(directory, 'agent.sock'), join(directory, 'log')];
  writeFileSync(file, policy);
  writeFileSync(log, '');
  const child = spawn(program, ['--policy', file, '--socket', socket, '--log', log], { stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes;
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const lines = () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  await until(() => {
    if (child.exitCode !== null) throw new Error(`the agent ended: ${said}`);
    return lines().some(({ event }) => event === 'ready');
  });
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { socket, pid: child.pid as number, log: lines, kill };
}

/** Waits for a condition, with a limit. */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + LIMIT_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error('what was waited for did not happen');
    await pause(20);
  }
}

export interface Container {
  readonly id: string;
  readonly script: string;
  readonly socket: string;
  /** Called with all output so far when some of it comes; what it returns goes to the container's stdin. */
  readonly onOutput?: (output: string) => Promise<string | undefined> | undefined;
}

/** What a shell script in a new container printed; ends with the container. */
export async function runContainer(directory: string, container: Container): Promise<string> {
  writeFileSync(join(directory, 'config.json'), JSON.stringify(configuration(container)));
  // crun wants one kind of control groups; a view of its own spares the machine's.
  const view = 'umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';
  const crun = ['crun', '--root', join(directory, 'run'), '--cgroup-manager=disabled', 'run', container.id];
  // No stdio is /dev/null: some releases of crun would give it to the container's root.
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', view, 'sh', ...crun], {
    cwd: directory,
    stdio: 'pipe',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  const hear = (bytes: Buffer) => {
    output += bytes;
    void container.onOutput?.(output)?.then((answer) => answer !== undefined && child.stdin.write(answer));
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  await new Promise((resolve) => child.on('close', resolve));
  return output;
}

function configuration({ script, socket }: Container): object {
  const mapping = [{ containerID: 0, hostID: FIRST_USER, size: 65_536 }];
  const guarded = ['mount', 'umount2', 'mknod', 'mknodat', 'socket'];
  // The newer way to mount, which the agent does not know.
  const refused = ['open_tree', 'move_mount', 'fsopen', 'fsmount', 'mount_setattr'];
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args: ['sh', '-c', script],
      env: ['PATH=/bin'],
      cwd: '/',
      capabilities: {},
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    ],
    linux: {
      uidMappings: mapping,
      gidMappings: mapping,
      namespaces: ['user', 'mount', 'pid', 'ipc', 'uts', 'network'].map((type) => ({ type })),
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: socket,
        syscalls: [
          { names: guarded.filter((name) => name !== 'mknod' || process.arch === 'x64'), action: 'SCMP_ACT_NOTIFY' },
          { names: refused, action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
        ],
      },
    },
  };
}
