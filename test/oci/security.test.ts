/** The known escapes from containers of the past, each tried against the runtime, by who controls what a container holds. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Arena, capabilities, reasonForNoArena } from './support/arena.ts';

const skipped = reasonForNoArena();
let arena: Arena;

beforeAll(() => {
  if (skipped === undefined) arena = new Arena();
}, 300_000);

afterAll(() => arena?.close());

beforeEach((context) => {
  if (skipped === undefined) return;
  console.warn(`coracle-oci is not attacked: ${skipped}`);
  context.skip(skipped);
});

/** Lines of `attacker snoop`: what it got of the processes that came into its container. */
async function snoop(script: string, names: readonly string[]): Promise<readonly string[]> {
  rmSync(join(arena.rootfs, 'stop'), { force: true });
  arena.configure(['attacker', 'snoop', '/stop'], (config) => {
    config.process['capabilities'] = capabilities(names);
  });
  const { stdout, stderr } = await arena.shell(
    // Detached: while the runtime runs, its file cannot be written to anyway.
    `$R run --detach --bundle $B snooped >$B/out; until grep -q ready $B/out; do sleep 0.05; done
     ${script}; touch $B/rootfs/stop; until grep -q seen $B/out; do sleep 0.05; done; $R delete --force snooped; cat $B/out`,
  );
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  const seen = Number(lines.find((line) => line.startsWith('seen '))?.slice(5));
  expect(seen, 'processes that were looked at').toBeGreaterThan(3);
  return lines;
}

const EXEC_OFTEN = 'for i in $(seq 50); do $R exec snooped true </dev/null >/dev/null 2>&1; done';

describe("the runtime's own file (CVE-2019-5736)", { timeout: 120_000 }, () => {
  it('cannot be written to by who executes /proc/self/exe, itself or as the interpreter of a script', async () => {
    const before = readFileSync(arena.runtime);
    writeFileSync(join(arena.rootfs, 'bin/script'), '#!/proc/self/exe\n', { mode: 0o755 });
    for (const program of ['/proc/self/exe', '/bin/script']) {
      arena.configure([program]);
      // What is executed is the runtime, which does not know what to do.
      expect(await arena.run()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('') });
    }
    expect(readFileSync(arena.runtime).equals(before)).toBe(true);
  });

  it('cannot be written to by who may trace what comes into the container', async () => {
    const lines = await snoop(EXEC_OFTEN, ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE']);
    const own = lines.filter((line) => line.startsWith(`program ${arena.runtimeNumber} `));
    expect(own.length).toBeGreaterThan(0);
    expect(new Set(own.map((line) => line.split(' ').slice(2).join(' ')))).toEqual(new Set(['Read-only file system']));
  });

  it('cannot be written to where a container joins the process namespace of another', async () => {
    const join_ = `pid=$($R state snooped | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p')
      mkdir -p $B/../second; sed "s|\\"type\\":\\"pid\\"|&,\\"path\\":\\"/proc/$pid/ns/pid\\"|; s|\\"args\\":[^]]*]|\\"args\\":[\\"true\\"]|; s|\\"rootfs\\"|\\"$B/rootfs\\"|" $B/config.json >$B/../second/config.json
      for i in $(seq 20); do $R run --bundle $B/../second joined; done`;
    const lines = await snoop(join_, ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE']);
    const own = lines.filter((line) => line.startsWith(`program ${arena.runtimeNumber} `));
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter((line) => !line.endsWith('Read-only file system'))).toEqual([]);
  });
});

describe('processes on their way into a container (CVE-2016-9962)', { timeout: 120_000 }, () => {
  it('are not seen at all without the capability to trace', async () => {
    const lines = await snoop(EXEC_OFTEN, ['CAP_DAC_OVERRIDE', 'CAP_SYS_ADMIN']);
    expect(lines.filter((line) => line.startsWith(`program ${arena.runtimeNumber} `))).toEqual([]);
    expect(lines.filter((line) => line.includes('socket:'))).toEqual([]);
  });

  it("bring no descriptor of the host's files", async () => {
    const lines = await snoop(EXEC_OFTEN, ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE']);
    const files = lines.filter((line) => /^descriptor \//.test(line)).map((line) => line.slice(11));
    // Standard input, output and error are the caller's to give.
    expect(files.filter((path) => !['/dev/null', `${arena.bundle}/out`].includes(path))).toEqual([]);
  });
});

describe("the caller's descriptors (CVE-2024-21626)", () => {
  it.each(['/proc/self/fd/9', '/proc/self/fd/9/tmp', '/proc/self/fd/9/../..'])(
    'are no working directory: %s',
    async (cwd) => {
      arena.configure(['sh', '-c', 'ls'], (config) => {
        config.process['cwd'] = cwd;
      });
      const { exitCode, stderr } = await arena.shell('$R run --bundle $B x 9</');
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/process\.cwd|chdir|make \/proc/);
    },
  );

  it('are no working directory for exec', async () => {
    arena.configure(['sleep', '60']);
    const { stdout, stderr } = await arena.shell(
      '$R run --detach --bundle $B x; $R exec --cwd /proc/self/fd/9 x ls 9</; echo $?; $R delete --force x',
    );
    expect(stdout).toBe('255\n');
    expect(stderr).toMatch(/process\.cwd|chdir|make \/proc/);
  });

  it('lead to no program', async () => {
    arena.configure([`/proc/self/fd/9${arena.rootfs}/bin/busybox`, 'true']);
    expect((await arena.shell('$R run --bundle $B x 9</')).exitCode).toBe(1);
    arena.configure(['sleep', '60']);
    const program = `/proc/self/fd/9${arena.rootfs}/bin/true`;
    const { stdout } = await arena.shell(
      `$R run --detach --bundle $B x; $R exec x ${program} 9</; echo $?; $R delete --force x`,
    );
    expect(stdout).toBe('255\n');
  });

  it('that are to be kept have to be there', async () => {
    arena.configure(['attacker', 'probe']);
    const { exitCode, stderr } = await arena.shell('$R run --preserve-fds 2 --bundle $B x 3</dev/zero 4>&-');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('descriptor 4 is not open')]);
    const { stdout } = await arena.shell('$R run --preserve-fds 1 --bundle $B x 3</dev/zero 4</dev/full 7</');
    expect(stdout.match(/^fd .*$/gm)?.slice(3)).toEqual(['fd 3 /dev/zero']);
  });
});

/** Runs containers while two paths below the root change places all the time; gives the exit codes. */
async function race(one: string, other: string, times: number): Promise<string> {
  const { stdout, stderr } = await arena.shell(
    `$B/rootfs/bin/attacker exchange $B/rootfs/${one} $B/rootfs/${other} & racer=$!
     for i in $(seq ${times}); do $R run --bundle $B race-$i >$B/out 2>$B/said; echo $?; done; kill $racer`,
    120_000,
  );
  expect(stderr).toBe('');
  return stdout;
}

describe('a link that takes the place of a directory (CVE-2021-30465)', { timeout: 180_000 }, () => {
  it.each([
    ['mounts', { destination: '/data/place/sub', type: 'tmpfs', source: 'tmpfs' }],
    ['copies', { destination: '/data/place', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }],
    ['bind mounts of files', { destination: '/data/place/file', source: '/proc/version', options: ['bind'] }],
  ])('leads no %s out of the container', async (_, mount) => {
    prepareRace();
    arena.configure(['grep', '-c', 'data|outside', '/proc/self/mountinfo'], (config) => {
      config.mounts.push(mount);
    });
    const codes = await race('data/place', 'data/link', 60);
    expect(codes).toMatch(/^(0|1)\n/);
    expect(readdirSync(arena.outside)).toEqual(['secret']);
  });

  it('leads no devices, working directories, masks or read-only paths out of the container', async () => {
    prepareRace();
    arena.configure(['true'], (config) => {
      config.process['cwd'] = '/data/place/new/cwd';
      config.linux['devices'] = [{ path: '/data/place/node', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 7 }];
      config.linux['maskedPaths'] = ['/data/place/secret'];
      config.linux['readonlyPaths'] = ['/data/place'];
    });
    await race('data/place', 'data/link', 60);
    expect(readdirSync(arena.outside)).toEqual(['secret']);
    expect(statSync(join(arena.outside, 'secret'))).toMatchObject({ uid: 0, mode: 0o100_600 });
  });

  it('gives no file outside the mode of a device', async () => {
    prepareRace();
    arena.configure(['true'], (config) => {
      config.mounts.splice(1);
    });
    // The first run makes the devices, which the others find.
    expect((await arena.run()).exitCode).toBe(0);
    symlinkSync(join(arena.outside, 'secret'), join(arena.rootfs, 'dev/link'));
    await race('dev/null', 'dev/link', 100);
    expect(statSync(join(arena.outside, 'secret')).mode).toBe(0o100_600);
    rmSync(join(arena.rootfs, 'dev'), { recursive: true });
    mkdirSync(join(arena.rootfs, 'dev'));
  });

  function prepareRace(): void {
    rmSync(join(arena.rootfs, 'data'), { recursive: true, force: true });
    rmSync(arena.outside, { recursive: true });
    mkdirSync(arena.outside);
    mkdirSync(join(arena.rootfs, 'data/place'), { recursive: true });
    symlinkSync(arena.outside, join(arena.rootfs, 'data/link'));
    writeFileSync(join(arena.outside, 'secret'), 'secret', { mode: 0o600 });
    writeFileSync(join(arena.rootfs, 'data/place/secret'), 'seen');
  }
});

describe('a procfs that is none (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881)', () => {
  it('is not believed where labels are written', async () => {
    const fake = join(arena.bundle, 'fake');
    mkdirSync(join(fake, 'self/attr/apparmor'), { recursive: true });
    mkdirSync(join(fake, '1/attr/apparmor'), { recursive: true });
    const files = ['self', '1'].flatMap((name) =>
      ['attr/exec', 'attr/apparmor/exec'].map((file) => join(fake, name, file)),
    );
    for (const file of files) writeFileSync(file, 'untouched');
    arena.configure(['true'], (config) => {
      config.mounts[0] = { destination: '/proc', type: 'bind', source: fake, options: ['bind'] };
      config.process['apparmorProfile'] = 'unconfined';
    });
    await arena.run();
    for (const file of files) expect(readFileSync(file, 'utf8')).toBe('untouched');
  });

  it('is not made behind a link', async () => {
    rmSync(join(arena.rootfs, 'proc'), { recursive: true });
    symlinkSync('tmp', join(arena.rootfs, 'proc'));
    arena.configure(['true']);
    const { exitCode, stderr } = await arena.run();
    rmSync(join(arena.rootfs, 'proc'));
    mkdirSync(join(arena.rootfs, 'proc'));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('must not be a link')]);
  });

  it.each(['/proc/self/attr', '/proc/sys', '/tmp/link/1', '/proc'])('is not laid over at %s', async (destination) => {
    rmSync(join(arena.rootfs, 'tmp/link'), { force: true });
    symlinkSync('/proc', join(arena.rootfs, 'tmp/link'));
    arena.configure(['true'], (config) => {
      config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' });
    });
    const { exitCode, stderr } = await arena.run();
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('where nothing may be mounted')]);
  });

  it('does not take kernel parameters', async () => {
    mkdirSync(join(arena.bundle, 'fake/sys/net/ipv4'), { recursive: true });
    const file = join(arena.bundle, 'fake/sys/net/ipv4/ip_forward');
    writeFileSync(file, 'untouched');
    arena.configure(['sh', '-c', 'mount -t proc proc /tmp && cat /tmp/sys/net/ipv4/ip_forward'], (config) => {
      config.mounts[0] = { destination: '/proc', type: 'bind', source: join(arena.bundle, 'fake'), options: ['bind'] };
      config.linux['sysctl'] = { 'net.ipv4.ip_forward': '1' };
      config.process['capabilities'] = capabilities(['CAP_SYS_ADMIN']);
    });
    expect(await arena.run()).toEqual({ exitCode: 0, stdout: '1\n', stderr: '' });
    expect(readFileSync(file, 'utf8')).toBe('untouched');
  });
});

describe("the host's devices (CVE-2025-31133, CVE-2025-52565)", () => {
  it('cover what is masked, whatever the container has in their place', async () => {
    rmSync(join(arena.rootfs, 'dev'), { recursive: true });
    mkdirSync(join(arena.rootfs, 'dev'));
    symlinkSync('/etc/bait', join(arena.rootfs, 'dev/null'));
    for (const name of ['masked', 'bait']) writeFileSync(join(arena.rootfs, 'etc', name), 'seen');
    arena.configure(['sh', '-c', 'stat -c %t:%T /etc/masked; cat /etc/masked'], (config) => {
      // So that /dev is the image's own.
      config.mounts[1] = { destination: '/dev', source: join(arena.rootfs, 'dev'), options: ['bind'] };
      config.linux['maskedPaths'] = ['/etc/masked'];
    });
    expect(await arena.run()).toEqual({ exitCode: 0, stdout: '1:3\n', stderr: '' });
    arena.configure(['true'], (config) => {
      config.mounts.splice(1);
    });
    const refused = await arena.run();
    rmSync(join(arena.rootfs, 'dev'), { recursive: true });
    mkdirSync(join(arena.rootfs, 'dev'));
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is there, and is something else') });
  });

  it('keep their mode and owner, whatever is done to a masked file', async () => {
    writeFileSync(join(arena.rootfs, 'etc/masked'), 'seen');
    arena.configure(['sh', '-c', 'chmod 600 /etc/masked; echo x >/etc/masked; cat /etc/masked'], (config) => {
      config.linux['maskedPaths'] = ['/etc/masked'];
      config.process['capabilities'] = capabilities(['CAP_CHOWN', 'CAP_FOWNER', 'CAP_DAC_OVERRIDE']);
    });
    const { stdout, stderr } = await arena.shell('$R run --bundle $B x; stat -c %a:%u /dev/null');
    expect([stdout, stderr]).toEqual(['666:0\n', expect.stringContaining('Read-only file system')]);
  });

  it('keep their owner when they are the standard input of a user namespace', async () => {
    arena.configure(['sh', '-c', 'id -u'], (config) => {
      config.linux.namespaces.push({ type: 'user' });
      const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      Object.assign(config.linux, { uidMappings: map, gidMappings: map });
    });
    const { stdout } = await arena.shell(
      'chmod 755 $B/.. $B; $R run --bundle $B x </dev/null >/dev/null 2>&1; echo $?; stat -c %a:%u:%g /dev/null /dev/zero',
    );
    expect(stdout).toBe('0\n666:0:0\n666:0:0\n');
  });

  it.each(['/dev/', '//dev', '/dev/.'])('are left alone when the container has them at %s', async (destination) => {
    arena.configure(['true'], (config) => {
      config.mounts[1] = { destination, source: '/dev', options: ['rbind'] };
    });
    const { stdout } = await arena.shell(
      'chmod 640 /dev/zero; $R run --bundle $B x; echo $?; stat -c %F:%a /dev/zero /dev/ptmx; ls /dev',
    );
    expect(stdout).toMatch(/^0\ncharacter special file:640\ncharacter special file:666\n/);
    expect(stdout).not.toMatch(/core|stdin/);
  });

  it('are left alone when a link of the image leads them to /dev', async () => {
    symlinkSync('dev', join(arena.rootfs, 'elsewhere'));
    arena.configure(['true'], (config) => {
      config.mounts[1] = { destination: '/elsewhere', source: '/dev', options: ['rbind'] };
    });
    const { stdout } = await arena.shell('$R run --bundle $B x; echo $?; stat -c %F /dev/ptmx; ls /dev');
    rmSync(join(arena.rootfs, 'elsewhere'));
    expect(stdout).toMatch(/^0\ncharacter special file\n/);
    expect(stdout).not.toMatch(/core|stdin/);
  });

  it('are not taken for a terminal: /dev/console is no link', async () => {
    symlinkSync('/etc/masked', join(arena.rootfs, 'dev/console'));
    arena.configure(['true'], (config) => {
      config.process['terminal'] = true;
      config.mounts.splice(1, 1, {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance'],
      });
    });
    const { exitCode, stderr } = await arena.run();
    rmSync(join(arena.rootfs, 'dev'), { recursive: true });
    mkdirSync(join(arena.rootfs, 'dev'));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('/dev/console in the container is a link')]);
  });

  it('are what they are said to be, also where they cannot be made', async () => {
    arena.configure(['true'], (config) => {
      config.linux.namespaces.push({ type: 'user' });
      const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      const devices = [{ path: '/etc/shadow', type: 'c', major: 1, minor: 3 }];
      Object.assign(config.linux, { uidMappings: map, gidMappings: map, devices });
    });
    const { exitCode, stderr } = await arena.shell('chmod 755 $B/.. $B; $R run --bundle $B x');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('/etc/shadow is there, and is something else')]);
  });
});
