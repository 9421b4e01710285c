/** coracle-oci-agent serves real containers, made by the machine's crun: what its policy allows, and nothing else. */
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../cli/failure.ts';
import {
  type Agent,
  addPing,
  compileAgent,
  FIRST_USER,
  type LogLine,
  makeRoot,
  reasonForNoContainers,
  runContainer,
  startAgent,
} from '../support/oci-agent.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle agent '));
const ownerOfNull = () => statSync('/dev/null').uid;

let program: string;
let skipped = reasonForNoContainers();
let agent: Agent | undefined;

beforeAll(async () => {
  if (skipped !== undefined) return;
  makeRoot(directory);
  try {
    program = await compileAgent(join(directory, 'program'));
  } catch (error) {
    const lacking = ['host-packages-missing', 'crates-unreachable'];
    if (!(error instanceof Failure) || !lacking.includes(error.parts.code)) throw error;
    skipped = error.message;
  }
}, 300_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach((context) => {
  if (skipped === undefined) return;
  console.warn(`coracle-oci-agent is not tried: ${skipped}`);
  context.skip(skipped);
});

afterEach(() => agent?.kill());

/** A policy whose one block has these rules. */
function policy(rules: string): string {
  return `version: 1\ncontainers:\n  - name: tried\n    match: {id: "tried-*"}\n${rules}`;
}

let count = 0;

/** Runs a script in a container under an agent with these rules; returns what it printed and the log's lines of calls. */
async function run(rules: string, script: string): Promise<{ output: string; calls: readonly LogLine[] }> {
  agent = await startAgent(program, directory, policy(rules));
  const before = ownerOfNull();
  const output = await runContainer(directory, { id: `tried-${process.pid}-${count++}`, script, socket: agent.socket });
  expect(ownerOfNull()).toBe(before);
  return { output, calls: agent.log().filter(({ call }) => call !== undefined) };
}

function decisions(calls: readonly LogLine[], name: string): readonly (string | undefined)[] {
  return calls.filter(({ call }) => call === name).map(({ decision }) => decision);
}

/** `good 3 refused 4 wrong 0`, in the order of the output. */
function races(output: string): readonly { good: number; refused: number; wrong: number }[] {
  return [...output.matchAll(/good (\d+) refused (\d+) wrong (\d+)/g)].map(([, good, refused, wrong]) => ({
    good: Number(good),
    refused: Number(refused),
    wrong: Number(wrong),
  }));
}

const MOUNTS = `
    mount:
      - {type: tmpfs, destination: [/foo, /data/d], options: ['size=*']}
    umount:
      - destination: [/foo, /data/*]
`;

describe('mount', { timeout: 120_000 }, () => {
  it('goes to the one directory that is allowed, and to no other', async () => {
    const { output, calls } = await run(
      MOUNTS,
      'mount -t tmpfs none /bar; echo bar $?; mount -t tmpfs -o size=1m none /foo; echo foo $?; touch /foo/x; stat -c %u:%a /foo /foo/x; grep -E "/(foo|bar) " /proc/mounts; umount /foo; echo gone $?; umount /proc; echo proc $?',
    );
    expect(output).toMatch(/permission denied/);
    expect(output).toMatch(/bar 1\nfoo 0\n0:1777\n0:644\nnone \/foo tmpfs rw,nosuid,nodev,\S*size=1024k 0 0\ngone 0\n/);
    expect(output).toMatch(/proc 1\n$/);
    expect(calls).toMatchObject([
      { call: 'mount', decision: 'refused', errno: 'EPERM', why: 'destination /bar is in no rule for tmpfs' },
      { call: 'mount', decision: 'allowed', errno: null, rule: 'mount[0] of tried' },
      { call: 'umount2', decision: 'allowed', rule: 'umount[0] of tried' },
      { call: 'umount2', decision: 'refused', why: 'destination /proc is in no rule of umount' },
    ]);
    expect(calls[1]?.arguments).toMatchObject({ type: 'tmpfs', destination: '/foo', data: 'size=1m' });
  });

  it('of what the policy does not name is refused: types, options, bind mounts', async () => {
    const { calls } = await run(
      MOUNTS,
      'mount -t ext4 /dev/sda /foo; mount -t tmpfs -o mode=777 none /foo; mount --bind / /foo',
    );
    expect(decisions(calls, 'mount')).toEqual(['refused', 'refused', 'refused']);
  });

  it('does not follow a planted link out of the directory, nor out of the container', async () => {
    const { output, calls } = await run(
      MOUNTS,
      ['/bar', '../../../../../../tmp', '/proc/1/root/foo', '/foo']
        .map((target) => `ln -sfn ${target} /data/d; caller mount /data/d`)
        .join('; '),
    );
    const [EPERM, ENOENT, ELOOP] = [1, 2, 40];
    expect(output).toBe(`errno ${EPERM}\nerrno ${ENOENT}\nerrno ${ELOOP}\nerrno 0\n`);
    expect(calls.map(({ arguments: all }) => all?.['resolved'])).toEqual(['/bar', undefined, undefined, '/foo']);
  });

  it('is carried out as it was judged, whatever is rewritten and exchanged meanwhile', async () => {
    const { output } = await run(
      MOUNTS,
      'rm -f /data/d; mkdir /data/d; ln -s /bar /data/l; caller race /foo /bar 500; caller exchange /data/d /data/l /bar 300',
    );
    const all = races(output);
    expect(all, output).toHaveLength(2);
    for (const { good, refused, wrong } of all) {
      expect(wrong).toBe(0);
      // Both sides won at times: the race was one.
      expect(good).toBeGreaterThan(0);
      expect(refused).toBeGreaterThan(0);
    }
  });

  it('with arguments that are none fails as it would in the kernel', async () => {
    const { output } = await run(MOUNTS, 'caller odd');
    const [EPERM, ENOENT, EFAULT, EINVAL, ENAMETOOLONG] = [1, 2, 14, 22, 36];
    expect(
      Object.fromEntries(
        output
          .trim()
          .split('\n')
          .map((line) => line.split(' ')),
      ),
    ).toEqual({
      bytes: `${EINVAL}`,
      long: `${ENAMETOOLONG}`,
      empty: `${ENOENT}`,
      pointer: `${EFAULT}`,
      null: `${EFAULT}`,
      missing: `${ENOENT}`,
      device: `${EPERM}`,
      remount: `${EPERM}`,
    });
  });

  it('binds a directory of the host that the policy names, and no link in it', async () => {
    const share = join(directory, 'share');
    mkdirSync(join(share, 'given'), { recursive: true });
    writeFileSync(join(share, 'given/file'), 'of the host\n');
    rmSync(join(share, 'link'), { force: true });
    symlinkSync('/etc', join(share, 'link'));
    const rules = `
    mount:
      - {type: bind, from: host, source: '${share}/*', destination: /share, force: [ro, nosuid, nodev]}
      - {type: bind, source: /data, destination: /foo}
`;
    const { output, calls } = await run(
      rules,
      `mount --bind "${share}/given" /share; cat /share/file; touch /share/x; mount --bind "${share}/link" /share; mount --bind "${share}/given/.." /share; mount --bind /etc /share; touch /data/own; mount --bind /data /foo; ls /foo`,
    );
    expect(output).toMatch(/^of the host\n.*Read-only file system/);
    expect(output).toMatch(/\nown$/m);
    expect(decisions(calls, 'mount')).toEqual(['allowed', 'failed', 'refused', 'refused', 'allowed']);
    expect(calls[1]).toMatchObject({ errno: 'ELOOP' });
  });

  it('takes well under a millisecond', async () => {
    const { output } = await run(MOUNTS, 'caller many /foo 100');
    const [, mount, umount] = /mount (\d+) umount (\d+)/.exec(output) ?? [];
    console.info(`median of 100, microseconds: mount ${mount}, umount ${umount}`);
    // Ten times what it takes on a machine with nothing else to do.
    expect(Number(mount)).toBeLessThan(5000);
  });
});

describe('mknod', { timeout: 60_000 }, () => {
  it('makes the devices that are listed, and they work, on every file system', async () => {
    const rules = `
    mknod:
      - {type: char, major: 1, minor: 5, path: [/dev/*, /data/*], mode: 0o640}
`;
    const { output, calls } = await run(
      rules,
      'for at in /dev/z /data/z; do mknod $at c 1 5; stat -c "%F %t:%T %u:%g %a" $at; head -c 4 $at | grep -c .; done; mknod /dev/kmsg c 1 11; mknod /bar/z c 1 5; mknod /data/pipe p; stat -c %F /data/pipe',
    );
    const node = 'character special file 1:5 0:0 640\n1\n';
    expect(output).toContain(node + node);
    expect(output).toMatch(/\nfifo$/m);
    expect(decisions(calls, 'mknodat').concat(decisions(calls, 'mknod'))).toEqual([
      'allowed',
      'allowed',
      'refused',
      'refused',
      'continued',
    ]);
    expect(statSync(join(directory, 'rootfs/data/z')).uid).toBe(FIRST_USER);
  });
});

describe('socket', { timeout: 60_000 }, () => {
  it('lets ping work without CAP_NET_RAW, and refuses raw sockets', async (context) => {
    if (!addPing(directory)) return context.skip('there is no ping on this machine (Debian package iputils-ping)');
    const script =
      'grep CapEff /proc/self/status; /bin/ping -4 -c 1 -W 5 127.0.0.1; echo ping $?; busybox ping -c 1 127.0.0.1';
    const { output, calls } = await run('    socket: [ping]\n', script);
    expect(output).toMatch(/CapEff:\s0+\n/);
    expect(output).toMatch(/ 1 received, .*\n(?:.*\n)*ping 0\n/);
    // Busybox asks for a raw socket alone.
    expect(output).toMatch(/ping: permission denied/);
    const inet = calls.filter(({ arguments: all }) => all?.['domain'] === '2' && all['protocol'] === '1');
    expect(inet.map(({ decision, arguments: all }) => [all?.['type'], decision])).toEqual([
      ['2', 'allowed'],
      ['3', 'refused'],
    ]);
  });

  it('refuses ping where no rule allows it', async (context) => {
    if (!addPing(directory)) return context.skip('there is no ping on this machine (Debian package iputils-ping)');
    const { output } = await run('', '/bin/ping -4 -c 1 -W 5 127.0.0.1; echo ping $?');
    expect(output).toMatch(/ping [12]\n$/);
  });
});

describe('the agent', { timeout: 60_000 }, () => {
  it('when it is killed leaves its containers with ENOSYS', async () => {
    const started = await startAgent(program, directory, policy(MOUNTS));
    agent = started;
    let killed: Promise<string> | undefined;
    const output = await runContainer(directory, {
      id: `tried-killed-${process.pid}`,
      script: 'caller mount /foo; read line; caller mount /foo',
      socket: started.socket,
      onOutput: (text) => {
        if (killed !== undefined || !text.includes('errno 0')) return undefined;
        killed = started.kill().then(() => 'go\n');
        return killed;
      },
    });
    const ENOSYS = 38;
    expect(output).toBe(`errno 0\nerrno ${ENOSYS}\n`);
  });

  it('is not stopped by messages that are none', async () => {
    const started = await startAgent(program, directory, policy(MOUNTS));
    agent = started;
    const state = '{"fds":["seccompFd"],"state":{"id":"tried-x"}}';
    const bad = ['', '{', 'nonsense', '[]', state, '{'.repeat(100_000), Buffer.alloc(1 << 20, 0x20)];
    for (const message of bad) {
      await new Promise<void>((resolve) => {
        const client = connect(started.socket, () => client.end(message));
        client.on('error', () => undefined);
        client.on('close', () => resolve());
      });
    }
    const id = `tried-after-${process.pid}`;
    expect(await runContainer(directory, { id, script: 'caller mount /foo', socket: started.socket })).toBe(
      'errno 0\n',
    );
    const refused = started.log().filter(({ event }) => event === 'message-refused');
    expect(refused.map(({ why }) => why)).toContainEqual(expect.stringContaining('seccompFd did not come'));
    expect(refused).toHaveLength(bad.length);
  });

  it('serves no block but the one that matches, and refuses all where none does', async () => {
    agent = await startAgent(program, directory, policy(MOUNTS));
    const other = { id: `other-${process.pid}`, script: 'caller mount /foo', socket: agent.socket };
    expect(await runContainer(directory, other)).toBe('errno 1\n');
    expect(agent.log().find(({ call }) => call === 'mount')?.why).toContain('no block of the policy');
  });

  it('says where a policy is wrong', async () => {
    const wrong = policy('    mount:\n      - {type: tmpfs, destinaton: /foo}\n');
    await expect(startAgent(program, directory, wrong)).rejects.toThrow(
      /policy\.yaml:6:23: a rule of mount has no key "destinaton"\n {2}hint: did you mean destination\?/,
    );
  });
});
