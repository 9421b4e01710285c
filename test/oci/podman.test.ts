/** podman and conmon with our runtime: what people do with containers, in views of version 1 and version 2 cgroups. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { makeBusyboxRoot, missingPrograms } from './support/busybox-root.ts';
import { orSkip } from './support/suite.ts';
import { done, eventually, leftBehind, openUpperLayer, type UpperLayer } from './support/upper-layer.ts';
import type { Ran, RunOptions } from './support/view.ts';

/** A shell that ends by itself when it is told to, with an exit code of its own. */
const POLITE = ['sh', '-c', 'trap "echo bye; exit 4" TERM; echo started; while :; do sleep 0.1; done'];
const STUBBORN = ['sh', '-c', 'trap "" TERM; echo started; while :; do sleep 0.1; done'];

class Podman {
  readonly layer: UpperLayer;

  constructor(layer: UpperLayer) {
    this.layer = layer;
  }

  podman(args: readonly string[], options?: RunOptions): Promise<Ran> {
    const { scratch, runtime, view } = this.layer;
    const own = ['--root', join(scratch, 'root'), '--runroot', join(scratch, 'runroot'), '--runtime', runtime.path];
    const plain = ['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'file'];
    return view.run(['podman', ...own, ...plain, ...args], options);
  }

  /** `podman run` and the like, with what every container of these tests has. */
  container(verb: string, options: readonly string[], command: readonly string[], input?: RunOptions): Promise<Ran> {
    // Raising a limit needs a capability that this machine may not give; podman asks for a limit of processes, too.
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096'];
    if (!this.layer.controllers.has('pids')) limits.push('--pids-limit=-1');
    const network = options.includes('--network') ? [] : ['--network', 'none'];
    return this.podman([verb, ...limits, ...network, ...options, 'box', ...command], input);
  }

  run(options: readonly string[], ...command: string[]): Promise<Ran> {
    return this.container('run', ['--rm', ...options], command);
  }

  /** Starts one in the background, and waits until it says so. */
  async start(name: string, command: readonly string[], ...options: string[]): Promise<void> {
    const { exitCode, stderr } = await this.container('run', ['-d', '--name', name, ...options], command);
    if (exitCode !== 0) throw new Error(`podman run -d ended with ${exitCode}: ${stderr}`);
    await this.saying(name, 'started');
  }

  saying(name: string, text: string): Promise<Ran> {
    return eventually(
      () => this.podman(['logs', name]),
      ({ stdout }) => stdout.includes(text),
    );
  }

  async state(name: string): Promise<string> {
    const format = '{{.State.Status}} {{.State.ExitCode}}';
    return (await this.podman(['inspect', name, '--format', format])).stdout.trim();
  }
}

async function openPodman(version: 'v1' | 'v2'): Promise<Podman | { readonly reason: string }> {
  const layer = await openUpperLayer(version, ['podman', 'conmon', 'tar']);
  if ('reason' in layer) return layer;
  const podman = new Podman(layer);
  const root = makeBusyboxRoot(join(layer.scratch, 'box'));
  await done(layer.view, ['tar', '-C', root, '-cf', `${root}.tar`, '.']);
  const imported = await podman.podman(['import', `${root}.tar`, 'box'], { timeoutMs: 120_000 });
  if (imported.exitCode === 0) return podman;
  await layer.close();
  throw new Error(`podman import: ${imported.stderr}`);
}

describe.each(['v1', 'v2'] as const)('podman with our runtime, cgroup %s', { timeout: 120_000 }, (version) => {
  let opened: Podman | { readonly reason: string };
  beforeAll(async () => {
    opened = await openPodman(version);
  }, 400_000);
  afterAll(async () => {
    if ('layer' in opened) await opened.layer.close();
  });
  const test = (name: string, work: (podman: Podman, context: TestContext) => Promise<void>): void =>
    it(name, (context) => work(orSkip(context, opened), context));

  test('run: output, errors, exit code, input', async (podman) => {
    const ran = await podman.run([], 'sh', '-c', 'echo out; echo err >&2; exit 3');
    // podman itself may complain about the cgroup of its monitor.
    expect(ran).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: expect.stringMatching(/err\n$/) });
    const piped = await podman.container('run', ['--rm', '-i'], ['cat'], { input: 'piped' });
    expect(piped).toMatchObject({ exitCode: 0, stdout: 'piped' });
  });

  test('a program that is missing is 127, one that cannot be executed 126', async (podman) => {
    for (const [program, code] of [
      ['nope', 127],
      ['/bin/nope', 127],
      ['/etc/plain', 126],
      ['/tmp', 126],
    ] as const) {
      expect.soft((await podman.run([], program)).exitCode, program).toBe(code);
    }
  });

  test('run -d, logs, stop in time, restart, kill', async (podman) => {
    await podman.start('polite', POLITE);
    expect(await podman.state('polite')).toBe('running 0');
    expect((await podman.podman(['stop', '-t', '10', 'polite'])).exitCode).toBe(0);
    expect(await podman.state('polite')).toBe('exited 4');
    expect((await podman.podman(['logs', 'polite'])).stdout).toBe('started\nbye\n');
    expect((await podman.podman(['start', 'polite'])).exitCode).toBe(0);
    expect((await podman.podman(['restart', '-t', '0', 'polite'])).exitCode).toBe(0);
    expect((await podman.podman(['kill', 'polite', '-s', 'KILL'])).exitCode).toBe(0);
    expect((await podman.podman(['wait', 'polite'])).stdout.trim()).toBe('137');
    expect((await podman.podman(['rm', 'polite'])).exitCode).toBe(0);
  });

  test('stop: what does not listen to SIGTERM is killed after the time of grace', async (podman) => {
    await podman.start('stubborn', STUBBORN);
    await podman.podman(['stop', '-t', '1', 'stubborn']);
    expect(await podman.state('stubborn')).toBe('exited 137');
    await podman.podman(['rm', 'stubborn']);
  });

  test('exec: exit codes, terminal, user, environment, working directory, capabilities, input', async (podman) => {
    await podman.start('main', POLITE);
    const exec = (options: readonly string[], ...command: string[]): Promise<Ran> =>
      podman.podman(['exec', ...options, 'main', ...command]);
    expect(await exec([], 'sh', '-c', 'echo in; exit 5')).toMatchObject({ exitCode: 5, stdout: 'in\n' });
    const all = await exec(['--user', 'some', '-e', 'X=1', '-w', '/tmp'], 'sh', '-c', 'id; echo $X; pwd');
    expect(all.stdout).toBe('uid=1000(some) gid=1000(some) groups=2000(extra)\n1\n/tmp\n');
    expect((await exec(['-t'], 'sh', '-c', 'tty; exit 6')).stdout.trim()).toMatch(/^\/dev\/pts\/\d+$/);
    expect((await exec(['--privileged'], 'grep', 'CapEff', '/proc/self/status')).stdout).toMatch(/[1-9a-f]/);
    const piped = await podman.podman(['exec', '-i', 'main', 'cat'], { input: 'piped' });
    expect(piped.stdout).toBe('piped');
    await exec(['-d'], 'sh', '-c', 'echo late >/tmp/late');
    await eventually(
      () => exec([], 'cat', '/tmp/late'),
      ({ stdout }) => stdout === 'late\n',
    );
    for (const [options, program, code] of [
      [[], 'nope', 127],
      [[], '/etc/plain', 126],
      [[], '/tmp', 126],
      [['-w', '/nowhere'], 'pwd', 127],
    ] as const) {
      expect.soft((await exec(options, program)).exitCode, program).toBe(code);
    }
    expect((await podman.podman(['top', 'main', 'pid', 'args'])).stdout).toContain('sh -c trap');
    await podman.podman(['rm', '-f', '-t', '0', 'main']);
  });

  test('pause and unpause; a paused container can be killed', async (podman, context) => {
    if (version === 'v1' && !podman.layer.controllers.has('freezer')) context.skip('there is no freezer');
    await podman.start('paused', STUBBORN);
    expect((await podman.podman(['pause', 'paused'])).exitCode).toBe(0);
    expect(await podman.state('paused')).toBe('paused 0');
    expect((await podman.podman(['unpause', 'paused'])).exitCode).toBe(0);
    expect(await podman.state('paused')).toBe('running 0');
    await podman.podman(['pause', 'paused']);
    expect((await podman.podman(['kill', 'paused'])).exitCode).toBe(0);
    expect(await podman.state('paused')).toBe('exited 137');
    await podman.podman(['rm', 'paused']);
  });

  test('limits of memory, processes and processors, also changed while it runs', async (podman, context) => {
    const lacking = ['memory', 'pids', 'cpu'].filter((name) => !podman.layer.controllers.has(name));
    if (lacking.length > 0) context.skip(`the view has no controllers ${lacking.join(', ')}`);
    const files =
      version === 'v1'
        ? ['memory/memory.limit_in_bytes', 'pids/pids.max', 'cpu/cpu.cfs_quota_us']
        : ['memory.max', 'pids.max', 'cpu.max'];
    const read = ['sh', '-c', `cd /sys/fs/cgroup; cat ${files.join(' ')}`];
    const limits = ['--memory', '32m', '--pids-limit', '20', '--cpus', '0.5'];
    const quota = version === 'v1' ? '50000' : '50000 100000';
    expect((await podman.run(limits, ...read)).stdout).toBe(`33554432\n20\n${quota}\n`);
    const bomb = 'i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i + 1)); done';
    expect((await podman.run(limits, 'sh', '-c', bomb)).stderr).toContain("can't fork");
    const grow = 'x=0123456789; while :; do x=$x$x; done';
    expect((await podman.run(['--memory', '8m', '--memory-swap', '8m'], 'sh', '-c', grow)).exitCode).toBe(137);
    await podman.start('limited', POLITE, ...limits);
    expect((await podman.podman(['update', '--memory', '20m', 'limited'])).exitCode).toBe(0);
    expect((await podman.podman(['exec', 'limited', ...read])).stdout).toContain('20971520\n20\n');
    expect((await podman.podman(['stats', '--no-stream', 'limited'])).stdout).toMatch(/limited.*MB/);
    await podman.podman(['rm', '-f', '-t', '0', 'limited']);
  });

  test('a terminal, a read-only root, no capabilities, no new privileges, a umask, a user', async (podman) => {
    expect((await podman.run(['-t'], 'tty')).stdout.trim()).toBe('/dev/pts/0');
    expect((await podman.run(['--read-only'], 'touch', '/x')).stderr).toContain('Read-only file system');
    const without = await podman.run(['--cap-drop', 'ALL'], 'sh', '-c', 'grep CapEff /proc/self/status; chown 5 /tmp');
    expect(without.stdout).toBe('CapEff:\t0000000000000000\n');
    expect(without.stderr).toContain('Operation not permitted');
    const privileges = await podman.run(['--security-opt', 'no-new-privileges'], 'grep', 'NoNew', '/proc/self/status');
    expect(privileges.stdout).toBe('NoNewPrivs:\t1\n');
    expect((await podman.run(['--umask', '077'], 'sh', '-c', 'umask')).stdout).toBe('0077\n');
    const user = await podman.run(['-u', '1000:2000'], 'id');
    expect(user.stdout).toContain('uid=1000(some) gid=2000(extra)');
    const privileged = await podman.run(['--privileged'], 'grep', 'Seccomp:', '/proc/self/status');
    expect(privileged.stdout).toBe('Seccomp:\t0\n');
  });

  test('seccomp: the stock profile, one of its own, none', async (podman) => {
    const mode = ['sh', '-c', 'grep Seccomp: /proc/self/status; mkdir /tmp/x'];
    expect((await podman.run([], ...mode)).stdout).toBe('Seccomp:\t2\n');
    expect((await podman.run(['--security-opt', 'seccomp=unconfined'], ...mode)).stdout).toBe('Seccomp:\t0\n');
    const profile = join(podman.layer.scratch, 'seccomp.json');
    const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 };
    writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
    const own = await podman.run(['--security-opt', `seccomp=${profile}`], ...mode);
    expect(own.stderr).toContain('Operation not supported');
  });

  test('a user namespace', async (podman) => {
    const script = 'id -u; cat /proc/self/uid_map; stat -c %u /etc/passwd; touch /tmp/x; stat -c %u:%t:%T /dev/null';
    const mapped = await podman.run(['--uidmap', '0:100000:65536'], 'sh', '-c', script);
    expect(mapped.stdout.split(/\s+/).slice(0, 5)).toEqual(['0', '0', '100000', '65536', '0']);
    expect(mapped.exitCode).toBe(0);
    // Some runtimes give it to the container's root.
    expect((await podman.layer.view.run(['stat', '-c', '%u', '/dev/null'])).stdout.trim()).toBe('0');
  });

  test('volumes: tmpfs, read-only, writable, and what is mounted later in one or the other', async (podman) => {
    const { scratch, view } = podman.layer;
    const temporary = await podman.run(['--tmpfs', '/scratch:size=1m'], 'df', '-k', '/scratch');
    expect(temporary.stdout).toMatch(/\s1024\s/);
    const volume = join(scratch, 'volume');
    mkdirSync(join(volume, 'below'), { recursive: true });
    const written = await podman.run(
      ['-v', `${volume}:/ro:ro`, '-v', `${volume}:/rw`],
      ...['sh', '-c', 'touch /ro/a || touch /rw/b'],
    );
    expect(written).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('Read-only file system') });
    expect((await view.run(['ls', volume])).stdout).toBe('b\nbelow\n');

    await done(view, ['mount', '-t', 'tmpfs', 'volume', volume]);
    await done(view, ['mount', '--make-shared', volume]);
    mkdirSync(join(volume, 'below'), { recursive: true });
    await done(view, ['mkdir', '-p', `${volume}/below`]);
    await podman.start('slave', POLITE, '-v', `${volume}:/vol:rslave`);
    await podman.start('shared', POLITE, '--privileged', '-v', `${volume}:/vol:rshared`);
    await podman.podman(['exec', 'shared', 'mount', '-t', 'tmpfs', 'inner', '/vol/below']);
    expect((await view.run(['grep', 'inner', '/proc/self/mountinfo'])).stdout).toContain(`${volume}/below`);
    const seen = ['grep', '-c', 'inner', '/proc/self/mountinfo'];
    expect((await podman.podman(['exec', 'slave', ...seen])).stdout).toBe('1\n');
    await done(view, ['umount', `${volume}/below`]);
    expect((await podman.podman(['exec', 'slave', ...seen])).stdout).toBe('0\n');
    // A private one sees nothing of it; a mapped root shares nothing with the host, whatever it asks for.
    await podman.start('mapped', POLITE, '--uidmap', '0:100000:65536', '-v', `${volume}:/vol:rshared`);
    const own = await podman.podman(['exec', 'mapped', 'grep', ' /vol ', '/proc/self/mountinfo']);
    expect(own.stdout).toMatch(/master:\d+/);
    await podman.podman(['rm', '-f', '-t', '0', 'slave', 'shared', 'mapped']);
    await done(view, ['umount', volume]);
  });

  test('descriptors that are passed on', async (podman) => {
    const file = join(podman.layer.scratch, 'passed');
    writeFileSync(file, 'passed');
    const { scratch, runtime, view } = podman.layer;
    const own = `--root ${scratch}/root --runroot ${scratch}/runroot --runtime ${runtime.path} --storage-driver vfs`;
    const run = 'run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --pids-limit=-1';
    const line = `podman ${own} --cgroup-manager cgroupfs --events-backend file ${run} --preserve-fds 1 box sh -c 'cat <&3'`;
    expect((await view.run(['sh', '-c', `${line} 3<${file}`])).stdout).toBe('passed');
  });

  test('a process that reaps', async (podman, context) => {
    const missing = missingPrograms(['catatonit']);
    if (missing !== null) context.skip(missing);
    const reaper = await podman.run(['--init'], 'cat', '/proc/1/comm');
    expect(reaper.stdout).toMatch(/init|catatonit/);
  });

  test("names, sysctl, devices, the machine's own namespaces", async (podman) => {
    const names = await podman.run(['--hostname', 'hh', '--pid', 'host', '--ipc', 'host'], 'hostname');
    expect(names.stdout).toBe('hh\n');
    expect((await podman.run(['--network', 'host'], 'ls', '/sys/class/net')).stdout).toContain('lo');
    const sysctl = await podman.run(['--sysctl', 'kernel.msgmax=1111'], 'cat', '/proc/sys/kernel/msgmax');
    expect(sysctl.stdout).toBe('1111\n');
    const device = await podman.run(['--device', '/dev/zero:/dev/zz'], 'sh', '-c', 'head -c 3 /dev/zz | wc -c');
    expect(device.stdout.trim()).toBe('3');
    expect((await podman.run(['--shm-size', '1m'], 'df', '-k', '/dev/shm')).stdout).toMatch(/\s1024\s/);
  });

  test('a check of health', async (podman) => {
    await podman.start('healthy', POLITE, '--health-cmd', 'test -e /tmp/well');
    expect((await podman.podman(['healthcheck', 'run', 'healthy'])).exitCode).toBe(1);
    await podman.podman(['exec', 'healthy', 'touch', '/tmp/well']);
    expect((await podman.podman(['healthcheck', 'run', 'healthy'])).exitCode).toBe(0);
    await podman.podman(['rm', '-f', '-t', '0', 'healthy']);
  });

  test('a pod whose containers share namespaces', async (podman, context) => {
    if (version === 'v2') context.skip('podman wants controllers for the cgroup of a pod');
    const infra = ['--infra-image', 'box', '--infra-command', '/bin/sleep 1000', '--network', 'none'];
    expect((await podman.podman(['pod', 'create', '--name', 'pod', ...infra])).exitCode).toBe(0);
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096'];
    const inside = await podman.podman(['run', '--rm', '--pod', 'pod', ...limits, 'box', 'hostname']);
    expect(inside.stdout).toBe('pod\n');
    expect((await podman.podman(['pod', 'rm', '-f', '-t', '0', 'pod'])).exitCode).toBe(0);
  });

  test('created, then started: the state in between', async (podman) => {
    await podman.container('create', ['--name', 'later'], POLITE);
    expect(await podman.state('later')).toBe('created 0');
    await podman.podman(['init', 'later']);
    expect(await podman.state('later')).toBe('initialized 0');
    expect((await podman.podman(['start', 'later'])).exitCode).toBe(0);
    await podman.saying('later', 'started');
    await podman.podman(['rm', '-f', '-t', '0', 'later']);
  });

  test('nothing of all this is left', async (podman) => {
    expect((await podman.podman(['ps', '-aq'])).stdout).toBe('');
    const left = (): Promise<readonly string[]> => leftBehind(podman.layer, '/libpod_parent', '/run/coracle-oci');
    // conmon's own cgroup goes a moment after it. A pod's in a named hierarchy stays with every runtime: podman removes those
    // of controllers only.
    const podmans = (line: string): boolean => line.endsWith('conmon') || line.startsWith('/sys/fs/cgroup/systemd/');
    await eventually(left, (lines) => lines.every(podmans));
  });
});
