/** What a program is started with is what its configuration says, and nothing else: rights, signals, descriptors, keys. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Arena, type Config, reasonForNoArena } from './support/arena.ts';

const skipped = reasonForNoArena();
let arena: Arena;

beforeAll(() => {
  if (skipped === undefined) arena = new Arena();
}, 300_000);

afterAll(() => arena?.close());

beforeEach((context) => {
  if (skipped === undefined) return;
  console.warn(`what programs of coracle-oci start with is not tried: ${skipped}`);
  context.skip(skipped);
});

const [CHOWN, KILL, NET_RAW] = [1n << 0n, 1n << 5n, 1n << 13n];
const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');

function changed(config: Config): void {
  config.process['user'] = { uid: 1000, gid: 1001, umask: 0o27, additionalGids: [5, 7, 1001] };
  config.process['capabilities'] = {
    bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'],
    permitted: ['CAP_CHOWN', 'CAP_KILL'],
    effective: ['CAP_KILL'],
    inheritable: ['CAP_KILL'],
    ambient: ['CAP_KILL'],
  };
  config.process['noNewPrivileges'] = true;
  config.process['env'] = ['PATH=/bin', 'HOME=/', 'ONE=1'];
}

/** Lines of `attacker probe` by their first word; a program with ambient capabilities has those only. */
function told(stdout: string): Record<string, string> {
  const lines = stdout
    .trim()
    .split('\n')
    .filter((line) => !/^(fd|env) /.test(line));
  return Object.fromEntries(lines.map((line) => line.split(/:?\s+/, 1).concat(line.replace(/^\w+:?\s*/, '').trim())));
}

const WANTED = {
  Uid: '1000\t1000\t1000\t1000',
  Gid: '1001\t1001\t1001\t1001',
  Groups: '5 7 1001',
  Umask: '0027',
  CapBnd: hex(CHOWN | KILL | NET_RAW),
  CapPrm: hex(KILL),
  CapEff: hex(KILL),
  CapInh: hex(KILL),
  CapAmb: hex(KILL),
  NoNewPrivs: '1',
  Seccomp: '0',
  SigBlk: hex(0n),
  SigIgn: hex(0n),
  SigCgt: hex(0n),
  dumpable: '1',
  securebits: '0',
  pdeathsig: '0',
  personality: '0',
  cwd: '/',
};
/** The caller's state is as odd as it can be: signals ignored and blocked, descriptors left open. */
const ODD = "trap '' INT TERM PIPE USR1 CHLD HUP; umask 077; exec 7</ 8</dev/zero; export SECRET=1";

describe('a program', () => {
  it.each(['run', 'create and start', 'start with another process', 'exec'])(
    'by %s is what it was to be',
    async (way) => {
      arena.configure(way === 'exec' ? ['sleep', '60'] : ['attacker', 'probe'], changed);
      let script = '$R run --bundle $B x';
      if (way === 'create and start') script = '$R create --bundle $B x; $R start x';
      if (way === 'start with another process') {
        arena.configure(['true'], changed);
        writeFileSync(join(arena.bundle, 'process.json'), processOf(['attacker', 'probe']));
        script = '$R create --bundle $B x; $R start --process $B/process.json x';
      }
      if (way === 'exec') script = '$R run --detach --bundle $B x >/dev/null 2>&1; $R exec x attacker probe';
      // In the background it would not be waited for.
      const wait = 'while $R state x 2>/dev/null | grep -q running; do sleep 0.05; done';
      const rest = way.includes('start') ? `${wait}; cat $B/out` : 'cat $B/out';
      const { stdout, stderr } = await arena.shell(
        `(${ODD}; ${script}) </dev/null >$B/out 2>$B/said; ${rest}; cat $B/said >&2; $R delete --force x`,
      );
      expect(stderr).toBe('');
      expect(told(stdout)).toMatchObject(WANTED);
      expect(told(stdout)['keyring']).toMatch(/;x$/);
      expect(stdout.match(/^fd .*$/gm)).toEqual([
        'fd 0 /dev/null',
        `fd 1 ${arena.bundle}/out`,
        `fd 2 ${arena.bundle}/said`,
      ]);
      expect(stdout.match(/^env .*$/gm)).toEqual(['env PATH=/bin', 'env HOME=/', 'env ONE=1']);
    },
  );

  it('of root has the capabilities of its bounding set, and none that it cannot have', async () => {
    arena.configure(['attacker', 'probe'], (config) => {
      config.process['capabilities'] = { bounding: ['CAP_CHOWN'], ambient: ['CAP_KILL'] };
    });
    const { stdout } = await arena.run();
    expect(told(stdout)).toMatchObject({ CapBnd: hex(CHOWN), CapAmb: hex(0n) });
    expect(BigInt(`0x${told(stdout)['CapPrm']}`) & ~(CHOWN | KILL)).toBe(0n);
  });

  it('without a keyring of its own has none made', async () => {
    arena.configure(['attacker', 'probe']);
    const { stdout } = await arena.shell(
      '$R run --no-new-keyring --bundle $B plain; $R run --detach --no-new-keyring --bundle $B x >/dev/null 2>&1; $R delete --force x',
    );
    expect(told(stdout)['keyring']).not.toMatch(/;plain$/);
  });

  it('keeps the filter of its container when it takes the place of another', async () => {
    arena.configure(['true'], (config) => {
      config.linux['seccomp'] = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
      };
    });
    writeFileSync(
      join(arena.bundle, 'process.json'),
      processOf(['sh', '-c', 'grep Seccomp: /proc/self/status; mkdir /tmp/x 2>&1']),
    );
    const { stdout, stderr } = await arena.shell(
      `$R create --bundle $B x >$B/out 2>&1; $R start --process $B/process.json x
       while $R state x | grep -q running; do sleep 0.05; done; cat $B/out; $R delete x`,
    );
    expect(stderr).toBe('');
    expect(stdout).toMatch(/Seccomp:\s+2\n(.*\n)*.*No space left/);
  });

  it('has standard descriptors even when its caller has none', async () => {
    arena.configure(['sh', '-c', 'attacker probe >/tmp/told']);
    const { exitCode } = await arena.shell('$R run --bundle $B x <&- >&- 2>&-');
    expect(exitCode).toBe(0);
    const { stdout } = await arena.shell('cat $B/rootfs/tmp/told');
    expect(stdout.match(/^fd .*$/gm)).toEqual(['fd 0 /dev/null', 'fd 1 /tmp/told', 'fd 2 /dev/null']);
  });
});

/** A process.json that is `changed`'s, with other arguments. */
function processOf(args: readonly string[]): string {
  const config = { process: { cwd: '/' } } as unknown as Config;
  changed(config);
  return JSON.stringify({ ...config.process, args });
}
