/**
 * Whether KVM can be used. That /dev/kvm opens proves nothing: on some machines (nested virtualisation, containers) a
 * guest is refused, or never runs an instruction. So a guest of a few bytes is run, with a limit; the answer is kept
 * until the machine is started anew.
 */
import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';
import { writeShortcut } from '../host/cache-writes.ts';
import { runCommand } from '../host/process.ts';
import type { HostArchitecture } from '../host/this-host.ts';
import type { Architecture } from '../layers/layer.ts';
import type { Accelerator } from './machine.ts';
import { probeGuest } from './probe-guest.ts';

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** Why not KVM; undefined where it is used. */
  readonly reason: string | undefined;
}

export interface ProbeOptions {
  readonly host: HostArchitecture;
  /** Where the answer is kept. */
  readonly cache: string;
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly qemu?: string;
  readonly device?: string;
  readonly limitMs?: number;
}

/** A working KVM answers within 0.2 s. */
const LIMIT_MS = 5000;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

const ProbeRecord = z.object({
  boot: z.string(),
  results: z.partialRecord(z.string(), z.nullable(z.string())),
});

/** KVM where a guest of that architecture really runs, emulation elsewhere. */
export async function chooseAccelerator(arch: Architecture, options: ProbeOptions): Promise<AcceleratorChoice> {
  const choice = (reason: string | undefined): AcceleratorChoice => ({
    accelerator: reason === undefined ? 'kvm' : 'tcg',
    reason,
  });
  if (arch !== options.host) return choice(`this machine is not ${arch}`);
  const device = options.device ?? '/dev/kvm';
  const refused = await access(device, constants.R_OK | constants.W_OK).then(
    () => undefined,
    () => `${device} is not there for this user`,
  );
  if (refused !== undefined) return choice(refused);
  const record = join(options.cache, 'kvm-probe.json');
  const boot = (await readFile(BOOT_ID, 'utf8').catch(() => '')).trim();
  const known = await readRecord(record, boot);
  const remembered = known[arch];
  if (remembered !== undefined) return choice(remembered ?? undefined);
  const reason = await probe(arch, options);
  await writeShortcut(record, `${JSON.stringify({ boot, results: { ...known, [arch]: reason ?? null } })}\n`);
  return choice(reason);
}

async function readRecord(path: string, boot: string): Promise<Readonly<Partial<Record<string, string | null>>>> {
  try {
    const record = z.parse(ProbeRecord, JSON.parse(await readFile(path, 'utf8')));
    return record.boot === boot && boot !== '' ? record.results : {};
  } catch {
    return {};
  }
}

/** undefined: the guest ran to its end. */
async function probe(arch: Architecture, options: ProbeOptions): Promise<string | undefined> {
  const limitMs = options.limitMs ?? LIMIT_MS;
  const directory = await mkdtemp(join(tmpdir(), 'coracle-kvm-'));
  try {
    const guest = probeGuest(arch);
    const file = join(directory, 'guest');
    await writeFile(file, guest.image);
    await runCommand({
      argv: [options.qemu ?? guest.qemu, '-accel', 'kvm', ...guest.arguments(file)],
      cwd: directory,
      timeoutMs: limitMs,
      accept: [guest.exitCode],
      signal: options.signal,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.parts.code === 'command-timeout') return `a probe guest did not run within ${limitMs / 1000} s`;
    if (error.parts.code !== 'command-failed') throw error;
    return `a probe guest failed: ${error.parts.cause?.split('\n')[0] || error.parts.message}`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
