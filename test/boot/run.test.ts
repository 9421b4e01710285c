/**
 * `coracle run` on a real image: what --check finds on a device that is well, and on one that is not; what a disk keeps
 * between runs and builds; the boot by firmware.
 */
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findProgram, thisHost } from '../../cli/host/this-host.ts';
import { shutDown, untilLoggedIn } from '../../cli/run/check.ts';
import { type Device, type DeviceOptions, startDevice } from '../../cli/run/device.ts';
import { readPartitions } from '../../cli/run/gpt.ts';
import { QEMU } from '../../cli/run/machine.ts';
import { runOnDevice } from '../../cli/run/ssh.ts';
import type { Event } from '../../cli/ui/events.ts';
import { coracle, startCoracle } from '../support/coracle.ts';
import { builtProject, CACHE } from '../support/small-project.ts';

/** Emulation on a busy machine is slow. */
const TEST_MS = 600_000;
const WAIT = { limitMs: 300_000, signal: new AbortController().signal };

const copyOfProject = builtProject();
let project: string;

beforeEach((context) => {
  for (const program of [QEMU.x86_64, 'ssh', 'ssh-keygen']) {
    if (findProgram(thisHost(), program) !== undefined) continue;
    process.stderr.write(`skipped: ${context.task.name}: ${program} is not on this machine\n`);
    context.skip(`${program} is not on this machine`);
  }
  project = copyOfProject(context);
});

function inWorkspace(path: string): string {
  return join(project, 'workspaces/small', path);
}

function start(options: Partial<DeviceOptions> = {}): Promise<Device> {
  const places = {
    name: 'small',
    directory: inWorkspace(''),
    slot: inWorkspace('stages/slot'),
    disk: inWorkspace('stages/disk/disk.img'),
    manifest: inWorkspace('stages/slot/manifest.json'),
  };
  return startDevice(places, { cache: CACHE.CORACLE_CACHE, purpose: 'a test', signal: WAIT.signal, ...options });
}

async function check(...more: readonly string[]): Promise<{ exitCode: number; value: CheckValue; stderr: string }> {
  const ran = await coracle(project, ['run', 'small', '--check', '--json', ...more], CACHE);
  const events = ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event);
  const result = events.find((event) => event.kind === 'result');
  if (result?.kind !== 'result') throw new Error(`no result:\n${ran.stdout}\n${ran.stderr}`);
  return { exitCode: ran.exitCode, value: result.value as CheckValue, stderr: ran.stderr };
}

interface CheckValue {
  readonly disk: string;
  readonly milestones: Readonly<Record<string, number>>;
  readonly health: { readonly state: string; readonly checks: readonly { name: string; state: string }[] };
  readonly problems: readonly string[];
}

describe('coracle run --check', { timeout: TEST_MS }, () => {
  it('finds a device healthy, tells its milestones, and leaves nothing running', async () => {
    const first = await check();
    expect(first.value.problems).toEqual([]);
    expect(first.exitCode).toBe(0);
    expect(first.value.disk).toBe('created');
    const { firstLine, sshReady, login, health } = first.value.milestones;
    expect(firstLine).toBeGreaterThan(0);
    expect(sshReady).toBeGreaterThan(firstLine ?? Number.NaN);
    expect(login).toBeGreaterThan(sshReady ?? Number.NaN);
    expect(health).toBeGreaterThan(firstLine ?? Number.NaN);
    expect(readFileSync(inWorkspace('run/console.log'), 'utf8')).toContain('"event":"health"');
    expect(existsSync(inWorkspace('run/lock'))).toBe(false);
  });

  it('says within its limits that a device with a broken persist is degraded, and logs in all the same', async () => {
    {
      await using device = await start();
      await untilLoggedIn(device, device.console.boot, WAIT);
    }
    await breakPersist();
    const { exitCode, value } = await check();
    expect(exitCode).toBe(1);
    expect(value.health.state).toBe('degraded');
    expect(value.problems.join('\n')).toContain('persist is degraded');
    expect(value.milestones['login']).toBeGreaterThan(0);
    // A fresh start is the way out.
    expect(await check('--fresh')).toMatchObject({ exitCode: 0, value: { disk: 'created' } });
  });

  it('ends QEMU and nothing else when it is stopped', async () => {
    const running = startCoracle(project, ['run', 'small', '--check'], CACHE);
    await running.event((event) => event.kind === 'step-started');
    await expect.poll(() => existsSync(inWorkspace('run/console.log')), { timeout: 60_000 }).toBe(true);
    running.child.kill('SIGINT');
    const { exitCode } = await running.ended;
    expect(exitCode, `${JSON.stringify(running.events)} ${running.stderr()}`).toBe(130);
    expect(existsSync(inWorkspace('run/lock'))).toBe(false);
  });
});

async function breakPersist(): Promise<void> {
  const disk = inWorkspace('run/disk.img');
  const persist = (await readPartitions(disk)).get('coracle-persist');
  const file = openSync(disk, 'r+');
  // The superblock and what is around it.
  writeSync(file, Buffer.alloc(1 << 16, 0x5a), 0, 1 << 16, persist?.offset ?? 0);
  closeSync(file);
}

describe('the disk of coracle run', { timeout: TEST_MS }, () => {
  it('keeps persist and the host key over reboots, runs and builds, and boots what was built last', async () => {
    {
      await using device = await start();
      const { boot } = device.console;
      await untilLoggedIn(device, boot, WAIT);
      await runOnDevice(device.ssh, ['tee', '/mnt/persist/kept'], { stdin: 'one' });
      await runOnDevice(device.ssh, ['reboot'], { accept: [0, 1, 143] }).catch(() => undefined);
      const again = await device.console.nextBoot(boot, { what: 'a reboot', ...WAIT });
      // The same host key as before, or this login fails.
      await untilLoggedIn(device, again, WAIT);
      expect((await runOnDevice(device.ssh, ['cat', '/mnt/persist/kept'])).stdout).toBe('one');
      await runOnDevice(device.ssh, ['sync']);
    }
    appendFileSync(join(project, 'layers/my/app/root_overlay/etc/motd'), 'and again\n');
    expect((await coracle(project, ['build', 'small', '--offline'], CACHE)).exitCode).toBe(0);
    await using device = await start();
    expect(device.disk.state).toBe('boot partition renewed');
    await untilLoggedIn(device, device.console.boot, WAIT);
    const { stdout } = await runOnDevice(device.ssh, ['cat', '/mnt/persist/kept', '/etc/motd']);
    expect(stdout).toBe('onehello\nand again\n');
    expect(await shutDown(device, 60_000, WAIT.signal)).toBe(true);
  });

  it('has room that persist grows into', async () => {
    await using device = await start();
    await untilLoggedIn(device, device.console.boot, WAIT);
    const { stdout } = await runOnDevice(device.ssh, ['df', '-Pm', '/mnt/persist']);
    const size = Number(stdout.split('\n')[1]?.split(/\s+/)[1]);
    expect(size).toBeGreaterThan(3000);
  });
});

describe('coracle run --firmware', { timeout: TEST_MS }, () => {
  it('boots the disk by UEFI and the boot loader', async (context) => {
    if (!existsSync('/usr/share/OVMF')) context.skip('there is no UEFI firmware on this machine (package ovmf)');
    const { exitCode, value } = await check('--firmware');
    expect(value.problems).toEqual([]);
    expect(exitCode).toBe(0);
  });
});
