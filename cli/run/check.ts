/**
 * The check of a running device: it logs in as a user would, waits until the device has judged its own health, and says
 * what it found. A finding is a value; a Failure means that the device was never seen to be up.
 */
import { Failure } from '../failure.ts';
import type { Report } from '../ui/events.ts';
import {
  type Health,
  type Milestones,
  milestoneRows,
  milestones,
  type Row,
  readHealth,
  tableText,
} from './boot-report.ts';
import type { Boot } from './console.ts';
import type { Device } from './device.ts';
import { runOnDevice, untilLogin } from './ssh.ts';

export interface BootCheck {
  readonly boot: Boot;
  /** Milliseconds from the start to a login that worked. */
  readonly loginMs: number;
  readonly milestones: Milestones;
  readonly health: Health;
  /** What was wrong, a sentence each; empty: healthy. */
  readonly problems: readonly string[];
}

export interface CheckOptions {
  /** For the whole way from the start to health. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly report: Report;
  readonly step: string;
}

/** @throws Failure of the console's or of ssh when the device does not come up within the limit */
export async function checkBoot(device: Device, boot: Boot, options: CheckOptions): Promise<BootCheck> {
  const left = (): number => Math.max(1000, options.limitMs - (performance.now() - boot.startedAt));
  const say = (text: string): void => options.report({ kind: 'step-progress', step: options.step, text });
  // Whoever fails first ends the wait of the other.
  const stopper = new AbortController();
  const signal = AbortSignal.any([options.signal, stopper.signal]);
  say('waiting for the device');
  const login = untilLoggedIn(device, boot, { limitMs: left(), signal }).then((ms) => {
    say('logged in; waiting for the device to judge its health');
    return ms;
  });
  const judged = device.console.event(boot, 'health', {
    what: 'the device to judge its health',
    limitMs: left(),
    signal,
  });
  try {
    const [loginMs, event] = await Promise.all([
      login,
      judged.catch((error: unknown) => askHealth(device, login, error)),
    ]);
    const health = readHealth(event.fields) ?? { state: 'unhealthy', checks: [] };
    return { boot, loginMs, milestones: milestones(boot, loginMs), health, problems: problemsOf(health) };
  } finally {
    stopper.abort();
    await Promise.allSettled([login, judged]);
  }
}

/** Milliseconds from the boot's start to the end of a login that worked. */
export async function untilLoggedIn(
  device: Device,
  boot: Boot,
  { limitMs, signal }: Pick<CheckOptions, 'limitMs' | 'signal'>,
): Promise<number> {
  const deadline = performance.now() + limitMs;
  await untilListening(device, boot, { limitMs, signal });
  await untilLogin(device.ssh, deadline - performance.now(), signal);
  return performance.now() - boot.startedAt;
}

/**
 * Trying before the device listens would only take its processor's time. The line that says so may have been torn by one of
 * the kernel's: everything that comes after it says the same.
 */
async function untilListening(
  device: Device,
  boot: Boot,
  { limitMs, signal }: Pick<CheckOptions, 'limitMs' | 'signal'>,
): Promise<void> {
  const stopper = new AbortController();
  const wait = { what: 'ssh on the device', limitMs, signal: AbortSignal.any([signal, stopper.signal]) };
  const heard = ['ssh-ready', 'engine-ready', 'container', 'health'].map((name) =>
    device.console.event(boot, name, wait),
  );
  try {
    await Promise.race(heard);
  } finally {
    stopper.abort();
    await Promise.allSettled(heard);
  }
}

/** The event's line may have been torn by one of the kernel's; the device keeps the result in a file, too. */
async function askHealth(
  device: Device,
  login: Promise<number>,
  error: unknown,
): Promise<{ readonly fields: unknown }> {
  if (!(await settled(login))) throw error;
  const { stdout, exitCode } = await runOnDevice(device.ssh, ['cat', '/run/coracle/health.json'], { accept: [0, 1] });
  if (exitCode !== 0) throw error;
  return { fields: JSON.parse(stdout) as unknown };
}

/** Whether a login has worked already. */
async function settled(login: Promise<number>): Promise<boolean> {
  return Promise.race([
    login.then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
  ]);
}

function problemsOf(health: Health): readonly string[] {
  if (health.state === 'healthy') return [];
  const bad = health.checks.filter((check) => check.state !== 'healthy');
  if (bad.length === 0) return [`the device says that it is ${health.state}`];
  return bad.map((check) => `${check.name} is ${check.state}${check.text === '' ? '' : `: ${check.text}`}`);
}

/**
 * Switches off a device that one can log in to: by its own command, because not every base listens to the power button.
 * True: it went down by itself.
 */
export async function shutDown(device: Device, limitMs: number, signal: AbortSignal): Promise<boolean> {
  await runOnDevice(device.ssh, ['poweroff'], { signal, limitMs }).catch(ignoreClosedConnection);
  return device.powerOff(limitMs);
}

/** The connection may end before the answer, or the answer never come; what happens to the device is the answer. */
export function ignoreClosedConnection(error: unknown): void {
  const expected = ['ssh-failed', 'command-failed', 'command-timeout'];
  if (!(error instanceof Failure) || !expected.includes(error.parts.code)) throw error;
}

export function bootCheckRows(check: BootCheck): readonly Row[] {
  return milestoneRows(check.boot, check.loginMs);
}

export function bootCheckText(check: BootCheck): string {
  const { checks } = check.health;
  const widest = Math.max(0, ...checks.map(({ state }) => state.length));
  const rows = checks.map(({ name, state, text }): Row => [`check ${name}`, state.padEnd(widest), text]);
  return [tableText(bootCheckRows(check)), tableText(rows)].filter((text) => text !== '').join('\n\n');
}
