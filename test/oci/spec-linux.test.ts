/** Namespaces, devices, control groups, seccomp and paths (config-linux.md), and what `features` tells (features.md). */
import { symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Config } from './support/bundle.ts';
import { specification } from './support/spec.ts';

const TYPES = {
  mount: 'mnt',
  pid: 'pid',
  ipc: 'ipc',
  uts: 'uts',
  network: 'net',
  cgroup: 'cgroup',
  time: 'time',
} as const;
const LINKS = Object.values(TYPES)
  .map((name) => `echo ${name} $(readlink /proc/self/ns/${name})`)
  .join('; ');

function namespacesIn(text: string): Map<string, string> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}

specification('Linux', (must) => {
  must(
    'namespaces are new, joined or inherited; wrong ones are errors',
    async ({ container, view, scratch, version }) => {
      const own = namespacesIn((await view.run(['sh', '-c', LINKS])).stdout);
      const fresh = container(LINKS, (config) => {
        config['linux'].namespaces = Object.keys(TYPES).map((type) => ({ type }));
      });
      const inside = namespacesIn((await fresh.run()).stdout);
      for (const name of Object.values(TYPES)) expect(inside.get(name), name).not.toBe(own.get(name));
      const few = container(LINKS, (config) => {
        config['hostname'] = undefined;
        config['linux'].namespaces = [{ type: 'mount' }, { type: 'pid' }];
      });
      const shared = namespacesIn((await few.run()).stdout);
      for (const name of ['ipc', 'uts', 'net', 'cgroup', 'time']) expect(shared.get(name), name).toBe(own.get(name));
      for (const [type, name, flag] of [
        ['network', 'net', '--net'],
        ['uts', 'uts', '--uts'],
        ['ipc', 'ipc', '--ipc'],
      ] as const) {
        const path = join(scratch, `${name}-${version}`);
        writeFileSync(path, '');
        await view.run(['unshare', `${flag}=${path}`, 'true']);
        const there = (
          await view.run(['nsenter', `${flag}=${path}`, 'readlink', `/proc/self/ns/${name}`])
        ).stdout.trim();
        const joining = (kind: string) =>
          container(LINKS, (config) => {
            config['hostname'] = undefined;
            config['linux'].namespaces = config['linux'].namespaces.filter((each: Config) => each['type'] !== kind);
            config['linux'].namespaces.push({ type: kind, path });
          }).run();
        expect(namespacesIn((await joining(type)).stdout).get(name)).toBe(there);
        expect((await joining(type === 'uts' ? 'network' : 'uts')).exitCode).not.toBe(0);
        await view.run(['umount', path]);
      }
      for (const wrong of [
        [{ type: 'mount' }, { type: 'mount' }],
        [{ type: 'mount' }, { type: 'network', path: 'proc/self/ns/net' }],
        [{ type: 'mount' }, { type: 'network', path: '/etc/passwd' }],
      ]) {
        const ran = await container('true', (config) => {
          config['hostname'] = undefined;
          config['linux'].namespaces = wrong;
        }).run();
        expect(ran.exitCode, JSON.stringify(wrong)).not.toBe(0);
      }
    },
  );

  must('default devices, links and file systems are there', async ({ container }) => {
    const links = ['fd', 'stdin', 'stdout', 'stderr'].map((name) => `readlink /dev/${name}`).join('; ');
    const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
    const one = container(`${links}; stat -c '%n %F %t %T' ${devices.map((name) => `/dev/${name}`).join(' ')}`);
    expect((await one.run()).stdout.trim().split('\n')).toEqual([
      '/proc/self/fd',
      ...[0, 1, 2].map((number) => `/proc/self/fd/${number}`),
      ...['1 3', '1 5', '1 7', '1 8', '1 9', '5 0'].map((numbers, index) => {
        return `/dev/${devices[index]} character special file ${numbers}`;
      }),
    ]);
  });

  must('devices are made, or are what they should be', async ({ container }) => {
    const device = { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 3, gid: 4 };
    const made = container('stat -c "%F %t %T %a %u %g" /dev/mine; stat -c %F /dev/pipe', (config) => {
      config['linux'].devices = [device, { path: '/dev/pipe', type: 'p' }];
    });
    expect((await made.run()).stdout).toBe('character special file 1 3 640 3 4\nfifo\n');
    const other = container('true', (config) => {
      config['linux'].devices = [{ ...device, path: '/data/file' }];
    });
    writeFileSync(join(other.rootfs, 'data/file'), '');
    expect((await other.run()).exitCode).not.toBe(0);
  });

  must('a network device is moved, renamed and up', async ({ container, view }, context) => {
    const name = 'coracle0';
    const made = await view.run(['ip', 'link', 'add', name, 'type', 'dummy']);
    if (made.exitCode !== 0) return context.skip(`no dummy network device: ${made.stderr.trim()}`);
    await view.run(['ip', 'link', 'set', name, 'address', '02:00:00:00:00:07', 'mtu', '1400']);
    await view.run(['ip', 'address', 'add', '192.0.2.7/24', 'dev', name]);
    const one = container(
      'cat /sys/class/net/inner/address /sys/class/net/inner/mtu /sys/class/net/inner/flags',
      (config) => {
        config['mounts'].push({ destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] });
        config['linux'].netDevices = { [name]: { name: 'inner' } };
      },
    );
    const ran = await one.run();
    await view.run(['ip', 'link', 'delete', name]);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const [address, mtu, flags] = ran.stdout.trim().split('\n');
    expect([address, mtu, Number(flags) & 1]).toEqual(['02:00:00:00:00:07', '1400', 1]);
  });

  must('the same cgroupsPath is the same place, below the mount point', async ({ container, view, version }) => {
    for (const path of [`/same-${version}/inner`, `relative-${version}`]) {
      const places: string[] = [];
      for (let round = 0; round < 2; round += 1) {
        const one = container('exec sleep 100', (config) => {
          config['linux'].cgroupsPath = path;
        });
        await one.create();
        const { pid } = await one.state();
        const lines = (await view.run(['cat', `/proc/${pid}/cgroup`])).stdout.trim().split('\n');
        places.push(lines.find((line) => (version === 'v1' ? line.includes(':pids:') : line.startsWith('0::'))) ?? '');
        await one.remove();
      }
      expect(places[0]).toContain(path);
      if (path.startsWith('/')) expect(places[0]?.split(':')[2]).toBe(path);
      expect(places[1]).toBe(places[0]);
    }
    for (const path of ['/a/../../b', '..']) {
      const one = container('cat /proc/self/cgroup', (config) => {
        config['linux'].cgroupsPath = path;
      });
      const ran = await one.run();
      // Refused, or kept below the mount point.
      if (ran.exitCode === 0) expect(ran.stdout).not.toContain('..');
    }
  });

  must('a cgroup that others are in is refused, and left alone', async ({ container, version }) => {
    const inGroup = (config: Config) => {
      config['linux'].cgroupsPath = `/taken-${version}`;
    };
    const one = container('exec sleep 100', inGroup);
    await one.create();
    await one.start();
    const ran = await container('true', inGroup).run();
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toMatch(/not empty/);
    expect(await one.status()).toBe('running');
  });

  must('unified: what is not there is an error', async ({ container, version }, context) => {
    if (version === 'v1') return context.skip('of version 2 only');
    for (const unified of [{ 'nowhere.max': '1' }, { 'hugetlb.unknown': '1' }]) {
      const one = container('true', (config) => {
        config['linux'].resources = { unified };
      });
      expect((await one.run()).exitCode, JSON.stringify(unified)).not.toBe(0);
    }
  });

  must('without resctrl intelRdt is an error', async ({ container, view }, context) => {
    const there = await view.run(['grep', '-q', ' resctrl ', '/proc/mounts']);
    if (there.exitCode === 0) return context.skip('there is a resctrl file system');
    const one = container('true', (config) => {
      config['linux'].intelRdt = { closID: 'one' };
    });
    expect((await one.run()).exitCode).not.toBe(0);
  });

  must('seccomp: wrong profiles are errors', async ({ container }) => {
    const rule = (more: object) => ({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['getpid'], action: 'SCMP_ACT_ERRNO', ...more }],
    });
    for (const seccomp of [
      { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 },
      { defaultAction: 'SCMP_ACT_SOMETIMES' },
      rule({ names: [] }),
      rule({ action: 'SCMP_ACT_KILL', errnoRet: 1 }),
      rule({ args: [{ index: 0, value: 1, op: 'SCMP_CMP_ABOUT' }] }),
      { ...rule({}), listenerMetadata: 'x' },
      { ...rule({ action: 'SCMP_ACT_NOTIFY' }), listenerPath: '/nowhere/socket' },
    ]) {
      const one = container('true', (config) => {
        config['linux'].seccomp = seccomp;
      });
      expect((await one.run()).exitCode, JSON.stringify(seccomp)).not.toBe(0);
    }
    const good = container('mkdir /tmp/x 2>&1 || echo refused', (config) => {
      config['linux'].seccomp = rule({ names: ['mkdir', 'mkdirat'], errnoRet: 95 });
    });
    expect((await good.run()).stdout).toMatch(/not supported[\s\S]*refused/);
  });

  must('seccomp: the listener gets the state and the descriptor, once', async ({ container, scratch, version }) => {
    const path = join(scratch, `listener-${version}`);
    const messages: Buffer[] = [];
    let connections = 0;
    let closed = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.on('data', (data) => messages.push(data));
      socket.on('close', () => {
        closed += 1;
      });
    }).listen(path);
    try {
      const one = container('exec sleep 100', (config) => {
        config['linux'].seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: path,
          listenerMetadata: 'told',
          syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_NOTIFY' }],
        };
      });
      await one.create();
      await one.start();
      for (let tries = 0; closed === 0 && tries < 200; tries += 1) await one.status();
      const told = JSON.parse(Buffer.concat(messages).toString()) as Config;
      const { pid } = await one.state();
      expect(told).toMatchObject({
        fds: ['seccompFd'],
        metadata: 'told',
        pid,
        state: { id: one.id, bundle: one.bundle },
      });
      expect(told['ociVersion']).toMatch(/^\d/);
      expect([connections, closed]).toEqual([1, 1]);
    } finally {
      server.close();
    }
  });

  must('paths are masked and read-only; relative ones are errors', async ({ container }) => {
    const script = 'wc -c </data/secret; ls /data/hidden; touch /data/fixed/x 2>/dev/null || echo read-only';
    const one = container(script, (config) => {
      config['linux'].maskedPaths = ['/data/secret', '/data/hidden', '/nowhere'];
      config['linux'].readonlyPaths = ['/data/fixed', '/nowhere'];
    });
    const { mkdirSync } = await import('node:fs');
    for (const name of ['hidden', 'fixed']) mkdirSync(join(one.rootfs, 'data', name));
    writeFileSync(join(one.rootfs, 'data/secret'), 'secret');
    writeFileSync(join(one.rootfs, 'data/hidden/file'), '');
    expect((await one.run()).stdout.trim()).toBe('0\nread-only');
    for (const field of ['maskedPaths', 'readonlyPaths']) {
      const relative = container('true', (config) => {
        config['linux'][field] = ['data/secret'];
      });
      symlinkSync('/', join(relative.rootfs, 'data/secret'));
      expect((await relative.run()).exitCode, field).not.toBe(0);
    }
  });

  must('features are what is accepted', async ({ container }) => {
    const told = JSON.parse((await container('true').command('features')).stdout) as Config;
    const known = ['ociVersionMin', 'ociVersionMax', 'hooks', 'mountOptions', 'linux', 'annotations'];
    expect(known.concat('potentiallyUnsafeConfigAnnotations')).toEqual(expect.arrayContaining(Object.keys(told)));
    const linux = told['linux'] as Config;
    const parts = (version: string) => version.split('.').map(Number);
    const [low, high] = [parts(told['ociVersionMin']), parts(told['ociVersionMax'])];
    expect((high[0] ?? 0) * 1000 + (high[1] ?? 0)).toBeGreaterThanOrEqual((low[0] ?? 0) * 1000 + (low[1] ?? 0));
    for (const ociVersion of [told['ociVersionMin'], told['ociVersionMax']]) {
      expect(await container('true', (config) => Object.assign(config, { ociVersion })).run()).toMatchObject({
        exitCode: 0,
      });
    }
    expect(Object.values(told['annotations'] ?? {}).every((value) => typeof value === 'string')).toBe(true);
    const accepted = container('true', (config) => {
      config['hooks'] = Object.fromEntries(told['hooks'].map((kind: string) => [kind, [{ path: '/bin/true' }]]));
      config['process'].capabilities = { bounding: linux['capabilities'] };
      config['linux'].namespaces = linux['namespaces']
        .filter((type: string) => type !== 'user')
        .map((type: string) => ({ type }));
    });
    const ran = await accepted.run();
    // A capability that this machine does not have is a warning of its own kind.
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(ran.stderr).not.toMatch(/unknown capability/);
    for (const option of told['mountOptions'] as string[]) {
      if (/idmap|remount/.test(option)) continue;
      const mounted = await container('true', (config) =>
        config['mounts'].push({ destination: '/data', type: 'bind', source: '/etc', options: ['rbind', option] }),
      ).run();
      // Recognised, even where the kernel does not take it here.
      expect(mounted.stderr, option).not.toMatch(/unknown|not known/i);
    }
    const seccomp = linux['seccomp'] as Config;
    expect(seccomp['enabled']).toBe(true);
    for (const action of seccomp['actions'] as string[]) {
      if (action === 'SCMP_ACT_NOTIFY') continue;
      const rules = [{ names: ['personality'], action, args: [] }];
      const profile = { defaultAction: 'SCMP_ACT_ALLOW', architectures: seccomp['archs'], syscalls: rules };
      const filtered = await container('true', (config) => Object.assign(config['linux'], { seccomp: profile })).run();
      expect(filtered, `${action}: ${filtered.stderr}`).toMatchObject({ exitCode: 0 });
    }
    const operators = (seccomp['operators'] as string[]).map((op) => ({
      names: ['personality'],
      action: 'SCMP_ACT_ERRNO',
      args: [{ index: 0, value: 7, valueTwo: 7, op }],
    }));
    // That one needs a listener.
    const flags = (seccomp['supportedFlags'] as string[]).filter((flag) => !flag.includes('WAIT_KILLABLE'));
    const supported = { defaultAction: 'SCMP_ACT_ALLOW', flags, syscalls: operators };
    const last = await container('true', (config) => Object.assign(config['linux'], { seccomp: supported })).run();
    expect(last, last.stderr).toMatchObject({ exitCode: 0 });
    expect(seccomp['knownFlags']).toEqual(expect.arrayContaining(seccomp['supportedFlags']));
    expect(linux['mountExtensions'].idmap.enabled).toBe(true);
    const policy = linux['memoryPolicy'] as Config | undefined;
    for (const mode of (policy?.['modes'] ?? []) as string[]) {
      const memoryPolicy = { mode, ...(/DEFAULT|LOCAL/.test(mode) ? {} : { nodes: '0' }) };
      const bound = await container('true', (config) => Object.assign(config['linux'], { memoryPolicy })).run();
      expect(bound.stderr, mode).not.toMatch(/config\.json/);
    }
  });
});
