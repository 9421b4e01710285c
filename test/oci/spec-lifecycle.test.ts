/** Operations and life cycle: runtime.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Config } from './support/bundle.ts';
import { specification } from './support/spec.ts';

const data = (source: string) => (config: Config) =>
  config['mounts'].push({ destination: '/data', type: 'bind', source, options: ['bind', 'rw'] });

specification('life cycle', (must) => {
  must('the state has its fields in every status', async ({ container }) => {
    const one = container('sleep 0.2; exec sleep 100');
    expect((await one.create()).exitCode).toBe(0);
    const created = await one.state();
    expect(created).toMatchObject({ id: one.id, status: 'created', bundle: one.bundle });
    expect(created['ociVersion']).toMatch(/^\d+\.\d+\.\d+/);
    expect(created['pid']).toBeGreaterThan(0);
    await one.start();
    expect(await one.state()).toMatchObject({ id: one.id, status: 'running', pid: created['pid'] });
    await one.command('kill', one.id, 'KILL');
    await one.until('stopped');
    expect(await one.state()).toMatchObject({ id: one.id, status: 'stopped', bundle: one.bundle });
  });

  must('what needs an ID or a bundle fails without', async ({ container }) => {
    const one = container('true');
    for (const operation of ['state', 'start', 'kill', 'delete', 'create']) {
      expect((await one.command(operation)).exitCode, operation).not.toBe(0);
    }
    for (const operation of ['state', 'start', 'kill', 'delete']) {
      expect((await one.command(operation, 'nobody')).exitCode, operation).not.toBe(0);
    }
    expect((await one.command('create', '--bundle', '/nowhere', 'x')).exitCode).not.toBe(0);
    expect((await one.command('create', '--bundle', '/', 'x')).exitCode).not.toBe(0);
  });

  must('an ID is taken once, and only if it is valid', async ({ container }) => {
    const one = container('exec sleep 100');
    await one.create();
    const before = await one.state();
    expect((await one.create()).exitCode).not.toBe(0);
    expect(await one.state()).toEqual(before);
    for (const id of ['', '.', '..', 'a/b', '../x', 'a b']) {
      expect((await one.command('create', id)).exitCode, id).not.toBe(0);
    }
  });

  must('create makes the environment and runs nothing; start runs the program', async ({ container, view }) => {
    const one = container('hostname; echo ran >/tmp/ran');
    await one.create();
    const { pid } = await one.state();
    const name = await view.run(['nsenter', `--target=${pid}`, '--uts', 'hostname']);
    expect(name.stdout.trim()).toBe('inside');
    expect(existsSync(join(one.rootfs, 'tmp/ran'))).toBe(false);
    expect((await one.start()).exitCode).toBe(0);
    await one.until('stopped');
    expect(readFileSync(join(one.rootfs, 'tmp/ran'), 'utf8')).toBe('ran\n');
    expect(one.output()).toBe('inside\n');
  });

  must('a change of config.json after create has no effect', async ({ container }) => {
    const one = container('echo first');
    await one.create();
    writeFileSync(join(one.bundle, 'config.json'), '{"ociVersion": "1.2.0", "process": {"args": ["false"]}}');
    expect((await one.start()).exitCode).toBe(0);
    await one.until('stopped');
    expect(one.output()).toBe('first\n');
  });

  must('only what is created can be started', async ({ container }) => {
    const one = container('echo ran >>/tmp/ran; exec sleep 100');
    await one.create();
    await one.start();
    const { pid } = await one.state();
    expect((await one.start()).exitCode).not.toBe(0);
    expect(await one.state()).toMatchObject({ status: 'running', pid });
    await one.command('kill', one.id, 'KILL');
    await one.until('stopped');
    expect((await one.start()).exitCode).not.toBe(0);
    expect(await one.status()).toBe('stopped');
    expect(readFileSync(join(one.rootfs, 'tmp/ran'), 'utf8')).toBe('ran\n');
  });

  must('a container without a process can be created, but not started', async ({ container }) => {
    const one = container('true', (config) => {
      config['process'] = undefined;
    });
    const created = await one.create();
    if (created.exitCode === 0) expect((await one.start()).exitCode).not.toBe(0);
    expect(['created', 'absent']).toContain(await one.status());
  });

  must('kill sends the signal, not to what is stopped', async ({ container }) => {
    const one = container('trap "echo caught; exit 7" USR1; echo ready; while :; do sleep 0.05; done');
    await one.create();
    await one.start();
    for (let tries = 0; one.output() === '' && tries < 500; tries += 1) await one.status();
    expect((await one.command('kill', one.id, 'USR1')).exitCode).toBe(0);
    await one.until('stopped');
    expect(one.output()).toBe('ready\ncaught\n');
    expect((await one.command('kill', one.id, 'USR1')).exitCode).not.toBe(0);
    expect(await one.status()).toBe('stopped');
    const other = container('true');
    await other.create();
    expect((await other.command('kill', other.id, 'KILL')).exitCode).toBe(0);
    await other.until('stopped');
  });

  must('delete is for what is stopped', async ({ container }) => {
    const one = container('exec sleep 100');
    await one.create();
    await one.start();
    expect((await one.command('delete', one.id)).exitCode).not.toBe(0);
    expect(await one.status()).toBe('running');
    await one.command('kill', one.id, 'KILL');
    await one.until('stopped');
    expect((await one.command('delete', one.id)).exitCode).toBe(0);
    expect(await one.status()).toBe('absent');
  });

  must('delete removes what create made and nothing else', async ({ container, view, scratch, version }) => {
    const namespace = join(scratch, `net-${version}`);
    writeFileSync(namespace, '');
    await view.run(['unshare', `--net=${namespace}`, 'true']);
    const one = container('echo kept >/data/kept', (config) => {
      data(scratch)(config);
      config['linux'].cgroupsPath = `/delete-${version}`;
      config['linux'].namespaces.find((each: Config) => each['type'] === 'network').path = namespace;
    });
    await one.create();
    const find = () => view.run(['find', '/sys/fs/cgroup', '-name', `delete-${version}`]);
    expect((await find()).stdout).not.toBe('');
    await one.start();
    await one.until('stopped');
    expect((await one.command('delete', one.id)).exitCode).toBe(0);
    expect((await find()).stdout).toBe('');
    expect((await view.run(['find', join(scratch, 'state'), '-name', one.id])).stdout).toBe('');
    expect((await view.run(['nsenter', `--net=${namespace}`, 'true'])).exitCode).toBe(0);
    await view.run(['umount', namespace]);
    expect(readFileSync(join(scratch, 'kept'), 'utf8')).toBe('kept\n');
  });

  must('a create that fails leaves nothing', async ({ container, view, version }) => {
    const wrong: ((config: Config) => void)[] = [
      (config) => config['mounts'].push({ destination: '/x', type: 'bind', source: '/nowhere', options: ['bind'] }),
      (config) => {
        config['linux'].maskedPaths = 7;
      },
      (config) => {
        config['root'].path = 'nowhere';
      },
      (config) => {
        config['hooks'] = { createRuntime: [{ path: '/bin/false' }] };
      },
    ];
    for (const [index, change] of wrong.entries()) {
      const one = container('true', (config) => {
        change(config);
        config['linux'].cgroupsPath = `/failed-${version}-${index}`;
      });
      expect((await one.create()).exitCode, `${index}`).not.toBe(0);
      expect(await one.status()).toBe('absent');
      expect((await view.run(['find', '/sys/fs/cgroup', '-name', `failed-${version}-${index}`])).stdout).toBe('');
    }
    const before = await container('true').command('list', '--quiet');
    expect(before.stdout).toBe('');
  });

  must('unknown properties are ignored, wrong values are errors', async ({ container }) => {
    const one = container('echo fine', (config) => {
      config['com.example'] = { unknown: [1, null] };
      config['process'].unknown = 'x';
      config['linux'].unknown = {};
      config['annotations'] = { 'com.example.unknown': 'x', 'org.opencontainers.unknown': 'y' };
    });
    expect(await one.run()).toMatchObject({ exitCode: 0, stdout: 'fine\n' });
    const wrong: ((config: Config) => void)[] = [
      (config) => {
        config['ociVersion'] = 'one';
      },
      (config) => {
        config['ociVersion'] = undefined;
      },
      (config) => {
        config['root'] = undefined;
      },
      (config) => {
        config['annotations'] = { a: 1 };
      },
      (config) => {
        config['annotations'] = ['a'];
      },
      (config) => {
        config['annotations'] = { '': 'x' };
      },
      (config) => {
        config['linux'].namespaces = [{ type: 'galaxy' }];
      },
      (config) => {
        config['linux'].rootfsPropagation = 'wide';
      },
      (config) => {
        config['process'].user.uid = -1;
      },
    ];
    for (const [index, change] of wrong.entries()) {
      expect((await container('true', change).run()).exitCode, `${index}`).not.toBe(0);
    }
  });
});
