/** Hooks: their moments, order, namespaces and failures (config.md, "POSIX-platform Hooks"; runtime.md, "Lifecycle"). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Config } from './support/bundle.ts';
import { specification } from './support/spec.ts';

const KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
type Kind = (typeof KINDS)[number];

/** Appends a line to a file that is found in both worlds: its name, its mount namespace, the state it was given. */
function hook(name: string, log: string, more: object = {}) {
  const script = `echo "${name} $(readlink /proc/self/ns/mnt) $(cat)" >>${log}`;
  return { path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin:/usr/bin'], ...more };
}

/** The bundle is mounted where the host has it, so that a path means the same inside and outside. */
function shared(config: Config, scratch: string): void {
  config['mounts'].push({ destination: scratch, type: 'bind', source: scratch, options: ['rbind', 'rw'] });
}

interface Line {
  readonly name: string;
  readonly namespace: string;
  readonly state: Config;
}

function linesOf(log: string): readonly Line[] {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [, name = '', namespace = '', state = ''] = /^(\S+) (\S+) ?(.*)$/.exec(line) ?? [];
    return { name, namespace, state: state.startsWith('{') ? (JSON.parse(state) as Config) : {} };
  });
}

specification('hooks', (must) => {
  must(
    'run at their moments, in order, in their namespaces, with the state',
    async ({ container, scratch, view, version }) => {
      const log = join(scratch, `moments-${version}`);
      const one = container(`echo "program $(readlink /proc/self/ns/mnt) " >>${log}; exec sleep 100`, (config) => {
        shared(config, scratch);
        config['hooks'] = Object.fromEntries(
          KINDS.map((kind) => [kind, [hook(`${kind}-1`, log), hook(`${kind}-2`, log)]]),
        );
      });
      const names = () => linesOf(log).map((line) => line.name);
      expect(await one.create()).toMatchObject({ exitCode: 0 });
      const created = ['prestart', 'createRuntime', 'createContainer'].flatMap((kind) => [`${kind}-1`, `${kind}-2`]);
      expect(names()).toEqual(created);
      const { pid } = await one.state();
      expect((await one.start()).exitCode).toBe(0);
      for (let tries = 0; !names().includes('program') && tries < 500; tries += 1) await one.status();
      // The program and what runs after its start are not ordered by more than that.
      expect(names().filter((name) => name !== 'program')).toEqual([
        ...created,
        ...['startContainer-1', 'startContainer-2', 'poststart-1', 'poststart-2'],
      ]);
      expect(names().indexOf('program')).toBeGreaterThan(names().indexOf('startContainer-2'));
      await one.command('kill', one.id, 'KILL');
      await one.until('stopped');
      expect(names()).not.toContain('poststop-1');
      expect((await one.command('delete', one.id)).exitCode).toBe(0);
      expect(names().slice(-2)).toEqual(['poststop-1', 'poststop-2']);

      const own = (await view.run(['readlink', '/proc/self/ns/mnt'])).stdout.trim();
      const inside = linesOf(log).find((line) => line.name === 'program')?.namespace;
      expect(inside).not.toBe(own);
      for (const { name, namespace, state } of linesOf(log).filter((line) => line.name !== 'program')) {
        const isInside = name.startsWith('createContainer') || name.startsWith('startContainer');
        expect(namespace, name).toBe(isInside ? inside : own);
        expect(state, name).toMatchObject({ id: one.id, bundle: one.bundle });
        // Inside it is the first of its namespace.
        if (!name.startsWith('poststop')) expect(state['pid'], name).toBe(isInside ? 1 : pid);
        const status = { poststart: 'running', poststop: 'stopped' }[name.split('-')[0] ?? ''];
        if (status !== undefined) expect(state['status'], name).toBe(status);
        else expect(['creating', 'created'], name).toContain(state['status']);
      }
    },
  );

  must('find their programs in the runtime’s or the container’s files', async ({ container, scratch, version }) => {
    // readlink is at another place in the container; a file that only one of them has tells which it was.
    const only: Record<Kind, string> = {
      prestart: '/usr/bin/touch',
      createRuntime: '/usr/bin/touch',
      createContainer: '/usr/bin/touch',
      startContainer: '/bin/only-inside',
      poststart: '/usr/bin/touch',
      poststop: '/usr/bin/touch',
    };
    const one = container('true', (config) => {
      shared(config, scratch);
      config['hooks'] = Object.fromEntries(
        KINDS.map((kind) => [
          kind,
          [{ path: only[kind], args: ['touch', join(scratch, `${kind}-${version}`)], env: ['PATH=/bin'] }],
        ]),
      );
    });
    const { symlinkSync } = await import('node:fs');
    symlinkSync('busybox', join(one.rootfs, 'bin/only-inside'));
    // busybox goes by its first argument.
    expect(await one.run()).toMatchObject({ exitCode: 0 });
    for (const kind of KINDS) expect(existsSync(join(scratch, `${kind}-${version}`)), kind).toBe(true);
  });

  must('that fail end the container, and are followed by poststop', async ({ container, scratch, version }) => {
    for (const kind of KINDS.filter((each) => each !== 'poststop')) {
      const log = join(scratch, `failing-${kind}-${version}`);
      const ran = join(scratch, `ran-${kind}-${version}`);
      const one = container(`touch ${ran}; exec sleep 100`, (config) => {
        shared(config, scratch);
        config['hooks'] = {
          [kind]: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 3'] }, hook('next', log)],
          poststop: [hook('poststop', log)],
        };
      });
      const atStart = kind === 'startContainer' || kind === 'poststart';
      const created = await one.create();
      expect(created.exitCode === 0, kind).toBe(atStart);
      if (atStart) expect((await one.start()).exitCode, kind).not.toBe(0);
      if (kind === 'startContainer') await one.command('delete', '--force', one.id);
      expect(await one.status(), kind).toBe('absent');
      expect(
        linesOf(log).map((line) => line.name),
        kind,
      ).toEqual(['poststop']);
      expect(existsSync(ran) && kind !== 'poststart', kind).toBe(false);
    }
  });

  must(
    'poststop that fail are warned of, and all the same the rest is done',
    async ({ container, scratch, version }) => {
      const log = join(scratch, `poststop-${version}`);
      const one = container('true', (config) => {
        config['hooks'] = { poststop: [{ path: '/bin/false' }, hook('next', log)] };
      });
      await one.create();
      await one.start();
      await one.until('stopped');
      const ran = await one.command('delete', one.id);
      expect(ran.exitCode).toBe(0);
      expect(ran.stderr).toMatch(/poststop/);
      expect(linesOf(log).map((line) => line.name)).toEqual(['next']);
      expect(await one.status()).toBe('absent');
    },
  );

  must('with a relative path or a time of zero are refused; those that take too long fail', async ({ container }) => {
    const wrong = [{ path: 'true' }, { path: '/bin/true', timeout: 0 }, { path: '/bin/true', timeout: -1 }];
    for (const one of [...wrong, { path: '/bin/sleep', args: ['sleep', '60'], timeout: 1 }]) {
      for (const kind of ['prestart', 'createRuntime'] as const) {
        const ran = await container('true', (config) => {
          config['hooks'] = { [kind]: [one] };
        }).run();
        expect(ran.exitCode, JSON.stringify(one)).not.toBe(0);
      }
    }
  });
});
