/** Containers whose process is given later, and pools of containers that are ready: docs/oci-runtime.md, "Fast start". */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Config, Container } from './support/bundle.ts';
import { type Place, specification } from './support/spec.ts';
import type { Ran } from './support/view.ts';

const withoutProcess = (config: Config): void => {
  delete config['process'];
};

/** A process.json beside the bundle. */
function processFile(one: Container, script: string, more: Config = {}): string {
  const file = join(one.bundle, 'process.json');
  const args = ['sh', '-c', script];
  writeFileSync(file, JSON.stringify({ cwd: '/', args, env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, ...more }));
  return file;
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

interface Pool {
  readonly name: string;
  /** The ids of what is ready. */
  ready(): Promise<readonly string[]>;
  full(): Promise<void>;
  /** Sends a signal to the service. */
  signal(name: string): Promise<void>;
  /** Starts the service, again after an end. */
  serve(): void;
  ended(): Promise<Ran>;
}

let pools = 0;

/** A pool of a container's bundle, gone with the test. */
function pool({ view }: Place, one: Container, size: number): Pool {
  const name = `p${process.pid}-${pools++}`;
  const pid = join(one.bundle, 'pool.pid');
  let service: Promise<Ran> = Promise.reject(new Error('not started'));
  service.catch(() => {});
  const command = one.argv('pool', '--bundle', one.bundle, '--size', `${size}`, name);
  const found: Pool = {
    name,
    async ready() {
      const { stdout } = await one.command('list', '--format', 'json');
      const all = JSON.parse(stdout) as { id: string; status: string }[];
      return all.filter(({ id }) => id.startsWith(`pool@${name}/`)).map(({ id }) => id);
    },
    full: () => until(`${size} containers are ready`, async () => (await found.ready()).length === size),
    async signal(name) {
      await view.run(['kill', `-${name}`, readFileSync(pid, 'utf8').trim()]);
    },
    serve() {
      service = view.run(['sh', '-c', 'echo $$ >"$0"; exec "$@"', pid, ...command], { timeoutMs: 100_000 });
    },
    ended: () => service,
  };
  onTestFinished(async () => {
    if (existsSync(pid)) await found.signal('KILL');
    await service.catch(() => {});
    await one.command('pool', '--remove', name);
  });
  found.serve();
  return found;
}

specification('a process that is given later', (must) => {
  must('a container without one waits, and says so when it is to start without', async ({ container }) => {
    const one = container('', withoutProcess);
    expect((await one.create()).exitCode).toBe(0);
    const { pid } = await one.state();
    const refused = await one.start();
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(/there is no process: start the container with --process/);
    expect(await one.state()).toMatchObject({ status: 'created', pid });
    const started = await one.command('start', '--process', processFile(one, 'echo later from $(hostname)'), one.id);
    expect(started).toMatchObject({ exitCode: 0, stderr: '' });
    await one.until('stopped');
    expect(started.stdout).toBe('later from inside\n');
  });

  must('cannot be run, and nothing of it is left', async ({ container }) => {
    const one = container('', withoutProcess);
    expect(await one.run()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/there is no process to run/) });
    expect(await one.status()).toBe('absent');
  });

  must('one that cannot be run leaves the container waiting for another', async ({ container }) => {
    const one = container('echo own');
    await one.create();
    const file = processFile(one, '', { args: ['/nowhere'] });
    const refused = await one.command('start', '--process', file, one.id);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(/\/nowhere: no such file or directory/);
    expect(refused.stderr).toMatch(/still waits/);
    expect(await one.status()).toBe('created');
    const second = await one.command('start', '--process', processFile(one, 'echo second'), one.id);
    expect(second).toMatchObject({ exitCode: 0, stdout: 'second\n' });
    await one.until('stopped');
  });

  must('one that fails behind the point of no return stops the container', async ({ container }) => {
    const one = container('echo own');
    await one.create();
    const file = processFile(one, 'true', { scheduler: { policy: 'SCHED_FIFO', priority: 200 } });
    const failed = await one.command('start', '--process', file, one.id);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toMatch(/has stopped/);
    expect(await one.status()).toBe('stopped');
  });

  must('a start command that ends before it says anything changes nothing', async ({ container, view }) => {
    const one = container('echo own');
    await one.create();
    const connect =
      'import socket,sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect("start.sock")';
    const at = join(one.stateDirectory, one.id);
    const ran = await view.run(['python3', '-c', connect], { cwd: at });
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(await one.status()).toBe('created');
    expect((await one.start()).exitCode).toBe(0);
    await one.until('stopped');
    expect(one.output()).toBe('own\n');
  });

  must('it has the filter and the hooks of the container all the same', async ({ container }) => {
    const one = container('true', (config) => {
      config['linux'].seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 99 }],
      };
      config['hooks'] = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'echo hook >/tmp/hook'] }] };
    });
    await one.create();
    const script = 'cat /tmp/hook; mkdir /tmp/d || echo refused; grep Seccomp: /proc/self/status';
    const started = await one.command('start', '--process', processFile(one, script), one.id);
    expect(started.exitCode).toBe(0);
    await one.until('stopped');
    expect(started.stdout).toBe('hook\nrefused\nSeccomp:\t2\n');
  });

  must('a waiting process holds little memory', async ({ container, view }) => {
    const one = container('', withoutProcess);
    await one.create();
    const { pid } = await one.state();
    const { stdout } = await view.run(['grep', '-E', '^(Rss|Pss|Anonymous):', `/proc/${pid}/smaps_rollup`]);
    const kilobytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(stdout)?.[1]);
    process.stdout.write(`waiting process: ${stdout.replace(/\s+/g, ' ')}\n`);
    expect(kilobytes('Rss')).toBeGreaterThan(0);
    // The rest is pages of the program's file, which all processes of the runtime share.
    expect(kilobytes('Pss')).toBeLessThan(1024);
    expect(kilobytes('Anonymous')).toBeLessThan(100);
  });
});

specification('pool', (must) => {
  must('what is taken is an ordinary container, and another takes its place', async (place) => {
    const one = place.container('echo from $(hostname); exit 7');
    const own = pool(place, one, 2);
    await own.full();
    const before = await own.ready();
    const ran = await one.command('run', '--pool', own.name, one.id);
    expect(ran).toMatchObject({ exitCode: 7, stdout: 'from inside\n', stderr: '' });
    expect(await one.status()).toBe('absent');
    await own.full();
    const after = await own.ready();
    expect(after.filter((id) => before.includes(id))).toHaveLength(1);
  });

  must('create, start, state, kill and delete work on what was taken; its stand-in ends with it', async (place) => {
    const one = place.container('echo started >/tmp/started; exec sleep 1000');
    const own = pool(place, one, 1);
    await own.full();
    const file = join(one.bundle, 'pid');
    expect(await one.create('--pool', own.name, '--pid-file', file)).toMatchObject({ exitCode: 0, stderr: '' });
    const { status, pid } = await one.state();
    expect(status).toBe('created');
    const standIn = readFileSync(file, 'utf8');
    expect(Number(standIn)).not.toBe(pid);
    const groups = async (pid: string) => (await place.view.run(['cat', `/proc/${pid}/cgroup`])).stdout;
    expect(await groups(standIn)).toBe(await groups(`${pid}`));
    expect(existsSync(join(one.rootfs, 'tmp/started'))).toBe(false);
    expect((await one.start()).exitCode).toBe(0);
    await until('it runs', () => existsSync(join(one.rootfs, 'tmp/started')));
    expect((await one.command('exec', one.id, 'true')).exitCode).toBe(0);
    // A signal to the stand-in reaches the container.
    await place.view.run(['kill', '-KILL', standIn]);
    await one.until('stopped');
    expect((await one.command('delete', one.id)).exitCode).toBe(0);
  });

  must('by annotation what fits is taken, and given its own names, cgroup and filter', async (place) => {
    const ready = place.container('true');
    const own = pool(place, ready, 1);
    await own.full();
    const [id] = await own.ready();
    const one = place.container('hostname; grep Seccomp: /proc/self/status; sleep 1000', (config) => {
      config['annotations'] = { 'org.coracle.pool': own.name };
      config['root'].path = ready.rootfs;
      config['hostname'] = 'other';
      config['linux'].cgroupsPath = `/taken-${own.name}`;
      if (place.version === 'v1') config['linux'].resources = { pids: { limit: 9 } };
      config['linux'].seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
      };
    });
    expect(await one.create()).toMatchObject({ exitCode: 0, stderr: '' });
    await one.start();
    await until('it has said all', () => one.output().includes('Seccomp'));
    expect(one.output()).toMatch(/^other\nSeccomp:\t2\n/);
    const { pid, annotations } = await one.state();
    expect(annotations).toEqual({ 'org.coracle.pool': own.name });
    const groups = (await place.view.run(['cat', `/proc/${pid}/cgroup`])).stdout;
    expect(groups).toContain(`/taken-${own.name}`);
    expect(groups).not.toContain('-pool-');
    // Nothing is left of the cgroup that it waited in.
    await own.full();
    const left = (await place.view.run(['find', '/sys/fs/cgroup', '-name', `${own.name}-pool-${id?.split('/')[1]}`]))
      .stdout;
    expect(left).toBe('');
  });

  must('what does not fit is made from the start, with the reason', async (place) => {
    const ready = place.container('true');
    const own = pool(place, ready, 1);
    await own.full();
    const before = await own.ready();
    for (const [field, change] of [
      ['root.path', () => {}],
      ['mounts', (config: Config) => config['mounts'].push({ destination: '/tmp', type: 'tmpfs' })],
      ['linux', (config: Config) => Object.assign(config['linux'], { maskedPaths: ['/proc/kcore'] })],
      ['hooks', (config: Config) => Object.assign(config, { hooks: { createRuntime: [{ path: '/bin/true' }] } })],
    ] as const) {
      const one = place.container('echo made', (config) => {
        config['annotations'] = { 'org.coracle.pool': own.name };
        if (field !== 'root.path') config['root'].path = ready.rootfs;
        change(config);
      });
      const ran = await one.run();
      expect(ran, field).toMatchObject({ exitCode: 0, stdout: 'made\n' });
      expect(ran.stderr).toMatch(new RegExp(`nothing in the pool ${own.name} fits: .*${field}`));
    }
    expect(await own.ready()).toEqual(before);
  });

  must('of many who take at once, each has its own', async (place) => {
    const one = place.container('echo $(cat /proc/sys/kernel/random/uuid)');
    const own = pool(place, one, 4);
    await own.full();
    const all = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((n) => one.command('run', '--pool', own.name, `${one.id}-${n}`)),
    );
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(new Set(all.map(({ stdout }) => stdout)).size).toBe(6);
    await own.full();
  });

  must('an ID that is in use takes nothing', async (place) => {
    const one = place.container('exec sleep 1000');
    await one.create();
    const own = pool(place, one, 1);
    await own.full();
    const before = await own.ready();
    expect(await one.command('run', '--pool', own.name, one.id)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/already exists/),
    });
    expect(await own.ready()).toEqual(before);
  });

  must('its end by SIGTERM removes what nobody has taken, and leaves what somebody has', async (place) => {
    const one = place.container('exec sleep 1000');
    const own = pool(place, one, 2);
    await own.full();
    await one.create('--pool', own.name);
    await one.start();
    await own.full();
    await own.signal('TERM');
    expect((await own.ended()).exitCode).toBe(0);
    expect(await own.ready()).toEqual([]);
    expect(readdirSync(one.stateDirectory).filter((name) => name.includes(own.name))).toEqual([]);
    expect(await one.status()).toBe('running');
    // Of the cgroups there is the one that the running container waited in.
    const left = await place.view.run(['find', '/sys/fs/cgroup', '-name', `${own.name}-pool-*`]);
    const names = left.stdout.split('\n').filter((path) => path !== '');
    expect(new Set(names.map((path) => path.slice(path.lastIndexOf('-')))).size).toBe(1);
  });

  must(
    'killed and started again, it goes on with what is ready; of another config.json it is made anew',
    async (place) => {
      const one = place.container('true');
      const own = pool(place, one, 2);
      await own.full();
      const before = await own.ready();
      await own.signal('KILL');
      await own.ended();
      // Also without the service.
      expect((await one.command('run', '--pool', own.name, one.id)).exitCode).toBe(0);
      const kept = await own.ready();
      expect(kept).toHaveLength(1);
      own.serve();
      await own.full();
      expect(before).toContain(kept[0]);
      expect(await own.ready()).toContain(kept[0]);
      await own.signal('KILL');
      await own.ended();
      const file = join(one.bundle, 'config.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('"inside"', '"anew"'));
      own.serve();
      await until('all are new', async () => {
        const now = await own.ready();
        return now.length === 2 && !now.includes(kept[0] ?? '');
      });
    },
  );

  must('a container that dies while it waits is replaced', async (place) => {
    const one = place.container('true');
    const own = pool(place, one, 1);
    await own.full();
    const [before] = await own.ready();
    const list = JSON.parse((await one.command('list', '--format', 'json')).stdout) as { id: string; pid: number }[];
    const pid = list.find(({ id }) => id === before)?.pid;
    await place.view.run(['kill', '-KILL', `${pid}`]);
    await until('it is another', async () => {
      const [now] = await own.ready();
      return now !== undefined && now !== before;
    });
  });

  must('its manager is told when it is ready', async (place) => {
    const one = place.container('true');
    const name = `n${process.pid}-${pools++}`;
    const script = [
      'import os, socket, subprocess, sys',
      's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(20)',
      'p = subprocess.Popen(sys.argv[2:], env={"NOTIFY_SOCKET": sys.argv[1]})',
      'print(s.recv(99).decode()); p.terminate(); print(s.recv(99).decode(), p.wait())',
    ].join('\n');
    const argv = one.argv('pool', '--bundle', one.bundle, '--size', '1', name);
    const ran = await place.view.run(['python3', '-c', script, join(one.bundle, 'notify.sock'), ...argv]);
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'READY=1\nSTOPPING=1 0\n' });
  });

  must('a bundle that cannot be made in advance is refused', async ({ container }) => {
    const one = container('true', (config) => {
      config['hooks'] = { prestart: [{ path: '/bin/true' }] };
    });
    expect(await one.command('pool', '--bundle', one.bundle, 'x')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/hooks that run when a container is created/),
    });
    expect((await one.command('run', '--pool', 'nosuch', one.id)).stderr).toMatch(/there is no pool nosuch/);
  });
});
