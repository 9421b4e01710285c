import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '../../test/support/files.ts';
import { Failure } from '../failure.ts';
import { DeviceConsole } from './console.ts';
import { fatalMessage, LineSplitter, parseEvent, plainLine } from './console-line.ts';

let directory: string;
let clock: number;
let device: DeviceConsole;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle-console-'));
  clock = 1000;
  device = new DeviceConsole(join(directory, 'console.log'), () => clock);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function push(text: string): void {
  device.push(Buffer.from(text));
}

describe('lines', () => {
  it('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.nat(40)), (texts, cuts) => {
        const lines = texts.map((text) => text.replaceAll('\n', ''));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const seen: string[] = [];
        const splitter = new LineSplitter((line) => seen.push(line));
        let at = 0;
        for (const cut of cuts) {
          splitter.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        splitter.push(bytes.subarray(at));
        // What is no character (half of a surrogate pair) is replaced on the way in.
        expect(seen).toEqual(lines.map((line) => Buffer.from(line).toString()));
      }),
    );
  });

  it('do not fill the memory when they never end', () => {
    const seen: string[] = [];
    const splitter = new LineSplitter((line) => seen.push(line));
    for (let count = 0; count < 10; count += 1) splitter.push(Buffer.alloc(1 << 15, 'x'));
    expect(splitter.rest.length).toBeLessThanOrEqual(1 << 16);
    expect(seen.length).toBeGreaterThan(0);
  });

  it('lose colours and cursor movements', () => {
    expect(plainLine('\u001b[0;32m  OK  \u001b[0m] Started ssh\r')).toBe('  OK  ] Started ssh');
    expect(plainLine('\u001b[2J\u001b[01;01H\u001b[=3h\u001b]0;title\u0007BdsDxe')).toBe('BdsDxe');
  });
});

describe('parseEvent', () => {
  it('reads name, uptime and fields, also behind something else', () => {
    expect(parseEvent('[  4.2] coracle: event {"event":"engine-ready","uptime":11.2,"engine":"podman 4.3.1"}')).toEqual(
      {
        name: 'engine-ready',
        uptime: 11.2,
        fields: { engine: 'podman 4.3.1' },
      },
    );
  });

  it('reads an event that the kernel has written behind, before its line ended', () => {
    const line =
      'coracle: event {"event":"container","uptime":2,"output":"a } \\" {"}[   15.6] systemd-journald[115]: flush';
    expect(parseEvent(line)).toEqual({ name: 'container', uptime: 2, fields: { output: 'a } " {' } });
  });

  it('takes a torn line for none', () => {
    expect(parseEvent('coracle: event {"event":"hea[   12.0] random: crng init done')).toBeUndefined();
    expect(parseEvent('coracle: event [1]')).toBeUndefined();
    expect(parseEvent('coracle: event {"uptime":1}')).toBeUndefined();
    expect(parseEvent('login:')).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseEvent(`coracle: event ${text}`)));
  });
});

it('knows the words by which a device gives up', () => {
  expect(fatalMessage('coracle-init: fatal: no slot 0.1.0-x')).toBe('coracle-init: fatal: no slot 0.1.0-x');
  expect(fatalMessage('[ 1.0] Kernel panic - not syncing: VFS')).toBe('Kernel panic - not syncing: VFS');
  expect(fatalMessage('coracle-init: persist is degraded')).toBeUndefined();
});

describe('DeviceConsole', () => {
  it('keeps the times of a boot, and everything in the log', async () => {
    push('\u001b[2J\r\n');
    clock = 1500;
    push('coracle-init: 0.1.0\r\ncoracle: event {"event":"ssh-');
    clock = 2500;
    push('ready","uptime":1.5}\r\n');
    expect(device.boot.firstLineMs).toBe(500);
    const event = await device.event(device.boot, 'ssh-ready', { what: 'ssh', limitMs: 10 });
    expect(event).toMatchObject({ name: 'ssh-ready', uptime: 1.5, ms: 1500 });
    device.end('done');
    await expect.poll(() => readFileSync(device.log, 'utf8')).toContain('"ssh-ready","uptime":1.5}\r\n');
  });

  it('says at the limit what was awaited and what was seen last', async () => {
    push('coracle-init: 0.1.0\nlogin: ');
    const failure = await failureOf(device.event(device.boot, 'health', { what: 'the device to be well', limitMs: 5 }));
    expect(failure.parts.code).toBe('device-timeout');
    expect(failure.parts.message).toContain('while waiting for the device to be well');
    expect(failure.parts.cause).toContain('coracle-init: 0.1.0\nlogin:');
    expect(failure.parts.log).toBe(device.log);
  });

  it('does not wait for a device that gave up, ended, or started again', async () => {
    const wait = { what: 'health', limitMs: 10_000 };
    const fatal = failureOf(device.event(device.boot, 'health', wait));
    push('coracle-init: fatal: root hash differs\n');
    expect((await fatal).parts).toMatchObject({ code: 'device-fatal' });
    device.restarted();
    clock += 5000;
    const again = failureOf(device.event(device.boot, 'health', wait));
    device.restarted();
    expect((await again).parts.code).toBe('device-restarted');
    const ended = failureOf(device.event(device.boot, 'health', wait));
    device.end('QEMU ended');
    expect((await ended).parts.message).toBe('QEMU ended while waiting for health');
    const refused = new DeviceConsole(join(directory, 'other.log'));
    refused.end(new Failure({ code: 'qemu', message: 'QEMU refused' }));
    expect((await failureOf(refused.event(refused.boot, 'health', wait))).parts.code).toBe('qemu');
  });

  it('starts the clock and the events anew with each boot', async () => {
    const first = device.boot;
    push('coracle: event {"event":"health","uptime":1}\n');
    const next = device.nextBoot(first, { what: 'a reboot', limitMs: 1000 });
    clock = 60_000;
    device.restarted();
    clock = 60_700;
    push('coracle-init: 0.1.0\n');
    expect(await next).toMatchObject({ number: 2, firstLineMs: 700, events: [] });
    expect(first.events).toHaveLength(1);
  });

  it('takes the resets of one reboot for one', () => {
    device.restarted();
    clock += 20;
    device.restarted();
    expect(device.boot.number).toBe(2);
  });

  it('stops waiting when asked to', async () => {
    const stopper = new AbortController();
    const waiting = failureOf(
      device.event(device.boot, 'health', { what: 'health', limitMs: 10_000, signal: stopper.signal }),
    );
    stopper.abort();
    expect((await waiting).parts.code).toBe('stopped');
  });
});
