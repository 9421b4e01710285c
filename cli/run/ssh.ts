/**
 * Logging in to a device: a key of the workspace's own, its own list of known hosts, argument arrays, limits. Nothing of
 * the user's ssh configuration, agent or keys takes part.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import { type Finished, quoteForPeople, runCommand } from '../host/process.ts';

export interface SshTarget {
  /** `127.0.0.1` for a virtual machine. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Holds the key, known_hosts and ssh.log. */
  readonly directory: string;
  /** What the device's host key is filed under: an address says nothing where ports are handed out. */
  readonly name: string;
  /**
   * `kept`: a device that shows another host key than before is not trusted. `any`: for a device that may have lost its
   * persist, and the key with it.
   */
  readonly hostKey: 'kept' | 'any';
}

export interface RemoteCommand {
  readonly stdin?: string | Uint8Array;
  readonly limitMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Exit codes that are not failures; 0 unless told. */
  readonly accept?: readonly number[];
}

export const KEY_FILE = 'id_ed25519';
const KNOWN_HOSTS = 'known_hosts';
const DEFAULT_LIMIT_MS = 60_000;
/** Between two attempts to log in. */
const RETRY_MS = 250;
/** ssh's own exit code for everything that is not the remote command's. */
const SSH_FAILED = 255;

/** Makes the workspace's key if there is none; returns the path of the public one. */
export async function ensureKey(directory: string): Promise<string> {
  const key = join(directory, KEY_FILE);
  if (existsSync(`${key}.pub`)) return `${key}.pub`;
  const work = await mkdtemp(join(directory, 'key-'));
  try {
    await runCommand({
      argv: ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'coracle-run', '-f', KEY_FILE],
      cwd: work,
    });
    await chmod(join(work, KEY_FILE), 0o600);
    // The public half last: it is what says that the key is there.
    await rename(join(work, KEY_FILE), key);
    await rename(join(work, `${KEY_FILE}.pub`), `${key}.pub`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return `${key}.pub`;
}

/** The next login trusts whatever key the device shows. */
export async function forgetHostKey(target: SshTarget): Promise<void> {
  await rm(join(target.directory, KNOWN_HOSTS), { force: true });
}

/** File names are relative to the target's directory: ssh would expand and split paths. */
export function sshArguments(target: SshTarget): readonly [string, ...string[]] {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'ConnectTimeout=20',
    'ServerAliveInterval=5',
    'ServerAliveCountMax=6',
    'LogLevel=ERROR',
    // The post-quantum exchange costs an emulated device a second, and the way there never leaves this machine.
    'KexAlgorithms=^curve25519-sha256',
    `HostKeyAlias=${target.name}`,
    'GlobalKnownHostsFile=/dev/null',
    ...(target.hostKey === 'kept'
      ? [`UserKnownHostsFile=${KNOWN_HOSTS}`, 'StrictHostKeyChecking=accept-new']
      : ['UserKnownHostsFile=/dev/null', 'StrictHostKeyChecking=no']),
  ];
  return [
    ...(['ssh', '-F', '/dev/null', '-i', KEY_FILE, '-p', `${target.port}`] as const),
    ...options.flatMap((option) => ['-o', option]),
    `${target.user}@${target.host}`,
  ];
}

/**
 * Runs a program on the device.
 *
 * @throws Failure `ssh-failed` when there is no connection, `command-failed` when the program fails
 */
export async function runOnDevice(
  target: SshTarget,
  argv: readonly [string, ...string[]],
  options: RemoteCommand = {},
): Promise<Finished> {
  const errors: string[] = [];
  const finished = await runCommand({
    // sshd hands the words to a shell as one line, so each is quoted for it.
    argv: [...sshArguments(target), '--', ...argv.map(quoteForShell)],
    cwd: target.directory,
    log: join(target.directory, 'ssh.log'),
    stdout: 'capture',
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    timeoutMs: options.limitMs ?? DEFAULT_LIMIT_MS,
    signal: options.signal,
    accept: [...(options.accept ?? [0]), SSH_FAILED],
    onLine: (line) => errors.push(line),
  });
  if (finished.exitCode !== SSH_FAILED) return finished;
  throw new Failure({
    code: 'ssh-failed',
    message: `no login to ${target.name} by ssh (${target.host} port ${target.port})`,
    cause: errors.slice(-10).join('\n'),
    log: join(target.directory, 'ssh.log'),
  });
}

/** Tries to log in until it works. @throws the last Failure at the limit */
export async function untilLogin(target: SshTarget, limitMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const left = deadline - performance.now();
    try {
      await runOnDevice(target, ['true'], { limitMs: Math.max(left, 1000), signal });
      return;
    } catch (error) {
      const notYet = error instanceof Failure && error.parts.code === 'ssh-failed';
      // A device that is known by another key does not become the known one by waiting.
      const stranger =
        notYet && /host key.*(changed|verification failed)|REMOTE HOST IDENTIFICATION/i.test(error.parts.cause ?? '');
      if (!notYet || stranger || performance.now() + RETRY_MS > deadline) throw error;
    }
    await delay(RETRY_MS, undefined, { signal });
  }
}

/** For the shell on the device: every word in single quotes, which nothing but a single quote ends. */
export function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** What a person types to log in by hand. */
export function sshCommandForPeople(target: SshTarget): string {
  const at = (name: string): string => join(target.directory, name);
  const words = ['ssh', '-i', at(KEY_FILE), '-p', `${target.port}`, '-o', `HostKeyAlias=${target.name}`];
  const trust = ['-o', `UserKnownHostsFile=${at(KNOWN_HOSTS)}`, '-o', 'StrictHostKeyChecking=accept-new'];
  return [...words, ...trust, `${target.user}@${target.host}`].map(quoteForPeople).join(' ');
}
