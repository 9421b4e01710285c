import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../host/process.ts';
import { findProgram, thisHost } from '../host/this-host.ts';
import { ARCHITECTURES } from '../layers/layer.ts';
import { chooseAccelerator, type ProbeOptions } from './accelerator.ts';
import { probeGuest } from './probe-guest.ts';

let directory: string;
let options: ProbeOptions;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle-kvm-test-'));
  const device = join(directory, 'kvm');
  writeFileSync(device, '');
  options = { host: 'x86_64', cache: join(directory, 'cache'), device, qemu: join(directory, 'qemu') };
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** A QEMU that counts how often it was started. */
function fakeQemu(script: string): void {
  writeFileSync(join(directory, 'qemu'), `#!/bin/sh\necho x >> '${directory}/starts'\n${script}\n`);
  chmodSync(join(directory, 'qemu'), 0o755);
}

function starts(): number {
  const file = join(directory, 'starts');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

describe('chooseAccelerator', () => {
  it('takes KVM when the probe guest has reached its end, and remembers it', async () => {
    fakeQemu('exit 85');
    expect(await chooseAccelerator('x86_64', options)).toEqual({ accelerator: 'kvm', reason: undefined });
    expect((await chooseAccelerator('x86_64', options)).accelerator).toBe('kvm');
    expect(starts()).toBe(1);
  });

  it('emulates when the guest hangs, within the limit, and does not try again', async () => {
    fakeQemu('exec sleep 60');
    const choice = await chooseAccelerator('x86_64', { ...options, limitMs: 100 });
    expect(choice).toEqual({ accelerator: 'tcg', reason: 'a probe guest did not run within 0.1 s' });
    expect(await chooseAccelerator('x86_64', options)).toEqual(choice);
    expect(starts()).toBe(1);
  });

  it('emulates when QEMU refuses, and says why', async () => {
    fakeQemu('echo "failed to set MSR 0x10a" >&2; kill -ABRT $$');
    const choice = await chooseAccelerator('x86_64', options);
    expect(choice).toEqual({ accelerator: 'tcg', reason: 'a probe guest failed: failed to set MSR 0x10a' });
  });

  it('emulates when a guest only seems to have run', async () => {
    fakeQemu('exit 0');
    expect((await chooseAccelerator('x86_64', options)).accelerator).toBe('tcg');
  });

  it('asks anew after the machine was started again', async () => {
    fakeQemu('exit 85');
    await chooseAccelerator('x86_64', options);
    const record = join(directory, 'cache/kvm-probe.json');
    writeFileSync(record, readFileSync(record, 'utf8').replace(/"boot":"[^"]*"/, '"boot":"another"'));
    await chooseAccelerator('x86_64', options);
    expect(starts()).toBe(2);
    writeFileSync(record, '{"torn');
    await chooseAccelerator('x86_64', options);
    expect(starts()).toBe(3);
  });

  it('starts nothing for another architecture, or where there is no device', async () => {
    fakeQemu('exit 85');
    expect((await chooseAccelerator('arm64', options)).reason).toBe('this machine is not arm64');
    const none = join(directory, 'none');
    expect((await chooseAccelerator('x86_64', { ...options, device: none })).reason).toContain('is not there');
    expect(starts()).toBe(0);
  });
});

describe('the probe guests', () => {
  it.each(ARCHITECTURES)('of %s count to their end on an emulated processor', async (arch) => {
    const guest = probeGuest(arch);
    const file = join(directory, 'guest');
    writeFileSync(file, guest.image);
    const program = findProgram(thisHost(), guest.qemu);
    if (program === undefined) return void console.warn(`skipped: there is no ${guest.qemu} on this machine`);
    const argv = guest.arguments(file).map((word) => (word === 'host' ? 'max' : word));
    const finished = await runCommand({
      argv: [program, '-accel', 'tcg', ...argv],
      cwd: directory,
      timeoutMs: 30_000,
      accept: [guest.exitCode],
    });
    expect(finished.exitCode).toBe(guest.exitCode);
  });
});
