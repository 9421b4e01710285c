/**
 * How late a real-time thread is woken in a container, beside the same program on the bare machine: SCHED_FIFO, pinned to one
 * processor, timers 1 ms apart, while all processors are kept busy. Both take turns in one run.
 *
 *     node bench/oci-jitter.ts [SECONDS]      needs root, gcc and busybox-static
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { baseConfig, Container } from '../test/oci/support/bundle.ts';
import { type Runtime, runtimeUnderTest } from '../test/oci/support/runtime.ts';
import { openView, type View } from '../test/oci/support/view.ts';
import { takeTurns } from './measure.ts';
import { line } from './print.ts';

const PRIORITY = 80;
const ROUNDS = 5;
const PROCESSOR = availableParallelism() - 1;
const seconds = Number(process.argv[2] ?? 30);
/** Wakeups of one turn. */
const WAKEUPS = Math.round((seconds * 1000) / ROUNDS);

const runtime = runtimeUnderTest();
const view = await openView('v1');
if ('reason' in runtime || 'reason' in view) {
  line(`not measured: ${'reason' in runtime ? runtime.reason : 'reason' in view ? view.reason : ''}`);
  process.exit(0);
}
const scratch = mkdtempSync(join(tmpdir(), 'coracle-jitter-'));
try {
  const program = join(scratch, 'jitter');
  execFileSync('gcc', ['-O2', '-static', '-o', program, join(import.meta.dirname, 'programs/jitter.c')]);
  await measureJitter(view, runtime, program);
} finally {
  await view.close();
  rmSync(scratch, { recursive: true, force: true });
}

async function measureJitter(view: View, runtime: Runtime, program: string): Promise<void> {
  const config = baseConfig('');
  config['process'].args = ['/bin/jitter', `${WAKEUPS}`];
  config['process'].scheduler = { policy: 'SCHED_FIFO', priority: PRIORITY };
  const locks = ['CAP_IPC_LOCK'];
  config['process'].capabilities = { bounding: locks, effective: locks, permitted: locks };
  config['annotations'] = { 'org.coracle.cpus': `${PROCESSOR}` };
  config['linux'].resources = { cpu: { realtimeRuntime: 100_000, realtimePeriod: 1_000_000 } };
  const container = new Container(view, runtime, scratch, config);
  cpSync(program, join(container.rootfs, 'bin/jitter'));
  const numbers = (ran: { exitCode: number; stdout: string; stderr: string }): number[] => {
    if (ran.exitCode !== 0) throw new Error(ran.stderr);
    return ran.stdout.trim().split('\n').map(Number);
  };
  const timeoutMs = WAKEUPS + 60_000;
  const runs = await underLoad(() =>
    takeTurns(ROUNDS, {
      bare: async () => numbers(await view.run([program, `${WAKEUPS}`, `${PROCESSOR}`, `${PRIORITY}`], { timeoutMs })),
      container: async () =>
        numbers(await view.run(container.argv('run', container.id), { cwd: container.bundle, timeoutMs })),
    }),
  );
  line(
    `latency of wakeups 1 ms apart, SCHED_FIFO ${PRIORITY}, processor ${PROCESSOR}, ${ROUNDS} turns of ${WAKEUPS} each, all processors busy`,
  );
  line('                  p50         p99       p99.9     maximum   (microseconds)');
  for (const [who, all] of Object.entries(runs)) line(`  ${who.padEnd(10)} ${summary(all.flat())}`);
}

/** Keeps every processor busy with computing, forking and memory, twice over. */
async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  const compute = 'while :; do :; done';
  const fork = 'while :; do /bin/true; done';
  const copy = 'while :; do dd if=/dev/zero of=/dev/null bs=1M count=64 2>/dev/null; done';
  const loads = Array.from({ length: 2 * availableParallelism() }, (_, index) =>
    spawn('sh', ['-c', [compute, fork, copy][index % 3] as string], { stdio: 'ignore', detached: true }),
  );
  try {
    return await work();
  } finally {
    for (const { pid } of loads) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  }
}

function summary(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1000;
  return [0.5, 0.99, 0.999, 1].map((share) => at(share).toFixed(1).padStart(11)).join('');
}
