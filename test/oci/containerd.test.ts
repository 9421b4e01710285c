/**
 * containerd and its ctr with our runtime, in views of version 1 and version 2 cgroups, with a root and a socket of their own.
 * User namespaces are not tried: with --uidmap, ctr 1.6 forgets --runc-binary.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { makeBusyboxRoot } from './support/busybox-root.ts';
import { orSkip } from './support/suite.ts';
import { done, eventually, leftBehind, openUpperLayer, type UpperLayer } from './support/upper-layer.ts';
import type { Ran } from './support/view.ts';

const IMAGE = 'box:box';
const POLITE = ['sh', '-c', 'trap "exit 4" TERM; while :; do sleep 0.1; done'];

class Containerd {
  readonly layer: UpperLayer;

  constructor(layer: UpperLayer) {
    this.layer = layer;
  }

  ctr(...args: string[]): Promise<Ran> {
    return this.layer.view.run(['ctr', '--address', join(this.layer.scratch, 'socket'), ...args]);
  }

  run(options: readonly string[], id: string, ...command: string[]): Promise<Ran> {
    // A share of processors is ctr's only limit that is always there.
    const shares = this.layer.controllers.has('cpu') ? [] : ['--cpu-shares', '0'];
    const own = ['--snapshotter', 'native', '--runc-binary', this.layer.runtime.path, ...shares];
    return this.ctr('run', ...own, ...options, IMAGE, id, ...command);
  }

  async status(id: string): Promise<string> {
    const { stdout } = await this.ctr('tasks', 'ls');
    return new RegExp(`^${id}\\s+\\d+\\s+(\\w+)`, 'm').exec(stdout)?.[1] ?? 'none';
  }

  async remove(id: string): Promise<void> {
    await this.ctr('tasks', 'delete', '--force', id);
    await this.ctr('containers', 'delete', id);
  }
}

async function openContainerd(version: 'v1' | 'v2'): Promise<Containerd | { readonly reason: string }> {
  const layer = await openUpperLayer(version, ['containerd', 'ctr', 'umoci', 'tar']);
  if ('reason' in layer) return layer;
  const containerd = new Containerd(layer);
  const { scratch, view } = layer;
  try {
    writeFileSync(join(scratch, 'config.toml'), configuration(scratch));
    // Of the view's process namespace, it ends with that.
    const start = 'containerd --config "$1/config.toml" >"$1/log" 2>&1 &';
    await done(view, ['sh', '-c', start, 'sh', scratch]);
    await makeImage(layer);
    await eventually(
      () => containerd.ctr('version'),
      ({ exitCode }) => exitCode === 0,
    );
    const imported = await containerd.ctr(
      'images',
      'import',
      '--snapshotter',
      'native',
      '--base-name',
      'box',
      `${scratch}/box.tar`,
    );
    if (imported.exitCode !== 0) throw new Error(`ctr images import: ${imported.stderr}`);
    return containerd;
  } catch (error) {
    await layer.close();
    throw error;
  }
}

function configuration(scratch: string): string {
  const unused = ['grpc.v1.cri', 'snapshotter.v1.devmapper', 'snapshotter.v1.btrfs', 'snapshotter.v1.zfs'];
  return `version = 2
root = "${scratch}/root"
state = "${scratch}/containerd"
disabled_plugins = [${unused.map((name) => `"io.containerd.${name}"`).join(', ')}]
[grpc]
address = "${scratch}/socket"
`;
}

async function makeImage({ view, scratch }: UpperLayer): Promise<void> {
  const root = makeBusyboxRoot(join(scratch, 'box'));
  const run = (...argv: string[]): Promise<Ran> => done(view, argv, { cwd: scratch });
  await run('umoci', 'init', '--layout', 'oci');
  await run('umoci', 'new', '--image', 'oci:box');
  await run('umoci', 'insert', '--rootless', '--image', 'oci:box', root, '/');
  await run('tar', '-C', 'oci', '-cf', 'box.tar', '.');
}

describe.each(['v1', 'v2'] as const)('containerd with our runtime, cgroup %s', { timeout: 120_000 }, (version) => {
  let opened: Containerd | { readonly reason: string };
  beforeAll(async () => {
    opened = await openContainerd(version);
  }, 400_000);
  afterAll(async () => {
    if ('layer' in opened) await opened.layer.close();
  });
  const test = (name: string, work: (containerd: Containerd, context: TestContext) => Promise<void>): void =>
    it(name, (context) => work(orSkip(context, opened), context));

  test('run: output, errors, exit code', async (containerd) => {
    const ran = await containerd.run(['--rm'], 'one', 'sh', '-c', 'echo out; echo err >&2; exit 3');
    expect(ran).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  test('a program that is missing or cannot be executed is told apart, and nothing is left', async (containerd) => {
    const missing = await containerd.run(['--rm'], 'missing', 'nope');
    expect(missing.stderr).toContain('executable file not found in $PATH');
    const plain = await containerd.run(['--rm'], 'plain', '/etc/plain');
    expect(plain.stderr).toContain('permission denied');
    expect((await containerd.ctr('containers', 'ls', '-q')).stdout).toBe('');
  });

  test('tasks: exec, ps, kill, the exit code, delete', async (containerd) => {
    expect((await containerd.run(['-d'], 'task', ...POLITE)).exitCode).toBe(0);
    expect(await containerd.status('task')).toBe('RUNNING');
    const exec = (id: string, options: readonly string[], ...command: string[]): Promise<Ran> =>
      containerd.ctr('tasks', 'exec', '--exec-id', id, ...options, 'task', ...command);
    expect(await exec('a', [], 'sh', '-c', 'echo in; exit 5')).toMatchObject({ exitCode: 5, stdout: 'in\n' });
    const user = await exec('b', ['--user', '1000', '--cwd', '/tmp'], 'sh', '-c', 'id -u; pwd');
    expect(user.stdout).toBe('1000\n/tmp\n');
    expect((await exec('c', [], 'nope')).stderr).toContain('executable file not found in $PATH');
    expect((await containerd.ctr('tasks', 'ps', 'task')).stdout).toMatch(/^\d+/m);
    expect((await containerd.ctr('tasks', 'kill', '-s', 'SIGTERM', 'task')).exitCode).toBe(0);
    await eventually(
      () => containerd.status('task'),
      (status) => status === 'STOPPED',
    );
    expect((await containerd.ctr('tasks', 'delete', 'task')).stderr).toContain('exit code 4');
    expect((await containerd.ctr('containers', 'delete', 'task')).exitCode).toBe(0);
  });

  test('pause, resume, and an end by force', async (containerd) => {
    await containerd.run(['-d'], 'paused', ...POLITE);
    expect((await containerd.ctr('tasks', 'pause', 'paused')).exitCode).toBe(0);
    expect(await containerd.status('paused')).toBe('PAUSED');
    expect((await containerd.ctr('tasks', 'resume', 'paused')).exitCode).toBe(0);
    expect(await containerd.status('paused')).toBe('RUNNING');
    await containerd.remove('paused');
    expect(await containerd.status('paused')).toBe('none');
  });

  test('limits, and what is counted', async (containerd, context) => {
    const lacking = ['memory', 'cpu', 'pids'].filter((name) => !containerd.layer.controllers.has(name));
    if (lacking.length > 0) context.skip(`the view has no controllers ${lacking.join(', ')}`);
    await containerd.run(['-d', '--memory-limit', '33554432', '--cpus', '0.5'], 'limited', ...POLITE);
    const { stdout } = await containerd.ctr('tasks', 'metrics', 'limited');
    expect(stdout).toMatch(/^(memory.limit_in_bytes|memory.usage_limit)\s+33554432/m);
    expect(stdout).toMatch(/^pids.current\s+[12]\b/m);
    await containerd.remove('limited');
  });

  test('a read-only root, capabilities, seccomp, volumes, the network of the machine', async (containerd) => {
    const { scratch } = containerd.layer;
    const readOnly = await containerd.run(['--rm', '--read-only'], 'a', 'touch', '/x');
    expect(readOnly.stderr).toContain('Read-only file system');
    const capabilities = await containerd.run(['--rm', '--privileged'], 'b', 'grep', 'CapEff', '/proc/self/status');
    expect(capabilities.stdout).toMatch(/0{4}01f/);
    const filter = await containerd.run(['--rm', '--seccomp'], 'c', 'grep', 'Seccomp:', '/proc/self/status');
    expect(filter.stdout).toBe('Seccomp:\t2\n');
    mkdirSync(join(scratch, 'volume'));
    cpSync(join(scratch, 'box/etc/plain'), join(scratch, 'volume/plain'));
    const volume = `type=bind,src=${scratch}/volume,dst=/vol,options=rbind:ro`;
    const mounted = await containerd.run(['--rm', '--mount', volume], 'd', 'sh', '-c', 'cat /vol/plain; touch /vol/x');
    expect(mounted).toMatchObject({ stdout: 'no program\n', stderr: expect.stringContaining('Read-only') });
    expect((await containerd.run(['--rm', '--net-host'], 'e', 'ls', '/sys/class/net')).stdout).toContain('lo');
  });

  test('nothing of all this is left', async (containerd) => {
    const state = '/run/containerd/runc';
    const left = await leftBehind(containerd.layer, '/default', state);
    expect(left.filter((line) => line !== `${state}/default`)).toEqual([]);
  });
});
