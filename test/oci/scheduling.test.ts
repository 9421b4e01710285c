/** Scheduling, affinity, limits on locked memory; events: docs/oci-runtime.md, "Real time". */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import type { Config, Container } from './support/bundle.ts';
import { type Place, specification } from './support/spec.ts';
import type { Ran } from './support/view.ts';

const PROCESSORS = availableParallelism();
/** `Cpus_allowed_list` of a process, as a script prints it. */
const ALLOWED = 'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status';
/** Policy, real-time priority and nice value, fields 41, 40 and 19 of stat(5). */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
const SCHEDULED = 'read -r line </proc/self/stat; set -- $line; echo policy ${41} priority ${40} nice ${19}';

/** Starts a waiting container with another process; what that said. */
async function startWith(one: Container, script: string, more: Config, ...options: string[]): Promise<Ran> {
  const file = join(one.bundle, 'process.json');
  const args = ['sh', '-c', script];
  writeFileSync(file, JSON.stringify({ cwd: '/', args, env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, ...more }));
  const ran = await one.command('start', '--process', file, ...options, one.id);
  if (ran.exitCode === 0) await one.until('stopped');
  return ran;
}

/** Events of a container as they come: the types of all lines so far, and the command's end. */
function watch({ view }: Place, one: Container, interval: string) {
  const file = join(one.bundle, 'events');
  const argv = one.argv('events', '--interval', interval, one.id);
  const ended = view.run(['sh', '-c', 'exec "$@" >"$0"', file, ...argv]);
  const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []);
  return { ended, types: () => lines().map((line) => (JSON.parse(line) as Config)['type'] as string) };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > limit) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** In a cgroup of version 1 real-time tasks need a share of real time; outside of it they do not. */
const withRealTime =
  ({ version }: Place) =>
  (config: Config): void => {
    if (version === 'v1') config['linux'].resources = { cpu: { realtimeRuntime: 50_000, realtimePeriod: 1_000_000 } };
  };

/** Skips where this machine's real time is all given away, to other cgroups. */
async function needRealTime({ view, version }: Place, context: TestContext): Promise<void> {
  if (version !== 'v1') return;
  const share = await view.run(['cat', '/sys/fs/cgroup/cpu/cpu.rt_runtime_us']);
  if (share.exitCode !== 0 || Number(share.stdout) > 0) return;
  console.warn('not tried: no real time is left for the cgroup of the tests');
  context.skip('no real time is left for the cgroup of the tests');
}

specification('scheduling', (must) => {
  must('every policy comes from config.json, with its nice value or priority', async (place, context) => {
    await needRealTime(place, context);
    for (const [scheduler, wanted] of [
      [{ policy: 'SCHED_OTHER', nice: 5 }, 'policy 0 priority 0 nice 5'],
      [{ policy: 'SCHED_FIFO', priority: 10 }, 'policy 1 priority 10 nice 0'],
      [{ policy: 'SCHED_RR', priority: 99 }, 'policy 2 priority 99 nice 0'],
      [{ policy: 'SCHED_BATCH', nice: -3 }, 'policy 3 priority 0 nice -3'],
      [{ policy: 'SCHED_IDLE' }, 'policy 5 priority 0 nice 0'],
    ] as const) {
      const one = place.container(SCHEDULED, (config) => {
        config['process'].scheduler = scheduler;
        withRealTime(place)(config);
      });
      expect(await one.run(), scheduler.policy).toMatchObject({ exitCode: 0, stdout: `${wanted}\n`, stderr: '' });
    }
  });

  must('a deadline is set, with its times', async (place, context) => {
    const times = { runtime: 2_000_000, deadline: 10_000_000, period: 20_000_000 };
    const one = place.container(SCHEDULED, (config) => {
      config['process'].scheduler = { policy: 'SCHED_DEADLINE', flags: ['SCHED_FLAG_RESET_ON_FORK'], ...times };
    });
    const ran = await one.run();
    if (/set the scheduler of the process: (operation not permitted|device or resource busy)/.test(ran.stderr)) {
      context.skip('this machine admits no deadlines in a cgroup');
    }
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'policy 6 priority 0 nice 0\n' });
  });

  must(
    'policy, affinity and I/O priority are those of process.json, when the container is started with one',
    async (place, context) => {
      await needRealTime(place, context);
      const one = place.container('true', withRealTime(place));
      await one.create();
      const ran = await startWith(one, `${SCHEDULED}; ${ALLOWED}; ionice`, {
        scheduler: { policy: 'SCHED_RR', priority: 7 },
        execCPUAffinity: { final: `${PROCESSORS - 1}` },
        ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 },
      });
      expect(ran).toMatchObject({ exitCode: 0 });
      expect(ran.stdout.split('\n').slice(0, 2)).toEqual(['policy 2 priority 7 nice 0', `${PROCESSORS - 1}`]);
      if (!ran.stdout.includes('not found') && ran.stdout.split('\n').length > 3) {
        expect(ran.stdout).toMatch(/best-effort: prio 6/);
      }
    },
  );

  must(
    'processors come from the annotation, from --cpus over it, and from process.json over both',
    async ({ container }) => {
      const last = `${PROCESSORS - 1}`;
      const annotated = (config: Config) => {
        config['annotations'] = { 'org.coracle.cpus': '0' };
      };
      const one = container(ALLOWED, annotated);
      expect((await one.run()).stdout).toBe('0\n');
      const created = async (more: Config, ...options: string[]) => {
        const two = container('true', annotated);
        await two.create();
        return (await startWith(two, ALLOWED, more, ...options)).stdout;
      };
      expect(await created({})).toBe('0\n');
      expect(await created({}, '--cpus', last)).toBe(`${last}\n`);
      expect(await created({ execCPUAffinity: { final: '0' } }, '--cpus', last)).toBe('0\n');
      const wrong = container(ALLOWED, (config) => {
        config['annotations'] = { 'org.coracle.cpus': '0-' };
      });
      expect((await wrong.run()).stderr).toMatch(/annotations.org.coracle.cpus: "0-" is no list such as 0-3,7/);
    },
  );

  must('execCPUAffinity is for exec, and not for the first process', async ({ container }) => {
    const every = container(ALLOWED);
    const all = (await every.run()).stdout;
    const one = container(`${ALLOWED}; sleep 1000`, (config) => {
      config['process'].execCPUAffinity = { initial: '0', final: `${PROCESSORS - 1}` };
    });
    await one.create();
    await one.start();
    await until('it has said all', () => one.output() !== '');
    expect(one.output()).toBe(all);
    expect((await one.command('exec', one.id, 'sh', '-c', ALLOWED)).stdout).toBe(`${PROCESSORS - 1}\n`);
  });

  must(
    'under a real-time caller, a container without real time of its own runs as an ordinary one',
    async (place, context) => {
      const one = place.container(SCHEDULED);
      const chrt = ['chrt', '--rr', '5', ...one.argv('run', one.id)];
      const tried = await place.view.run(['chrt', '--rr', '5', 'true']);
      if (tried.exitCode !== 0) context.skip('this machine has no real time for a test');
      const ran = await place.view.run(chrt, { cwd: one.bundle });
      expect(ran.exitCode, ran.stderr).toBe(0);
      expect(ran.stdout).toMatch(/^policy [02] priority [05] nice 0\n$/);
      // Where the kernel would have refused the process, it is said what was done about it.
      expect(ran.stdout.startsWith('policy 0')).toBe(ran.stderr.includes('real-time scheduling is not passed on'));
    },
  );

  must('a limit on locked memory reaches the program, which is what can lock memory', async ({ container }) => {
    const one = container('grep locked /proc/self/limits', (config) => {
      config['process'].rlimits = [{ type: 'RLIMIT_MEMLOCK', soft: 4096, hard: 8192 }];
    });
    expect((await one.run()).stdout).toMatch(/^Max locked memory\s+4096\s+8192\s+bytes/);
  });
});

specification('events', (must) => {
  must('--stats prints what is used, once', async ({ container }) => {
    const one = container('exec sleep 1000');
    await one.create();
    await one.start();
    const { stdout, exitCode } = await one.command('events', '--stats', one.id);
    expect(exitCode).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const event = JSON.parse(stdout) as Config;
    expect(event).toMatchObject({ type: 'stats', id: one.id });
    expect(Object.keys(event['data'])).toEqual(expect.arrayContaining(['cpu', 'memory', 'pids', 'blkio', 'hugetlb']));
  });

  must('lines come at the interval, until the container has ended', async (place) => {
    const one = place.container('exec sleep 1000');
    await one.create();
    await one.start();
    const events = watch(place, one, '50ms');
    await until('three lines', () => events.types().length > 2);
    await one.command('kill', one.id, 'KILL');
    expect((await events.ended).exitCode).toBe(0);
    expect(new Set(events.types())).toEqual(new Set(['stats']));
    const after = await one.command('events', one.id);
    expect(after).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/is stopped: it cannot have events/) });
    expect((await one.command('events', '--interval', '0s', one.id)).stderr).toMatch(/is no duration/);
  });

  must('it is told when memory runs out', async (place, context) => {
    if (place.version === 'v2') context.skip('this machine has no memory controller of version 2');
    const one = place.container(
      'while [ ! -e /tmp/go ]; do sleep 0.05; done; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 1000',
      (config) => {
        config['mounts'].push({ destination: '/dev/zero', type: 'bind', source: '/dev/zero', options: ['bind'] });
        config['linux'].resources = { memory: { limit: 16 << 20 } };
      },
    );
    await one.create();
    await one.start();
    const events = watch(place, one, '100ms');
    await until('it watches', () => events.types().includes('stats'));
    writeFileSync(join(one.rootfs, 'tmp/go'), '');
    await until('memory ran out', () => events.types().includes('oom'));
    await one.command('kill', one.id, 'KILL');
    expect((await events.ended).exitCode).toBe(0);
  });
});
