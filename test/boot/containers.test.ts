/**
 * Containers on a booted device by the engines that ship, with coracle-oci as their runtime: a kernel with the whole of
 * cgroup v2, systemd's scopes, and Debian's podman and docker as they are.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { findProgram, thisHost } from '../../cli/host/this-host.ts';
import { type Device, startDevice } from '../../cli/run/device.ts';
import { QEMU } from '../../cli/run/machine.ts';
import { runOnDevice } from '../../cli/run/ssh.ts';
import { coracle } from '../support/coracle.ts';
import { writeTree } from '../support/files.ts';
import { CACHE } from '../support/small-project.ts';

/** Emulation on a busy machine is slow; the first build downloads and compiles everything. */
const START_MS = 1_500_000;
const TEST_MS = 600_000;
const IMAGE = 'localhost/coracle/hello';
/** What every container here is run with: the image came along, and there is no network to wait for. */
const RUN = '--pull never --network none';

interface Guest {
  /** Runs a script in the device's shell; gives what it printed and how it ended. */
  readonly sh: (script: string) => Promise<{ readonly stdout: string; readonly exitCode: number }>;
  /** What the device said of its engine at the boot. */
  readonly engine: string;
}

/** Boots an image with these layers once for all tests of a block; each test is skipped where that cannot be. */
function bootedWith(...layers: readonly string[]): (context: TestContext) => Guest {
  const stop = new AbortController();
  const lacking = [QEMU.x86_64, 'ssh', 'ssh-keygen'].find((one) => findProgram(thisHost(), one) === undefined);
  let device: Device | undefined;
  let engine = '';
  let project = '';
  beforeAll(async () => {
    if (lacking !== undefined) return;
    project = mkdtempSync(join(tmpdir(), 'coracle containers '));
    const workspace = `  w: {layers: [virt/qemu, ${layers.join(', ')}, apps/preload], arch: x86_64}`;
    writeTree(project, { 'coracle.yaml': `workspaces:\n${workspace}\n` });
    const built = await coracle(project, ['build', 'w'], CACHE);
    expect(built.exitCode, built.stderr).toBe(0);
    const directory = join(project, 'workspaces/w');
    const slot = join(directory, 'stages/slot');
    device = await startDevice(
      {
        name: 'w',
        directory,
        slot,
        disk: join(directory, 'stages/disk/disk.img'),
        manifest: join(slot, 'manifest.json'),
      },
      { cache: CACHE.CORACLE_CACHE, purpose: 'a test', signal: stop.signal },
    );
    const wait = { limitMs: TEST_MS, signal: stop.signal };
    const ready = await device.console.event(device.console.boot, 'engine-ready', { what: 'the engine', ...wait });
    await device.console.event(device.console.boot, 'container', { what: 'the first container', ...wait });
    engine = String(ready.fields['engine']);
  }, START_MS);
  afterAll(async () => {
    stop.abort();
    await device?.[Symbol.asyncDispose]();
    if (project !== '') rmSync(project, { recursive: true, force: true });
  });
  return (context) => {
    if (device === undefined) {
      const reason = `${lacking ?? 'the device'} is not on this machine`;
      process.stderr.write(`skipped: ${context.task.name}: ${reason}\n`);
      return context.skip(reason);
    }
    const { ssh } = device;
    const accept = Array.from({ length: 255 }, (_, code) => code);
    return { engine, sh: (script) => runOnDevice(ssh, ['sh'], { stdin: script, limitMs: TEST_MS, accept }) };
  };
}

describe('podman on a device', { timeout: TEST_MS }, () => {
  const guest = bootedWith('core/podman');

  it('says that coracle-oci is its runtime, and no other is there', async (context) => {
    const { engine, sh } = guest(context);
    expect(engine).toMatch(/^podman \d[\d.]*, coracle-oci \d+\.\d+\.\d+$/);
    const { stdout } = await sh(
      "podman info --format '{{.Host.OCIRuntime.Path}} {{.Host.CgroupsVersion}}'; ls /usr/bin/crun",
    );
    expect(stdout).toBe('/usr/bin/coracle-oci v2\n');
  });

  it('limits memory, processor time and processes, as the container sees', async (context) => {
    const { stdout } = await guest(context).sh(
      `podman run --rm ${RUN} --memory 64m --cpus 0.5 --pids-limit 50 ${IMAGE} ` +
        "sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max'",
    );
    expect(stdout).toBe('67108864\n50000 100000\n50\n');
  });

  it('starts, enters, stops and tells what a container wrote', async (context) => {
    const { stdout } = await guest(context).sh(`
      podman run --detach --name one --log-driver k8s-file ${RUN} ${IMAGE} sh -c 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 1; done' > /dev/null
      podman exec one sh -c 'echo inside of $(cat /proc/1/comm)'
      until podman logs one | grep up; do sleep 1; done
      podman stop --time 60 one
      podman logs one
      podman inspect --format '{{.State.ExitCode}} {{.OCIRuntime}}' one
      podman rm one
    `);
    expect(stdout.split('\n')).toEqual([
      'inside of sh',
      'up',
      'one',
      'up',
      'bye',
      '7 coracle-oci',
      expect.any(String),
      '',
    ]);
  });

  it('gives a terminal', async (context) => {
    const { sh } = guest(context);
    const { stdout } = await sh(
      `podman run --rm --tty ${RUN} ${IMAGE} sh -c 'test -t 0 && test -t 1 && ls -l /proc/self/fd/1'`,
    );
    expect(stdout).toContain('/dev/pts/0');
  });

  it('runs in a user namespace', async (context) => {
    const { sh } = guest(context);
    const { stdout } = await sh(
      `podman run --rm ${RUN} --uidmap 0:100000:65536 --gidmap 0:200000:65536 ${IMAGE} sh -c 'cat /proc/self/uid_map /proc/self/gid_map'`,
    );
    expect(stdout.trim().split(/\s+/).map(Number)).toEqual([0, 100000, 65536, 0, 200000, 65536]);
    // Some runtimes give the device's own away.
    expect((await sh('stat -c %u:%g /dev/null')).stdout).toBe('0:0\n');
  });

  it('says what it cannot start, with the exit codes that podman knows', async (context) => {
    const { sh } = guest(context);
    expect((await sh(`podman run --rm ${RUN} ${IMAGE} /no/such`)).exitCode).toBe(127);
    expect((await sh(`podman run --rm ${RUN} ${IMAGE} /bin`)).exitCode).toBe(126);
  });

  it('leaves nothing behind', async (context) => {
    const { stdout } = await guest(context).sh(
      'podman ps --all --quiet; ls /run/coracle-oci; ls /sys/fs/cgroup/machine.slice | grep libpod; mount | grep /storage/overlay/',
    );
    expect(stdout).toBe('');
  });
});

describe('docker on a device', { timeout: TEST_MS }, () => {
  const guest = bootedWith('core/docker');

  it('runs, limits, enters and stops containers by coracle-oci', async (context) => {
    const { engine, sh } = guest(context);
    expect(engine).toMatch(/^docker \d[\w.+~]*, coracle-oci \d+\.\d+\.\d+$/);
    const { stdout } = await sh(`
      docker run --detach --name one ${RUN} --memory 64m --cpus 0.5 --pids-limit 50 ${IMAGE} sleep 1000 > /dev/null
      docker exec one sh -c 'cd /sys/fs/cgroup; cat memory.max cpu.max pids.max'
      docker inspect --format '{{.HostConfig.Runtime}}' one
      docker stop --time 1 one
      docker inspect --format '{{.State.ExitCode}}' one
      docker rm one > /dev/null
    `);
    expect(stdout).toBe('67108864\n50000 100000\n50\ncoracle-oci\none\n137\n');
  });
});
