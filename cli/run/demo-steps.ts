/**
 * What `coracle demo` proves on a device that runs: a list of steps, each a value. A step that returns has been seen to
 * work; one that throws ends the demo.
 */
import { randomUUID } from 'node:crypto';
import { Failure } from '../failure.ts';
import type { Report } from '../ui/events.ts';
import { type Row, seconds } from './boot-report.ts';
import { bootCheckRows, checkBoot, ignoreClosedConnection, untilLoggedIn } from './check.ts';
import type { Device } from './device.ts';
import { runOnDevice } from './ssh.ts';

export interface DemoContext {
  readonly device: Device;
  /** For each boot. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly report: Report;
  /** The step's name for events. */
  readonly step: string;
}

export interface DemoStep {
  readonly name: string;
  /** In the imperative: `boot until the device is healthy`. */
  readonly title: string;
  /** Rows of the table at the end. @throws Failure when it did not work */
  readonly run: (context: DemoContext) => Promise<readonly Row[]>;
}

const bootStep: DemoStep = {
  name: 'boot',
  title: 'boot, log in, and start a container without a network',
  run: async (context) => {
    const { device } = context;
    const check = await checkBoot(device, device.console.boot, context);
    if (check.problems.length > 0) {
      throw new Failure({
        code: 'device-not-healthy',
        message: `the device is ${check.health.state}`,
        cause: check.problems.join('\n'),
        log: device.console.log,
        hint: `coracle run ${device.image.name} boots it with its console on the terminal`,
      });
    }
    for (const [name, what] of [
      ['engine-ready', 'the container engine'],
      ['container', 'a container'],
    ] as const) {
      if (check.boot.events.some((event) => event.name === name)) continue;
      throw device.console.failure('demo', `nothing was heard of ${what}`, 'the demo');
    }
    return bootCheckRows(check);
  },
};

/** Not below skiff/, whose tree is the device's. */
const DEMO_FILE = '/mnt/persist/coracle-demo';

const persistStep: DemoStep = {
  name: 'persist',
  title: 'write a file to persist, reboot, and read it back',
  run: async (context) => {
    const { device, signal } = context;
    const text = randomUUID();
    await runOnDevice(device.ssh, ['tee', DEMO_FILE], { stdin: text, signal });
    const first = device.console.boot;
    const asked = performance.now();
    await runOnDevice(device.ssh, ['reboot'], { signal }).catch(ignoreClosedConnection);
    const boot = await device.console.nextBoot(first, {
      what: 'the device to reboot',
      limitMs: context.limitMs,
      signal,
    });
    const loginMs = await untilLoggedIn(device, boot, context);
    const { stdout } = await runOnDevice(device.ssh, ['cat', DEMO_FILE], { signal });
    if (stdout !== text) {
      throw new Failure({
        code: 'demo',
        message: `the file on persist came back changed: ${JSON.stringify(stdout)} instead of ${JSON.stringify(text)}`,
        log: device.console.log,
      });
    }
    const total = performance.now() - asked;
    return [
      ['reboot to first login', seconds(loginMs + (boot.startedAt - asked))],
      ['file read back from persist', seconds(total), 'the same'],
    ];
  },
};

/** In this order. What a later part of Coracle wants to show, it adds here. */
export const DEMO_STEPS: readonly DemoStep[] = [bootStep, persistStep];
