/** Documents that lie or are odd: a config.json in which anything may stand ends in a container, or in a message that says why not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
  console.warn(`coracle-oci is not given odd documents: ${skipped}`);
  context.skip(skipped);
});

/** Runs a container whose configuration was changed; nothing of it is left. */
async function run(change: (config: Config) => void): Promise<{ exitCode: number; stderr: string }> {
  arena.configure(['true'], change);
  return ran('$R run --bundle $B x');
}

/** Within limits of memory and time that a board could have. */
async function ran(command: string): Promise<{ exitCode: number; stderr: string }> {
  const { exitCode, stdout, stderr } = await arena.shell(
    `ulimit -v 1500000; ${command}; code=$?; $R list --quiet; exit $code`,
    30_000,
  );
  expect(stdout).toBe('');
  expect(stderr).not.toContain('this is a bug');
  return { exitCode, stderr };
}

describe('paths', () => {
  it.each(['/made/../../../../../made-up', '/../..', '/made-up/../..', '../made-up'])(
    'with .. stay in the root: %s',
    async (destination) => {
      const { exitCode } = await run((config) => config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' }));
      expect(exitCode).toBe(0);
      expect(readdirSync(arena.bundle).sort()).toEqual(['config.json', 'rootfs']);
      expect(existsSync(join(arena.bundle, '../made-up'))).toBe(false);
    },
  );

  it.each(['/..', '/x/../..', '/proc/..'])('of procfs and devices end with a name: %s', async (path) => {
    const proc = await run((config) => config.mounts.push({ destination: path, type: 'proc', source: 'proc' }));
    expect(proc).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('ends with no name') });
    const device = await run((config) => {
      config.linux['devices'] = [{ path, type: 'c', major: 1, minor: 3 }];
    });
    expect(device).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('ends with no name') });
  });

  it('that are too long for the kernel are named', async () => {
    for (const destination of [`/${'x'.repeat(300)}`, `/${'x/'.repeat(3000)}`]) {
      const mount = await run((config) => config.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' }));
      expect(mount).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/make \/x.*: file name too long/) });
      const cwd = await run((config) => {
        config.process['cwd'] = destination;
      });
      expect(cwd).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('file name too long') });
    }
  });
});

describe('kernel parameters', () => {
  it.each(['net/../vm/swappiness', 'net/./../vm/swappiness', 'net..', 'net/', 'vm.swappiness'])(
    "of the host's are refused: %s",
    async (name) => {
      const before = readFileSync('/proc/sys/vm/swappiness', 'utf8');
      const { exitCode, stderr } = await run((config) => {
        config.linux['sysctl'] = { [name]: before.trim() };
      });
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('linux.sysctl')]);
    },
  );

  it("are the host's where a namespace is the host's by another name, and so is its name", async () => {
    const join_ = (type: string, file: string) => (config: Config) => {
      config.linux.namespaces = config.linux.namespaces.filter((namespace) => namespace.type !== type);
      config.linux.namespaces.push({ type, path: `/proc/self/ns/${file}` });
    };
    const network = await run((config) => {
      join_('network', 'net')(config);
      config.linux['sysctl'] = { 'net.ipv4.ip_forward': '0' };
    });
    expect(network).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no Network namespace of its own') });
    const name = await run((config) => {
      join_('uts', 'uts')(config);
      config['hostname'] = 'renamed';
    });
    expect(name).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("Uts namespace is the host's") });
  });
});

describe('text', () => {
  it('that is no UTF-8 has a place', async () => {
    const [before = '', after = ''] = JSON.stringify({ ociVersion: '1.0.2', hostname: 'X' }).split('X');
    arena.write(Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0xfe]), Buffer.from(after)]));
    const { exitCode, stderr } = await ran('$R run --bundle $B x');
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^config\.json: not UTF-8 before here at byte \d+\n$/),
    ]);
  });

  it.each<[string, (config: Config) => void]>([
    ['process.cwd', (config) => (config.process['cwd'] = '/a\0b')],
    ['process.args[0]', (config) => (config.process.args = ['a\0b'])],
    ['process.env[0]', (config) => (config.process['env'] = ['A=\0'])],
    ['mounts[2].destination', (config) => config.mounts.push({ destination: '/a\0/../..', type: 'tmpfs' })],
    ['root.path', (config) => (config['root'] = { path: 'rootfs\0x' })],
    ['linux.maskedPaths[0]', (config) => (config.linux['maskedPaths'] = ['/etc\0'])],
  ])('with a zero byte is refused: %s', async (field, change) => {
    const { exitCode, stderr } = await run(change);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`${field}: holds a zero byte`)]);
  });
});

const MANY = 100_000;

describe('size', { timeout: 60_000 }, () => {
  it('of the document is limited, and so is its depth', async () => {
    arena.write(`{"ociVersion":"1.0.2","x":"${'x'.repeat(17 << 20)}"}`);
    expect(await ran('$R run --bundle $B x')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('too large'),
    });
    arena.write('['.repeat(MANY));
    expect(await ran('$R run --bundle $B x')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('deep') });
  });

  it('of arrays and objects costs no more than it must', async () => {
    arena.write(`{"ociVersion":"1.0.2","x":[${'0,'.repeat(8_000_000)}0]}`);
    expect(await ran('$R run --bundle $B x')).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^config/) });
    const keys = Array.from({ length: 10 * MANY }, (_, index) => `"k${index}":0`).join(',');
    arena.write(`{"ociVersion":"1.0.2",${keys}}`);
    expect(await ran('$R run --bundle $B x')).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^config/) });
  });

  it('of lists that cost little each is no obstacle', async () => {
    const paths = Array.from({ length: MANY }, (_, index) => `/nowhere/${index}`);
    const { exitCode, stderr } = await run((config) => {
      config.linux['maskedPaths'] = paths;
      config.linux['readonlyPaths'] = paths;
      config['annotations'] = Object.fromEntries(paths.map((path) => [path, '']));
      config.process['rlimits'] = Array(MANY).fill({ type: 'RLIMIT_CORE', soft: 0, hard: 0 });
    });
    expect(stderr === '' || /RLIMIT|rlimit|annotations|too/.test(stderr), stderr).toBe(true);
    expect([0, 1]).toContain(exitCode);
  });

  it('of what the kernel is to hold is its to judge', async () => {
    const environment = await run((config) => {
      config.process['env'] = Array.from({ length: MANY }, (_, index) => `VARIABLE${index}=${'x'.repeat(60)}`);
    });
    expect(environment).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('argument list too long') });
    const longer = await run((config) => {
      config.process['env'] = Array.from({ length: MANY }, (_, index) => `VARIABLE${index}=${'x'.repeat(100)}`);
    });
    expect(longer).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('argument list too long') });
    const rules = await run((config) => {
      const syscalls = Array.from({ length: MANY }, (_, index) => ({
        names: ['read'],
        action: 'SCMP_ACT_ERRNO',
        args: [{ index: 0, value: index, op: 'SCMP_CMP_EQ' }],
      }));
      config.linux['seccomp'] = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
    });
    expect(rules).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('linux.seccomp') });
    const mounts = await run((config) => {
      for (let index = 0; index < MANY; index++)
        config.mounts.push({ destination: '/proc/self/attr', type: 'tmpfs', source: 'tmpfs' });
    });
    expect(mounts).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('/proc/self/attr') });
  });

  it('of groups and processors is checked', async () => {
    const groups = await run((config) => {
      config.process['user'] = { uid: 0, gid: 0, additionalGids: Array.from({ length: MANY }, (_, index) => index) };
    });
    expect(groups).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('set the additional groups') });
    const cpus = await run((config) => {
      config.process['execCPUAffinity'] = { final: '0-4294967295' };
    });
    expect(cpus).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('execCPUAffinity') });
  });
});
