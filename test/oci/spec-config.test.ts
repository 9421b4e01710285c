/** Root, mounts and process: config.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Config } from './support/bundle.ts';
import { specification } from './support/spec.ts';

const MUST_OPTIONS = [
  ...['async', 'atime', 'bind', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'iversion', 'lazytime', 'loud'],
  ...['noatime', 'nodev', 'nodiratime', 'noexec', 'noiversion', 'nolazytime', 'norelatime', 'nostrictatime', 'nosuid'],
  ...['private', 'rbind', 'relatime', 'remount', 'ro', 'rprivate', 'rshared', 'rslave', 'runbindable', 'rw', 'shared'],
  ...['silent', 'slave', 'strictatime', 'suid', 'sync', 'unbindable'],
];
/** What can be seen of an option in the container's mountinfo, on a tmpfs. */
const SEEN: Readonly<Record<string, RegExp>> = {
  dirsync: /dirsync/,
  lazytime: /lazytime/,
  noatime: /noatime/,
  nodev: /nodev/,
  nodiratime: /nodiratime/,
  noexec: /noexec/,
  nosuid: /nosuid/,
  relatime: /relatime/,
  ro: / ro[, ]/,
  rw: / rw[, ]/,
  shared: /shared:/,
  rshared: /shared:/,
  sync: /[, ]sync/,
  strictatime: /^(?!.*(?:relatime|noatime))/,
  unbindable: /unbindable/,
  runbindable: /unbindable/,
};

specification('configuration', (must) => {
  must('the root has to be there, and is read-only if so wanted', async ({ container }) => {
    const missing = container('true', (config) => {
      config['root'].path = 'nowhere';
    });
    expect((await missing.run()).exitCode).not.toBe(0);
    const script = 'touch /x 2>/dev/null && echo writable || echo read-only';
    expect((await container(script).run()).stdout).toBe('writable\n');
    const readOnly = container(script, (config) => {
      config['root'].readonly = true;
    });
    expect((await readOnly.run()).stdout).toBe('read-only\n');
  });

  must('mounts are made in order; a relative destination is below the root', async ({ container }) => {
    const mount = (destination: string, size: string) => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: [`size=${size}`],
    });
    const one = container("grep -E ' /data' /proc/self/mountinfo", (config) => {
      config['mounts'].push(mount('/data', '64k'), mount('data/below', '128k'), mount('/data/below', '192k'));
    });
    const places = (await one.run()).stdout.trim().split('\n');
    expect(places.map((line) => `${line.split(' ')[4]} ${/size=(\d+k)/.exec(line)?.[1]}`)).toEqual([
      '/data 64k',
      '/data/below 128k',
      '/data/below 192k',
    ]);
  });

  for (const option of MUST_OPTIONS) {
    must(`the mount option ${option}`, async ({ container }) => {
      const bind = ['bind', 'rbind', 'remount'].includes(option);
      const one = container("grep ' /data ' /proc/self/mountinfo", (config) => {
        const source = bind ? config['sourceOfData'] : 'tmpfs';
        void source;
        const mount = { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: [option] };
        if (option === 'remount')
          config['mounts'].push({ ...mount, options: [] }, { ...mount, options: ['remount', 'noexec'] });
        else if (bind) config['mounts'].push({ destination: '/data', type: 'none', source: '/etc', options: [option] });
        else config['mounts'].push(mount);
      });
      const ran = await one.run();
      expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
      expect(ran.stdout).not.toBe('');
      const seen = option === 'remount' ? /noexec/ : SEEN[option];
      if (seen !== undefined) expect(ran.stdout).toMatch(seen);
      // The opposite of an option shows by its absence.
      for (const [plain, other] of [
        ['exec', 'noexec'],
        ['dev', 'nodev'],
        ['suid', 'nosuid'],
        ['atime', 'noatime'],
      ]) {
        if (option === plain) expect(ran.stdout).not.toContain(other);
      }
      if (['private', 'rprivate'].includes(option)) expect(ran.stdout).not.toMatch(/shared:|master:/);
    });
  }

  must(
    'an idmapped mount needs both maps, and shows files under the mapped numbers',
    async ({ container, scratch, view }, context) => {
      const source = join(scratch, 'mapped');
      mkdirSync(source, { recursive: true });
      writeFileSync(join(source, 'file'), '');
      const map = [{ containerID: 0, hostID: 5000, size: 100 }];
      const mount = (more: object) => (config: Config) =>
        config['mounts'].push({ destination: '/data', type: 'bind', source, options: ['bind'], ...more });
      expect((await container('true', mount({ uidMappings: map })).run()).exitCode).not.toBe(0);
      expect((await container('true', mount({ gidMappings: map })).run()).exitCode).not.toBe(0);
      // Without maps of its own it takes those of the user namespace; there is none.
      expect((await container('true', mount({ options: ['bind', 'idmap'] })).run()).exitCode).not.toBe(0);
      expect((await container('true', mount({ options: ['bind', 'ridmap'] })).run()).exitCode).not.toBe(0);
      for (const options of [['bind'], ['bind', 'idmap'], ['rbind', 'ridmap']]) {
        const ran = await container(
          'stat -c %u:%g /data/file',
          mount({ uidMappings: map, gidMappings: map, options }),
        ).run();
        const { stdout } = await view.run(['stat', '--file-system', '--format=%T', source]);
        if (/invalid argument/i.test(ran.stderr))
          return context.skip(`${stdout.trim()} cannot be mounted with other owners`);
        expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: '5000:5000\n' });
      }
    },
  );

  must('the working directory is absolute, and there is a program', async ({ container }) => {
    const ways: ((process: Config) => void)[] = [
      (process) => {
        process['cwd'] = 'bin';
      },
      (process) => {
        process['cwd'] = undefined;
      },
      (process) => {
        process['args'] = [];
      },
      (process) => {
        process['args'] = undefined;
      },
    ];
    for (const [index, change] of ways.entries()) {
      expect((await container('true', (config) => change(config['process'])).run()).exitCode, `${index}`).not.toBe(0);
    }
    const other = container('pwd', (config) => {
      config['process'].cwd = '/tmp';
    });
    expect((await other.run()).stdout).toBe('/tmp\n');
  });

  must('limits are what is configured; unknown and double ones are errors', async ({ container }) => {
    const limited = (rlimits: object[]) =>
      container('cat /proc/self/limits', (config) => {
        config['process'].rlimits = rlimits;
      }).run();
    const ran = await limited([
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ]);
    expect(ran.stdout).toMatch(/Max open files +100 +200 /);
    expect(ran.stdout).toMatch(/Max core file size +0 +0 /);
    expect((await limited([{ type: 'RLIMIT_LUCK', soft: 1, hard: 1 }])).exitCode).not.toBe(0);
    const twice = { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 };
    expect((await limited([twice, twice])).exitCode).not.toBe(0);
    expect((await limited([{ type: 'RLIMIT_NOFILE', hard: 200 }])).exitCode).not.toBe(0);
  });

  must('the score for the lack of memory is set, or left alone', async ({ container, view }) => {
    const own = (await view.run(['cat', '/proc/self/oom_score_adj'])).stdout;
    expect((await container('cat /proc/self/oom_score_adj').run()).stdout).toBe(own);
    const one = container('cat /proc/self/oom_score_adj', (config) => {
      config['process'].oomScoreAdj = 321;
    });
    expect((await one.run()).stdout).toBe('321\n');
  });

  must('a capability that cannot be given is warned of', async ({ container }) => {
    const one = container('grep CapEff /proc/self/status', (config) => {
      const sets = ['CAP_KILL', 'CAP_WISDOM'];
      config['process'].capabilities = { effective: sets, permitted: sets, bounding: sets };
    });
    const ran = await one.run();
    expect(ran.stdout).toMatch(/0000000000000020/);
    expect(ran.stderr).toMatch(/CAP_WISDOM/);
  });

  must('the size of a console means nothing without a terminal', async ({ container }) => {
    for (const terminal of [false, undefined]) {
      const one = container('echo fine', (config) => {
        Object.assign(config['process'], { terminal, consoleSize: { height: 10, width: 20 } });
      });
      expect((await one.run()).stdout).toBe('fine\n');
    }
  });
});
