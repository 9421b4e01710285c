/** `linux.netDevices` of config.json (config-linux.md, "Network Devices"): interfaces of the host's become the container's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { baseConfig, type Config, Container, lacksBusybox } from './support/bundle.ts';
import { type Address, type Interface, lacksInterfaces, NetworkNamespace } from './support/host-network.ts';
import { type Runtime, runtimeUnderTest } from './support/runtime.ts';
import { openView, type View } from './support/view.ts';

const MAC = '02:00:00:00:00:07';

interface Place {
  readonly view: View;
  readonly host: NetworkNamespace;
  /** A network namespace that containers may join. */
  readonly other: NetworkNamespace;
  container(devices: Config, change?: (config: Config) => void): Container;
}

/** In words that do not depend on the name. */
const addressesOf = (device: Interface | undefined): string[] =>
  (device?.addr_info ?? [])
    .filter(({ scope }) => scope === 'global')
    .map(({ local, address, prefixlen, preferred_life_time: life }: Address) =>
      [local, ...(address === undefined ? [] : ['peer', address]), prefixlen, ...(life === 0 ? ['old'] : [])].join(' '),
    );

const named = (all: readonly Interface[], name: string): Interface | undefined =>
  all.find(({ ifname }) => ifname === name);

describe('netDevices', { timeout: 120_000 }, () => {
  let lacking: string | undefined;
  let opened: { view: View; runtime: Runtime; scratch: string } | undefined;

  beforeAll(async () => {
    const runtime = runtimeUnderTest();
    lacking = lacksBusybox() ?? ('reason' in runtime ? runtime.reason : undefined);
    if (lacking !== undefined || 'reason' in runtime) return;
    let view = await openView('v2');
    if ('reason' in view) view = await openView('v1');
    if ('reason' in view) {
      lacking = view.reason;
      return;
    }
    const scratch = mkdtempSync(join(tmpdir(), 'coracle-oci-'));
    await view.run(['chmod', '755', scratch]);
    opened = { view, runtime, scratch };
    lacking = await lacksInterfaces(view, scratch);
  }, 300_000);

  afterAll(async () => {
    await opened?.view.close();
    if (opened !== undefined) rmSync(opened.scratch, { recursive: true, force: true });
  });

  const must = (name: string, work: (place: Place) => Promise<void>): void => {
    it(name, async (context: TestContext) => {
      if (lacking !== undefined || opened === undefined) return context.skip(lacking ?? 'there is no view');
      const { view, runtime, scratch } = opened;
      const host = await NetworkNamespace.make(view, scratch);
      onTestFinished(() => host.remove());
      const other = await NetworkNamespace.make(view, scratch);
      onTestFinished(() => other.remove());
      const inHost = host.runtime(runtime);
      const container = (devices: Config, change?: (config: Config) => void): Container => {
        const config = baseConfig('exec sleep 100');
        config['linux'].netDevices = devices;
        change?.(config);
        const made = new Container(view, inHost, scratch, config);
        onTestFinished(() => made.remove());
        return made;
      };
      await work({ view, host, other, container });
    });
  };

  const joining =
    (namespace: NetworkNamespace) =>
    (config: Config): void => {
      config['linux'].namespaces.find((each: Config) => each['type'] === 'network').path = namespace.path;
    };

  /** An up interface `v0` with addresses of all sorts, whose other end stays; gives what has to be kept. */
  async function furnish(host: NetworkNamespace): Promise<Interface> {
    for (const words of [
      'link add v0 type veth peer name far',
      `link set v0 address ${MAC} mtu 1400 txqueuelen 77 alias shore`,
      'address add 192.0.2.7/24 brd + dev v0 label v0:a',
      'address add 192.0.2.8/24 dev v0',
      'address add 198.51.100.1 peer 198.51.100.2/32 dev v0',
      'address add 2001:db8::7/64 dev v0 nodad',
      'address add 2001:db8::8/64 dev v0 nodad preferred_lft 0',
      // Neither of these stays, or is valid everywhere.
      'address add 2001:db8::9/64 dev v0 nodad valid_lft 1000 preferred_lft 1000',
      'address add 169.254.3.3/16 dev v0 scope link',
      'link set far up',
      'link set v0 up',
    ]) {
      await host.ip(words);
    }
    const v0 = named(await host.interfaces(), 'v0');
    if (v0 === undefined) throw new Error('v0 is not there');
    return v0;
  }

  const KEPT = [
    '192.0.2.7 24',
    '192.0.2.8 24',
    '198.51.100.1 peer 198.51.100.2 32',
    '2001:db8::7 64',
    '2001:db8::8 64 old',
  ];

  async function inside(view: View, container: Container): Promise<Interface[]> {
    const { pid } = await container.state();
    const ran = await view.run(['nsenter', `--target=${pid}`, '--net', 'ip', '-json', '-details', 'address']);
    if (ran.exitCode !== 0) throw new Error(ran.stderr);
    return JSON.parse(ran.stdout) as Interface[];
  }

  const users = (config: Config): void => {
    config['linux'].namespaces.push({ type: 'user' });
    const all = [{ containerID: 0, hostID: 0, size: 65_536 }];
    Object.assign(config['linux'], { uidMappings: all, gidMappings: all });
  };
  const kinds: [string, (place: Place) => (config: Config) => void][] = [
    ['a new namespace', () => () => {}],
    ['a new namespace of a new user namespace', () => users],
    ['a namespace that is joined', ({ other }) => joining(other)],
    [
      'a new namespace, with a time namespace',
      () => (config) => {
        config['linux'].namespaces.push({ type: 'time' });
        config['linux'].timeOffsets = { boottime: { secs: 5 } };
      },
    ],
  ];
  for (const [kind, change] of kinds) {
    must(`an interface is moved into ${kind} with its attributes and addresses, and is up`, async (place) => {
      const { view, host, container } = place;
      const before = await furnish(host);
      const one = container({ v0: {} }, change(place));
      expect(await one.create()).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await host.interfaces()).map(({ ifname }) => ifname)).toEqual(['lo', 'far']);
      const v0 = named(await inside(view, one), 'v0');
      expect(v0?.flags).toContain('UP');
      expect(addressesOf(v0).sort()).toEqual(KEPT);
      expect(v0).toMatchObject({ mtu: 1400, address: MAC, ifalias: 'shore', txqlen: 77 });
      const first = ({ addr_info: all }: Interface): Address | undefined =>
        all.find(({ local }) => local === '192.0.2.7');
      expect(v0 === undefined ? v0 : first(v0)).toEqual(first(before));
    });
  }

  must('it has its new name, and so have its labels and parameters', async ({ view, host, container }) => {
    await furnish(host);
    const one = container({ v0: { name: 'inner0' } }, (config) => {
      config['linux'].sysctl = { 'net.ipv4.conf.inner0.forwarding': '1' };
    });
    expect(await one.create()).toMatchObject({ exitCode: 0, stderr: '' });
    const all = await inside(view, one);
    expect(all.map(({ ifname }) => ifname)).toEqual(['lo', 'inner0']);
    const labels = named(all, 'inner0')?.addr_info.flatMap(({ label }) => label ?? []);
    expect(labels).toEqual(['inner0:a', 'inner0', 'inner0']);
    const { pid } = await one.state();
    const set = await view.run([
      'nsenter',
      `--target=${pid}`,
      '--net',
      '--mount',
      '/bin/cat',
      '/proc/sys/net/ipv4/conf/inner0/forwarding',
    ]);
    expect(set.stdout).toBe('1\n');
  });

  must('a template makes names that are free', async ({ host, other, container }) => {
    await furnish(host);
    await host.ip('link add w0 type veth peer name far2');
    await other.ip('link add eth0 type veth peer name eth2');
    // Names of the host's are no hindrance, and one that is taken there makes no difference to where it is moved.
    await other.ip('link add v0 type veth peer name v1');
    const one = container({ v0: { name: 'eth%d' }, w0: { name: 'eth%d' } }, joining(other));
    expect(await one.create()).toMatchObject({ exitCode: 0, stderr: '' });
    const all = await other.interfaces();
    expect(all.map(({ ifname }) => ifname).sort()).toEqual(['eth0', 'eth1', 'eth2', 'eth3', 'lo', 'v0', 'v1']);
    expect(named(all, 'eth1')?.address).toBe(MAC);
    expect(addressesOf(named(all, 'eth1')).sort()).toEqual(KEPT);
    const wrong = container({ far: { name: 'e%dh%d' } });
    expect((await wrong.create()).stderr).toContain('linux.netDevices.far: "e%dh%d" is no template');
  });

  /** Everything is as before: names, addresses, flags. */
  const state = async (host: NetworkNamespace): Promise<unknown> =>
    (await host.interfaces())
      .map((each) => ({
        name: each.ifname,
        up: each.flags.includes('UP'),
        mac: each.address,
        addresses: addressesOf(each).sort(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));

  must('a name that is taken is an error, and nothing is moved', async ({ host, other, container }) => {
    await furnish(host);
    // What does not stay is lost when an interface was moved and comes back.
    await host.ip('address del 2001:db8::9/64 dev v0');
    await host.ip('link add w0 type veth peer name far2');
    await other.ip('link add eth0 type veth peer name eth1');
    const before = await state(host);
    for (const devices of [
      { w0: { name: 'lan' }, v0: { name: 'eth0' } },
      // Free at first, and taken by the first of the two.
      { w0: { name: 'lan' }, v0: { name: 'lan' } },
      { v0: { name: 'lan' }, w0: { name: 'lan' } },
    ]) {
      const one = container(devices, joining(other));
      const created = await one.create();
      expect(created.exitCode).not.toBe(0);
      expect(created.stderr).toMatch(
        /linux\.netDevices\.[vw]0: the container's network namespace has a device (eth0|lan)/,
      );
      expect(await one.status()).toBe('absent');
      expect((await other.interfaces()).map(({ ifname }) => ifname).sort()).toEqual(['eth0', 'eth1', 'lo']);
      expect(await state(host)).toEqual(before);
    }
  });

  must('an interface that is not there, or cannot be moved, is an error', async ({ host, container }) => {
    await furnish(host);
    const before = await state(host);
    const missing = container({ v0: {}, nowhere: {} });
    expect((await missing.create()).stderr).toContain('linux.netDevices.nowhere: there is no such network device');
    expect(await state(host)).toEqual(before);
    const loopback = container({ lo: { name: 'lo1' } });
    expect((await loopback.create()).stderr).toMatch(/linux\.netDevices\.lo: move the device.*invalid argument/i);
    const same = container({ v0: { name: 'x' } }, joining(host));
    expect((await same.create()).stderr).toContain("the container's network namespace is the runtime's");
    const none = container({ v0: {} }, (config) => {
      config['linux'].namespaces = config['linux'].namespaces.filter((each: Config) => each['type'] !== 'network');
    });
    expect((await none.create()).stderr).toContain(
      'linux.netDevices is set, but the container has no Network namespace',
    );
    expect(await state(host)).toEqual(before);
  });

  must('when the container is not made after all, it is back', async ({ host, other, container }) => {
    await furnish(host);
    await host.ip('address del 2001:db8::9/64 dev v0');
    const before = await state(host);
    const failing: ((config: Config) => void)[] = [
      (config) => {
        config['hooks'] = { createRuntime: [{ path: '/bin/false' }] };
      },
      (config) => {
        config['linux'].sysctl = { 'net.ipv4.conf.v0.forwarding': '1' };
        joining(other)(config);
      },
      (config) => {
        config['process'].args = ['/nowhere'];
        users(config);
      },
    ];
    for (const change of failing) {
      const one = container({ v0: { name: 'inner0' } }, change);
      expect((await one.create()).exitCode).not.toBe(0);
      expect(await state(host)).toEqual(before);
      expect((await other.interfaces()).map(({ ifname }) => ifname)).toEqual(['lo']);
    }
  });

  must('it stays where the namespace stays', async ({ host, other, container }) => {
    await furnish(host);
    const one = container({ v0: {} }, joining(other));
    expect((await one.create()).exitCode).toBe(0);
    expect((await one.command('delete', '--force', one.id)).exitCode).toBe(0);
    expect(named(await other.interfaces(), 'v0')?.flags).toContain('UP');
    expect(named(await host.interfaces(), 'v0')).toBeUndefined();
  });
});
