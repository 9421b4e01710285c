/**
 * The runtime killed at any moment of create, start, run, kill and delete: at each of its system calls (strace puts SIGKILL in the
 * call's place, into whichever of its processes makes it) and at seeded random times. Afterwards `delete --force` is to
 * leave no process, no mount, no cgroup and no directory.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { makeBusyboxRoot, missingPrograms } from './support/busybox-root.ts';
import { orSkip } from './support/suite.ts';
import { openUpperLayer, type UpperLayer } from './support/upper-layer.ts';
import type { Ran } from './support/view.ts';

/** Every system call takes minutes; a test takes every so many, beginning with another one each day. */
const STRIDE = { long: 29, short: 7 };
const ASKED_STRIDE = process.env['CORACLE_OCI_KILL_STRIDE'];
const RANDOM_KILLS = 20;
/** Names the container's program, the hooks and the cgroup, so that whatever is left can be told. */
const MARK = 'coraclekilled';

const PREPARED: Readonly<Record<string, readonly string[]>> = {
  create: [],
  run: [],
  start: ['create'],
  delete: ['create'],
  'delete --force': ['create', 'start'],
  kill: ['create', 'start'],
};

describe.each(['v1', 'v2'] as const)('killed anywhere, cgroup %s', { timeout: 600_000 }, (version) => {
  let opened: UpperLayer | { readonly reason: string };
  beforeAll(async () => {
    opened = await openUpperLayer(version, []);
    if ('view' in opened) makeBundle(opened);
  }, 400_000);
  afterAll(async () => {
    if ('view' in opened) await opened.close();
  });

  for (const [command, before] of Object.entries(PREPARED)) {
    it(`${command}: at its system calls`, async (context) => {
      const layer = orSkip(context, opened);
      const missing = missingPrograms(['strace']);
      if (missing !== null) orSkip(context, { reason: missing });
      await stepThrough(layer, context, command, before);
    });
  }

  it('create, start and delete one after the other, at random times', async (context) => {
    const layer = orSkip(context, opened);
    const random = seeded(4);
    const problems: string[] = [];
    for (let round = 0; round < RANDOM_KILLS; round += 1) {
      const seconds = (random() * 0.06).toFixed(4);
      const all = ['create', 'start', 'delete --force'].map((command) => line(layer, command)).join('; ');
      // The whole session of the commands, as a machine does that runs out of memory; not the container's.
      await layer.view.run(['timeout', '--signal=KILL', seconds, 'sh', '-c', `${all}; sleep 1`]);
      const left = await cleanUp(layer);
      if (left !== '') problems.push(`after ${seconds} s: ${left}`);
    }
    expect(problems).toEqual([]);
  });
});

/** Kills the command at every so many of its system calls. */
async function stepThrough(
  layer: UpperLayer,
  context: TestContext,
  command: string,
  before: readonly string[],
): Promise<void> {
  const calls = await systemCalls(layer, context, command, before);
  const stride = Number(ASKED_STRIDE ?? (before.length === 0 ? STRIDE.long : STRIDE.short));
  const problems: string[] = [];
  let tried = 0;
  let failed = 0;
  for (let index = new Date().getDate() % stride; index < calls.length; index += stride) {
    const { name, nth } = calls[index] ?? { name: 'none', nth: 1 };
    const ran = await traced(layer, command, before, `--inject=${name}:signal=KILL:when=${nth}`);
    const left = await cleanUp(layer);
    if (left !== '') problems.push(`${command}, ${name} number ${nth}: ${left}`);
    tried += 1;
    if (ran.exitCode !== 0) failed += 1;
  }
  process.stdout.write(`${command}: killed at ${tried} of ${calls.length} system calls; it failed ${failed} times\n`);
  expect(failed).toBeGreaterThan(0);
  expect(problems).toEqual([]);
}

interface SystemCall {
  readonly name: string;
  /** Counted by name and process, as strace does; whichever process comes to it first is killed. */
  readonly nth: number;
}

/** What the command and the container's process call, from a run in which nothing is killed. */
async function systemCalls(
  layer: UpperLayer,
  context: TestContext,
  command: string,
  before: readonly string[],
): Promise<readonly SystemCall[]> {
  const ran = await traced(layer, command, before, '');
  const left = await cleanUp(layer);
  const said = readFileSync(join(layer.scratch, 'said'), 'utf8');
  if (said.includes('strace:')) orSkip(context, { reason: `strace cannot trace here: ${said}` });
  expect({ exitCode: ran.exitCode, left }).toEqual({ exitCode: 0, left: '' });
  const counts = new Map<string, number>();
  const most = new Map<string, number>();
  for (const [, pid = '', name = ''] of readFileSync(join(layer.scratch, 'trace'), 'utf8').matchAll(
    /^(\d+) +(\w+)\(/gm,
  )) {
    const count = (counts.get(`${pid} ${name}`) ?? 0) + 1;
    counts.set(`${pid} ${name}`, count);
    most.set(name, Math.max(most.get(name) ?? 0, count));
  }
  return [...most].flatMap(([name, count]) => Array.from({ length: count }, (_, index) => ({ name, nth: index + 1 })));
}

/** Detached (-D), strace leaves the exit code alone, and does not keep the command waiting for the container. */
function traced(layer: UpperLayer, command: string, before: readonly string[], inject: string): Promise<Ran> {
  const strace = `strace -D -f -o ${layer.scratch}/trace ${inject} ${line(layer, command)}`;
  const script = [...before.map((one) => line(layer, one)), strace].join(' && ');
  return layer.view.run(['sh', '-c', script], { timeoutMs: 60_000 });
}

function line(layer: UpperLayer, command: string): string {
  const [verb, ...rest] = command.split(' ');
  const bundle = verb === 'create' || verb === 'run' ? ` --bundle ${layer.scratch}/bundle` : '';
  const detach = verb === 'run' ? ' --detach' : '';
  const signal = verb === 'kill' ? ' KILL' : '';
  return `${layer.runtime.path} --root ${layer.scratch}/state ${verb}${detach}${bundle} ${rest.join(' ')} ${MARK}${signal} </dev/null >${layer.scratch}/said 2>&1`;
}

/** Forces the container away; what is left then, in words. */
async function cleanUp(layer: UpperLayer): Promise<string> {
  const { view, scratch } = layer;
  const deleted = await view.run(['sh', '-c', line(layer, 'delete --force')]);
  // A process that was killed may take a moment to be gone, and is waited for by the view's first process.
  const look = [
    // What waits to be started is the runtime's second stage, which names nothing.
    `for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline 2>/dev/null | grep -q -e ${MARK} -e "coracle-oci init" && ! grep -q "^State:.Z" $p/status && echo "process $p"; done`,
    `grep -F ${scratch}/bundle /proc/self/mountinfo`,
    `find /sys/fs/cgroup -name "${MARK}*" -type d`,
    `find ${scratch}/state -mindepth 1`,
  ].join('; ');
  let left = '';
  for (let tries = 0; tries < 50; tries += 1) {
    // The shell that looks has the mark in its own arguments.
    left = (await view.run(['sh', '-s'], { input: look })).stdout.trim();
    if (left === '') break;
  }
  if (left !== '') await view.run(['sh', '-c', `rm -rf ${scratch}/state/*`]);
  return deleted.exitCode === 0 ? left : `delete --force ended with ${deleted.exitCode}: ${deleted.stderr} ${left}`;
}

function makeBundle(layer: UpperLayer): void {
  const bundle = join(layer.scratch, 'bundle');
  makeBusyboxRoot(join(bundle, 'rootfs'));
  mkdirSync(join(layer.scratch, 'state'));
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=1m'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
    { destination: '/tmp', type: 'bind', source: layer.scratch, options: ['rbind', 'ro', 'rprivate'] },
  ];
  const namespaces = ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup'].map((type) => ({ type }));
  const hook = { path: '/bin/true', args: ['true', MARK] };
  const config = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: {
      cwd: '/',
      args: ['sh', '-c', 'while :; do sleep 1000; done', MARK],
      env: ['PATH=/bin'],
      user: { uid: 0, gid: 0 },
    },
    mounts,
    hooks: { createRuntime: [hook], poststart: [hook], poststop: [hook] },
    linux: {
      namespaces,
      cgroupsPath: `/${MARK}`,
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
    },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
}

/** A small generator of numbers from 0 to 1, the same every time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
