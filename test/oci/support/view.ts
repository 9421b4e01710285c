/**
 * A place to let container runtimes loose in: the namespaces that view.sh makes, held open as long as a test file runs, and
 * entered for each command. What comes out is what the command said and how it ended; what it leaves behind goes with the
 * view.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Which cgroup hierarchy the commands see. */
export type CgroupVersion = 'v1' | 'v2';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command, with all that it started, after this long. */
  readonly timeoutMs?: number;
  /** Standard input; nothing unless told. */
  readonly input?: string;
}

export interface View {
  readonly version: CgroupVersion;
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  close(): Promise<void>;
}

/** What view.sh ends with where the view cannot be had. */
const LACKING = 90;
const SCRIPT = join(import.meta.dirname, 'view.sh');
let count = 0;

/** A reason where this machine cannot have the view. */
export async function openView(version: CgroupVersion): Promise<View | { readonly reason: string }> {
  if (process.getuid?.() !== 0) return { reason: 'cgroups and devices of containers need root' };
  count += 1;
  const name = `coracle-test-${process.pid}-${count}`;
  // Held until the pipe is closed, which it also is when whoever holds it is killed.
  const holder = spawn('sh', [SCRIPT, version, name, 'sh', '-c', 'echo ready; exec cat <&3 >/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, stdout, stderr, held] = holder.stdio;
  if (stdout === null || stderr === null) throw new Error('there are no pipes');
  const ended = new Promise<number>((resolve) => holder.on('close', (code) => resolve(code ?? -1)));
  let said = '';
  stderr.on('data', (data: Buffer) => {
    said += data.toString();
  });
  const ready = new Promise<true>((resolve) =>
    createInterface(stdout).on('line', (line) => line === 'ready' && resolve(true)),
  );
  const first = await Promise.race([ready, ended]);
  if (first === LACKING) return { reason: said.trim() };
  if (first !== true || holder.pid === undefined) throw new Error(`view.sh ended with ${String(first)}: ${said}`);
  const inside = firstChild(firstChild(holder.pid));
  return {
    version,
    run: (argv, options) => runInside(inside, argv, options ?? {}),
    async close() {
      // What view.sh waits for; it then cleans up and ends.
      if (held instanceof Writable) held.end();
      await ended;
      if (said.includes('left behind')) throw new Error(said);
    },
  };
}

/** Enters the cgroups as well, since `nsenter --cgroup` only changes how they look; then the directory, which is seen anew. */
const ENTER = `
if [ -e /sys/fs/cgroup/tests ]; then echo 0 >/sys/fs/cgroup/tests/cgroup.procs
else for file in /sys/fs/cgroup/*/cgroup.procs; do echo 0 >"$file"; done; fi
cd "$1" && shift && exec "$@"`;

function runInside(target: number, argv: readonly string[], options: RunOptions): Promise<Ran> {
  const child = spawn(
    'nsenter',
    [`--target=${target}`, '--mount', '--pid', '--cgroup', 'sh', '-c', ENTER, 'sh', options.cwd ?? '/', ...argv],
    {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...options.env },
      stdio: 'pipe',
      detached: true,
    },
  );
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.on('data', (data: Buffer) => err.push(data));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, options.timeoutMs ?? 60_000);
    child.on('error', reject);
    const finish = (code: number | null): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({
        exitCode: code ?? -1,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      });
    };
    // A container that was left running keeps the pipes, so their end is not waited for once the command is gone.
    child.on('exit', (code) => {
      const late = setTimeout(() => finish(code), 300);
      child.on('close', () => {
        clearTimeout(late);
        finish(code);
      });
    });
  });
}

function firstChild(parent: number): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) return Number(name);
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error(`process ${parent} has no child`);
}
