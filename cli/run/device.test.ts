import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf } from '../../test/support/files.ts';
import { isRunning } from '../../test/support/processes.ts';
import { quoteForPeople } from '../host/process.ts';
import { checkBoot, shutDown } from './check.ts';
import { type Device, type DeviceOptions, startDevice } from './device.ts';
import { type RunImage, readImage } from './image.ts';

const FAKE_QEMU = fileURLToPath(new URL('./fixtures/fake-qemu.ts', import.meta.url));
const ABANDON = fileURLToPath(new URL('./fixtures/start-and-wait.ts', import.meta.url));

let directory: string;
let workspace: string;
let image: RunImage;
let stopper: AbortController;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "coracle device's, "));
  workspace = join(directory, 'workspaces/it');
  mkdirSync(join(workspace, 'slot'), { recursive: true });
  program('qemu-system-x86_64', `exec ${quoteForPeople(process.execPath)} ${quoteForPeople(FAKE_QEMU)} "$@"`);
  program('ssh-keygen', 'echo private > id_ed25519; echo public > id_ed25519.pub');
  vi.stubEnv('PATH', `${join(directory, 'bin')}:${process.env['PATH']}`);
  for (const file of ['disk.img', 'slot/kernel', 'slot/initramfs']) writeFileSync(join(workspace, file), 'content');
  image = await built({});
  stopper = new AbortController();
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function program(name: string, script: string): void {
  mkdirSync(join(directory, 'bin'), { recursive: true });
  writeFileSync(join(directory, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'bin', name), 0o755);
}

async function built(manifest: Readonly<Record<string, unknown>>): Promise<RunImage> {
  const verity = { file: 'root.squashfs', hashOffset: 4096 };
  const facts = {
    format: 1,
    version: '0.1.0-x',
    arch: 'x86_64',
    kernelParameters: ['quiet'],
    files: [],
    verity,
    ...manifest,
  };
  const path = join(workspace, 'slot/manifest.json');
  writeFileSync(path, JSON.stringify(facts));
  return readImage({
    name: 'it',
    directory: workspace,
    slot: join(workspace, 'slot'),
    disk: join(workspace, 'disk.img'),
    manifest: path,
  });
}

function start(mode = '', more: Partial<DeviceOptions> = {}): Promise<Device> {
  return startDevice(image, {
    cache: join(directory, 'cache'),
    accelerator: 'tcg',
    kernelParameters: mode === '' ? [] : [`fake=${mode}`],
    purpose: 'coracle run it',
    signal: stopper.signal,
    ...more,
  });
}

function qemuPid(): number {
  return Number(readFileSync(join(workspace, 'run/fake-qemu.pid'), 'utf8'));
}

const HEALTH = { what: 'health', limitMs: 20_000 };

describe('readImage', () => {
  it('says what to do when nothing is built, or the manifest is not one', async () => {
    const manifest = join(workspace, 'none/manifest.json');
    const none = await failureOf(readImage({ ...image, slot: join(workspace, 'none'), manifest }));
    expect(none.parts).toMatchObject({ code: 'not-built', hint: 'coracle build it' });
    expect(none.parts.message).toBe('workspace it has no image yet');
    const gone = await failureOf(readImage({ ...image, manifest }));
    expect(gone.parts).toMatchObject({ code: 'not-built', hint: 'coracle build it' });
    expect(gone.parts.message).toBe(`the image of workspace it is not whole: ${manifest} is missing`);
    const bad = await failureOf(built({ arch: 'vax' }));
    expect(bad.parts).toMatchObject({ code: 'bad-manifest', place: { file: join(workspace, 'slot/manifest.json') } });
    writeFileSync(join(workspace, 'slot/manifest.json'), '{"format": 1,');
    const cut = await failureOf(readImage(image));
    expect(cut.parts).toMatchObject({ code: 'bad-manifest', place: { file: join(workspace, 'slot/manifest.json') } });
  });
});

describe('startDevice', () => {
  it.each(['disk.img', 'slot/kernel', 'slot/initramfs'])('says what to do when %s is gone', async (file) => {
    rmSync(join(workspace, file));
    const { parts } = await failureOf(start());
    expect(parts).toMatchObject({ code: 'not-built', hint: 'coracle build it' });
    expect(parts.message).toBe(`the image of workspace it is not whole: ${join(workspace, file)} is missing`);
    expect(existsSync(join(workspace, 'run/lock'))).toBe(false);
  });

  it('boots, hears the events, and goes down by its power button', async () => {
    await using device = await start();
    const health = await device.console.event(device.console.boot, 'health', HEALTH);
    expect(health.fields['state']).toBe('healthy');
    expect(device.console.boot.firstLineMs).toBeGreaterThan(0);
    expect(await device.powerOff(10_000)).toBe(true);
    expect((await device.ended).failure).toBeUndefined();
    expect(readFileSync(join(workspace, 'run/console.log'), 'utf8')).toContain('hello from a container');
    expect(existsSync(join(workspace, 'run/lock'))).toBe(false);
  });

  it('goes down by its power button when it is too busy to be told by ssh', async () => {
    program('ssh', 'sleep 60');
    await using device = await start();
    await device.console.event(device.console.boot, 'health', HEALTH);
    expect(await shutDown(device, 5000, stopper.signal)).toBe(true);
  });

  it('pulls the plug of a device that does not go down', async () => {
    await using device = await start('deaf');
    await device.console.event(device.console.boot, 'health', HEALTH);
    const pid = qemuPid();
    expect(await device.powerOff(50)).toBe(false);
    expect(isRunning(pid)).toBe(false);
  });

  it('says what QEMU said when it does not start', async () => {
    await using device = await start('refuse');
    const failure = await failureOf(device.console.event(device.console.boot, 'health', HEALTH));
    expect(failure.parts).toMatchObject({ code: 'qemu', message: 'QEMU ended with exit code 1' });
    expect(failure.parts.cause).toContain('host forwarding');
    expect(readFileSync(failure.parts.log ?? '', 'utf8')).toContain('qemu-system-x86_64 -no-user-config');
  });

  it('names the holder to a second one, and lets go at the end', async () => {
    {
      await using _first = await start();
      const failure = await failureOf(start());
      expect(failure.parts.code).toBe('locked');
      expect(failure.parts.message).toContain(`process ${process.pid}`);
      expect(failure.parts.message).toContain('coracle run it');
    }
    await using second = await start();
    await second.console.event(second.console.boot, 'health', HEALTH);
  });

  it('takes no port that somebody else has, and lets go of the lock', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const failure = await failureOf(start('', { sshPort: port }));
    server.close();
    expect(failure.parts.code).toBe('port-in-use');
    expect(existsSync(join(workspace, 'run/lock'))).toBe(false);
  });

  it('leaves no QEMU behind when it is stopped', async () => {
    await using device = await start('deaf');
    const waiting = failureOf(
      device.console.event(device.console.boot, 'never', { ...HEALTH, signal: stopper.signal }),
    );
    await device.console.event(device.console.boot, 'health', HEALTH);
    const pid = qemuPid();
    stopper.abort();
    expect((await waiting).parts.code).toBe('stopped');
    await device.ended;
    expect(isRunning(pid)).toBe(false);
  });

  it('leaves no QEMU behind when it is killed itself', async () => {
    const parent = spawn(process.execPath, [ABANDON, JSON.stringify(image)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const pid = qemuPid();
    expect(isRunning(pid)).toBe(true);
    const gone = once(parent, 'exit');
    parent.kill('SIGKILL');
    await gone;
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    // The lock of a process that is gone holds nobody up.
    await using device = await start();
    await device.console.event(device.console.boot, 'health', HEALTH);
  });
});

describe('checkBoot', () => {
  const options = {
    limitMs: 20_000,
    signal: new AbortController().signal,
    report: () => undefined,
    step: 'it/boot',
  };

  it('logs in, trying again until it works', async () => {
    const tries = join(directory, 'tries');
    program('ssh', `echo x >> "${tries}"; [ $(wc -l < "${tries}") -ge 3 ] || { echo refused >&2; exit 255; }`);
    await using device = await start();
    const check = await checkBoot(device, device.console.boot, options);
    expect(check.problems).toEqual([]);
    expect(check.milestones).toMatchObject({ login: expect.any(Number), container: expect.any(Number) });
    expect(readFileSync(tries, 'utf8')).toBe('x\nx\nx\n');
  });

  it('says what is wrong with a device that is not well', async () => {
    program('ssh', 'exit 0');
    await using device = await start('sick');
    const check = await checkBoot(device, device.console.boot, options);
    expect(check.health.state).toBe('unhealthy');
    expect(check.problems).toEqual(['persist is unhealthy: ext4 on vda2']);
  });

  it('does not wait for a login when the device has given up', async () => {
    await using device = await start('panic');
    const failure = await failureOf(checkBoot(device, device.console.boot, options));
    expect(failure.parts).toMatchObject({ code: 'device-fatal' });
    expect(failure.parts.message).toContain('Attempted to kill init');
  });

  it('is stopped before it has begun', async () => {
    await using device = await start();
    const failure = await failureOf(
      checkBoot(device, device.console.boot, { ...options, signal: AbortSignal.abort(new Error('Ctrl-C')) }),
    );
    expect(failure.parts.code).toBe('stopped');
  });

  it('fails at its limit, with the last lines', async () => {
    await using device = await start('silent');
    const failure = await failureOf(checkBoot(device, device.console.boot, { ...options, limitMs: 1000 }));
    expect(failure.parts).toMatchObject({ code: 'device-timeout' });
    expect(failure.parts.cause).toContain('coracle-init: 0.1.0 starts');
  });
});
