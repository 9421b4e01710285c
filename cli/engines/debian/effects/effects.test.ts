import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TinyArchive } from '../../../../test/support/tiny-packages.ts';
import { Failures } from '../../../failure.ts';
import type { Layer } from '../../../layers/layer.ts';
import { RootTree } from '../../../rootfs/tree.ts';
import { applyUnitEffects } from './apply-effects.ts';
import { appletNames, linkApplets } from './busybox.ts';
import { subjectHash } from './certificate-hash.ts';
import { effectJsonSchema, readEffects } from './effect-schema.ts';

let archive: TinyArchive;
beforeAll(async () => {
  archive = await TinyArchive.make();
});
afterAll(async () => archive[Symbol.asyncDispose]());

function layer(...effects: readonly unknown[]): Layer {
  const located = effects.map((value, index) => ({ value, place: { file: 'layer.yaml', line: index + 1 } }));
  return { name: 'my/layer', debian: { effects: located } } as unknown as Layer;
}

describe('declared effects', () => {
  it('make accounts, files, links and access', async () => {
    const effects = readEffects([
      layer(
        { user: { name: 'app', uid: 950, home: '/var/lib/app', groups: ['adm'] } },
        { directory: { path: '/var/lib/app', mode: '0750', owner: 'app' } },
        { file: { path: '/etc/app.conf', text: 'x\n', owner: ':app', mode: '640' } },
        { copy: { from: '/etc/app.conf', to: '/etc/app.copy' } },
        { link: { path: '/etc/app', to: 'app.conf' } },
        { access: { path: '/usr/bin/tool', mode: '4755' } },
        { remove: ['/etc/unwanted'] },
      ),
    ]);
    const files = { 'usr/bin/tool': '#!', 'etc/unwanted/file': 'x' };
    const { root } = await archive.compose([{ name: 'a', files }], { effects });
    expect(root.entry('/var/lib/app')).toMatchObject({ uid: 950, mode: 0o750 });
    expect(root.entry('/etc/app.conf')).toMatchObject({ gid: 950, mode: 0o640 });
    expect(root.readFile('/etc/app.copy')).toBe('x\n');
    expect(root.entry('/etc/app')).toMatchObject({ target: 'app.conf' });
    expect(root.entry('/usr/bin/tool')).toMatchObject({ mode: 0o4755 });
    expect(root.entry('/etc/unwanted')).toBeUndefined();
    expect(root.readFile('/etc/passwd')).toContain('app:x:950:950::/var/lib/app:/usr/sbin/nologin\n');
    expect(root.readFile('/etc/group')).toContain('adm:x:4:app\n');
  });

  it('say what cannot be had, and where it was asked for', async () => {
    const effects = readEffects([
      layer(
        { remove: ['/etc/none'] },
        { access: { path: '/etc/none' } },
        { directory: { path: '/d', owner: 'nobody-there' } },
      ),
    ]);
    const failing = archive.compose([{ name: 'b' }], { effects });
    await expect(failing).rejects.toBeInstanceOf(Failures);
    await expect(failing).rejects.toMatchObject({
      all: [1, 2, 3].map((line) => ({ parts: { code: 'effect-failed', layer: 'my/layer', place: { line } } })),
    });
  });

  it('choose an alternative', async () => {
    const postinst = '#!/bin/sh\nfor n in 1 2; do update-alternatives --install /usr/bin/x x /usr/bin/x$n $n; done\n';
    const effects = readEffects([layer({ alternative: { name: 'x', path: '/usr/bin/x1' } })]);
    const { root } = await archive.compose([{ name: 'c', postinst, files: { 'usr/bin/x1': '', 'usr/bin/x2': '' } }], {
      effects,
    });
    expect(root.resolve('/usr/bin/x')).toMatchObject({ path: '/usr/bin/x1' });
  });

  it('switch units on and off', () => {
    const tree = new RootTree();
    for (const name of ['a.service', 'b.service']) {
      tree.addFile(`/usr/lib/systemd/system/${name}`, '[Install]\nWantedBy=x.target\n', { origin: 'test' });
    }
    const wants = '/etc/systemd/system/x.target.wants';
    tree.addLink(`${wants}/b.service`, '/lib/systemd/system/b.service', { origin: 'test' });
    applyUnitEffects(
      tree,
      readEffects([layer({ enable: ['a.service'] }, { disable: ['b.service'] }, { mask: ['c.service'] })]),
    );
    expect(tree.children(wants).map((entry) => entry.path)).toEqual([`${wants}/a.service`]);
    expect(tree.get('/etc/systemd/system/c.service')).toMatchObject({ target: '/dev/null' });
    const missing = (): void => applyUnitEffects(tree, readEffects([layer({ enable: ['none.service'] })]));
    expect(missing).toThrow(/cannot be had/);
  });

  it.each([
    ['an unknown kind', { unheard: 1 }, /unheard is no kind/],
    ['two kinds', { mask: [], enable: [] }, /mask, enable is no kind/],
    ['no map', 'mask', /has no kind/],
    ['an unknown key', { file: { path: '/x', text: '', mod: '0644' } }, /file.*mod/],
    ['a number for a mode', { directory: { path: '/x', mode: 755 } }, /directory\.mode/],
    ['a path that is not absolute', { remove: ['etc/x'] }, /absolute/],
    ['a path that climbs', { file: { path: '/etc/../x', text: '' } }, /absolute/],
    ['no reason', { accounts: { package: 'a', command: 'b', because: '' } }, /because/],
  ])('%s is refused with its place', (_, value, cause) => {
    try {
      readEffects([layer({ mask: [] }, value)]);
      expect.unreachable();
    } catch (error) {
      expect((error as Failures).parts).toMatchObject({ code: 'bad-effect', layer: 'my/layer', place: { line: 2 } });
      expect((error as Failures).parts.cause).toMatch(cause);
    }
  });

  it('have a JSON schema', () => {
    expect(JSON.stringify(effectJsonSchema())).toContain('systemctl enable');
  });
});

describe('busybox', () => {
  const program = Buffer.concat([Buffer.from('elf…\0[\0[[\0cat\0getty\0ls\0sh\0zcat\0\0more')]);

  it('has the names of its applets in itself', () => {
    expect(appletNames(program)).toEqual(['[', '[[', 'cat', 'getty', 'ls', 'sh', 'zcat']);
    expect(appletNames(Buffer.from('no table'))).toEqual([]);
  });

  it('gets a link for each that no other program has', () => {
    const tree = new RootTree();
    tree.addFile('/usr/bin/busybox', program, { origin: 'package busybox', mode: 0o755 });
    tree.addFile('/usr/sbin/cat', '', { origin: 'package other' });
    linkApplets(tree);
    expect(tree.get('/usr/bin/sh')).toMatchObject({ target: 'busybox' });
    expect(tree.get('/usr/sbin/getty')).toMatchObject({ target: '../bin/busybox' });
    expect(tree.get('/usr/bin/cat')).toBeUndefined();
  });
});

describe('accounts', () => {
  it('have the same ids whatever else is installed, and in whatever order', async () => {
    const user = (name: string) => ({ name: `p-${name}`, postinst: `#!/bin/sh\nadduser --system --group ${name}\n` });
    const names = ['messagebus', 'sshd', 'own-one', 'own-two'];
    const ids = async (these: readonly string[]) => {
      const { root } = await archive.compose(these.map(user));
      return Object.fromEntries(these.map((name) => [name, root.accounts.users.get(name)?.uid]));
    };
    const all = await ids(names);
    expect(await ids(names.toReversed())).toEqual(all);
    expect(await ids(['own-two'])).toEqual({ 'own-two': all['own-two'] });
    expect(all).toMatchObject({ messagebus: 108, sshd: 109 });
    expect(new Set(Object.values(all)).size).toBe(names.length);
  });

  it('let nobody in by password', async () => {
    const { root } = await archive.compose([{ name: 'd' }]);
    const passwords = (root.readFile('/etc/shadow') ?? '')
      .trim()
      .split('\n')
      .map((line) => line.split(':')[1]);
    expect(new Set(passwords)).toEqual(new Set(['*']));
    expect(root.entry('/etc/shadow')).toMatchObject({ mode: 0o640, gid: 42 });
    expect(root.readFile('/etc/passwd')).toMatch(/^root:x:0:0:root:\/root:\/bin\/sh\n/);
  });
});

describe('subjectHash', () => {
  it('is openssl’s, spaces, case and letters beyond ASCII included', () => {
    // C=DE, O="Ärger  und Söhne", CN=" Coracle  TEST "; the hash is what `openssl x509 -hash` says.
    const pem = `-----BEGIN CERTIFICATE-----
MIIB3TCCAYOgAwIBAgIULdU4H7C4QESBYbi1Bm8miCF4htIwCgYIKoZIzj0EAwIw
RDELMAkGA1UEBhMCREUxGzAZBgNVBAoMEsOEcmdlciAgdW5kIFPDtmhuZTEYMBYG
A1UEAwwPIENvcmFjbGUgIFRFU1QgMB4XDTI2MTEyMjEwNTkxM1oXDTM2MTExOTEw
NTkxM1owRDELMAkGA1UEBhMCREUxGzAZBgNVBAoMEsOEcmdlciAgdW5kIFPDtmhu
ZTEYMBYGA1UEAwwPIENvcmFjbGUgIFRFU1QgMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAE6rkILUNw/M/9OU4S0s5CkfAUNMaPuoL+VVJnuEXy2cL9WWfmgA712s4i
Eb+XuztW6YdmjKexbrERctw/C7Ey16NTMFEwHQYDVR0OBBYEFGdYvW5cAAW3UaDV
s51KeMFaUVWCMB8GA1UdIwQYMBaAFGdYvW5cAAW3UaDVs51KeMFaUVWCMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJCnFT6FVSbE40VnZS3IMzYP
bvMmi31yl6tt3TGvHQzcAiBVGU0JvKa48Ff2E/hxpcSZXkWtEBMpXX4y60IuZxDC
wQ==
-----END CERTIFICATE-----`;
    expect(subjectHash(pem)).toBe('0e07c2c0');
  });

  it('is undefined for what is no certificate', () => {
    expect(subjectHash('no certificate')).toBeUndefined();
    expect(subjectHash('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).toBeUndefined();
  });
});
