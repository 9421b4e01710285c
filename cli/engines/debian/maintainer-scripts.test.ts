import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { script, TinyArchive, type TinyPackage } from '../../../test/support/tiny-packages.ts';
import type { ConfiguredRoot } from './configured-root.ts';

let archive: TinyArchive;
beforeAll(async () => {
  archive = await TinyArchive.make();
});
afterAll(async () => archive[Symbol.asyncDispose]());

let count = 0;

/** The root after a package with this postinst; fails if not all of it is accounted for. */
async function installed(body: string, more: Partial<TinyPackage> = {}): Promise<ConfiguredRoot> {
  const { root, problems } = await run(body, more);
  expect(problems).toEqual([]);
  return root;
}

async function run(body: string, more: Partial<TinyPackage> = {}) {
  count += 1;
  return archive.compose([{ name: `tiny${count}`, postinst: script(body), ...more }]);
}

/** What is not accounted for, as `line: reason`. */
async function reasons(body: string, more: Partial<TinyPackage> = {}): Promise<string[]> {
  return (await run(body, more)).problems.map((one) => `${one.line}: ${one.reason}`);
}

describe('what a script does to the root', () => {
  it('writes files from here-documents, with variables filled in', async () => {
    const root = await installed(
      'name=foo\ncat > /etc/$name.conf <<EOF\nname=$name\nEOF\nprintf "%s\\n" more >> /etc/foo.conf',
    );
    expect(root.readFile('/etc/foo.conf')).toBe('name=foo\nmore\n');
  });

  it('leaves a quoted here-document as it is, and takes tabs off with <<-', async () => {
    const root = await installed("cat > /etc/a <<'EOF'\n$HOME\nEOF\ncat > /etc/b <<-EOF\n\tone\n\ttwo\n\tEOF");
    expect(root.readFile('/etc/a')).toBe('$HOME\n');
    expect(root.readFile('/etc/b')).toBe('one\ntwo\n');
  });

  it('walks loops, functions, cases and parameter expansions', async () => {
    const root = await installed(
      [
        `make() { local path=$1; ln -s "\${path##*/}" "/etc/\${path%/*}.link"; }`,
        'for each in x/one y/two; do make "$each"; done',
        'case "$1" in configure|reconfigure) mkdir -p /var/lib/foo;; *) exit 1;; esac',
      ].join('\n'),
    );
    expect(root.entry('/etc/x.link')).toMatchObject({ target: 'one' });
    expect(root.entry('/etc/y.link')).toMatchObject({ target: 'two' });
    expect(root.kind('/var/lib/foo')).toBe('directory');
  });

  it('is called as on a fresh installation', async () => {
    const root = await installed(
      [
        'if [ -n "$2" ]; then unheard-of-upgrade; fi',
        'dpkg --compare-versions "$2" lt-nl 1.0 && unheard-of-upgrade',
        'if [ "$1" = triggered ]; then unheard-of; fi',
        'if test -z "$2" -a "$1" = configure; then touch /etc/fresh; fi',
        'dpkg-maintscript-helper rm_conffile /etc/old 1.0 -- "$@"',
      ].join('\n'),
    );
    expect(root.kind('/etc/fresh')).toBe('file');
  });

  it('makes users and groups, and gives files to them', async () => {
    const root = await installed(
      [
        'addgroup --system --quiet foo-data',
        'if ! getent passwd foo >/dev/null; then adduser --system --group --home /var/lib/foo --gecos "Foo,,," foo; fi',
        'adduser foo foo-data',
        'install -d -m 0750 -o foo -g foo-data /var/log/foo',
        'touch /etc/foo.key; chown root:foo /etc/foo.key; chmod u=rw,g=r,o= /etc/foo.key',
      ].join('\n'),
    );
    const user = root.accounts.users.get('foo');
    expect(user).toMatchObject({ home: '/var/lib/foo', gecos: 'Foo', shell: '/usr/sbin/nologin' });
    expect(root.accounts.groups.get('foo-data')?.members).toEqual(['foo']);
    expect(root.entry('/var/lib/foo')).toMatchObject({ uid: user?.uid });
    expect(root.entry('/var/log/foo')).toMatchObject({ mode: 0o750, uid: user?.uid });
    expect(root.entry('/etc/foo.key')).toMatchObject({ mode: 0o640, uid: 0, gid: user?.gid });
  });

  it('chooses alternatives, slaves with them', async () => {
    const root = await installed(
      [
        'update-alternatives --install /usr/bin/ed ed /usr/bin/ed.small 10',
        'update-alternatives --install /usr/bin/ed ed /usr/bin/ed.big 50 --slave /usr/bin/red red /usr/bin/red.big \\',
        '  --slave /usr/share/man/man1/ed.1.gz ed.1.gz /usr/share/man/man1/ed.big.1.gz',
      ].join('\n'),
      { files: { 'usr/bin/ed.small': '#!', 'usr/bin/ed.big': '#!', 'usr/bin/red.big': '#!' } },
    );
    expect(root.entry('/usr/bin/ed')).toMatchObject({ target: '/etc/alternatives/ed' });
    expect(root.resolve('/usr/bin/ed')).toMatchObject({ path: '/usr/bin/ed.big' });
    expect(root.resolve('/usr/bin/red')).toMatchObject({ path: '/usr/bin/red.big' });
    expect(root.entry('/etc/alternatives/ed.1.gz')).toBeUndefined();
  });

  it('enables units as their [Install] section says, unless a preset forbids it', async () => {
    const unit = '[Unit]\nDescription=x\n[Install]\nWantedBy=multi-user.target\nAlias=bar.service\nAlso=foo.socket\n';
    const root = await installed(
      [
        "if deb-systemd-helper --quiet was-enabled 'foo.service'; then deb-systemd-helper enable 'foo.service' >/dev/null || true; fi",
        'deb-systemd-helper enable off.service',
        'systemctl enable getty@tty1.service',
        'systemctl mask bad.service',
        'if [ -d /run/systemd/system ]; then systemctl daemon-reload; unheard-of; fi',
      ].join('\n'),
      {
        files: {
          'lib/systemd/system/foo.service': unit,
          'lib/systemd/system/foo.socket': '[Install]\nWantedBy=sockets.target\n',
          'lib/systemd/system/off.service': unit,
          'lib/systemd/system/getty@.service': '[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n',
          'usr/lib/systemd/system-preset/50-x.preset': 'disable off*\nenable *\n',
        },
      },
    );
    const at = (path: string) => root.entry(`/etc/systemd/system/${path}`);
    expect(at('multi-user.target.wants/foo.service')).toMatchObject({ target: '/lib/systemd/system/foo.service' });
    expect(at('bar.service')).toMatchObject({ target: '/lib/systemd/system/foo.service' });
    expect(at('sockets.target.wants/foo.socket')).toBeDefined();
    expect(at('multi-user.target.wants/off.service')).toBeUndefined();
    expect(at('getty.target.wants/getty@tty1.service')).toMatchObject({ target: '/lib/systemd/system/getty@.service' });
    expect(at('bad.service')).toMatchObject({ target: '/dev/null' });
  });

  it('answers debconf with the defaults of the templates, or with the layer’s', async () => {
    const templates =
      'Template: foo/port\nType: string\nDefault: 80\nDescription: x\n\nTemplate: foo/name\nType: string\nDescription: x\n';
    const body =
      '. /usr/share/debconf/confmodule\ndb_get foo/port\necho "$RET" > /etc/port\ndb_get foo/name\necho "<$RET>" > /etc/name';
    const root = await installed(body, { templates });
    expect([root.readFile('/etc/port'), root.readFile('/etc/name')]).toEqual(['80\n', '<>\n']);
    const effects = [
      { kind: 'answer', value: { question: 'foo/port', value: '8080' }, layer: 'a/b', place: { file: 'f' } },
    ] as const;
    const own = await archive.compose([{ name: 'asks', postinst: script(body), templates }], { effects });
    expect(own.root.readFile('/etc/port')).toBe('8080\n');
  });

  it('keeps modes and owners that dpkg-statoverride sets, capabilities, and what umask takes away', async () => {
    const root = await installed(
      [
        'if ! dpkg-statoverride --list /usr/bin/foo >/dev/null; then dpkg-statoverride --update --add root adm 4754 /usr/bin/foo; fi',
        'setcap cap_net_raw+ep /usr/bin/bar',
        'umask 077; echo secret > /etc/secret; umask 022; touch /etc/open',
      ].join('\n'),
      { files: { 'usr/bin/foo': '#!', 'usr/bin/bar': '#!' } },
    );
    expect(root.entry('/usr/bin/foo')).toMatchObject({ mode: 0o4754, gid: 4 });
    const capability = Buffer.from(root.entry('/usr/bin/bar')?.xattrs?.['security.capability'] ?? []).toString('hex');
    expect(capability).toBe('0100000200200000000000000000000000000000');
    expect(root.entry('/etc/secret')).toMatchObject({ mode: 0o600 });
    expect(root.entry('/etc/open')).toMatchObject({ mode: 0o644 });
  });

  it('diverts a file of another package', async () => {
    const { root, problems } = await archive.compose([
      { name: 'first', files: { 'usr/bin/tool': '#! first' } },
      {
        name: 'second',
        control: ['Depends: first'],
        files: { 'usr/bin/tool': '#! second' },
        preinst: script('dpkg-divert --package second --add --rename --divert /usr/bin/tool.first /usr/bin/tool'),
      },
    ]);
    expect(problems).toEqual([]);
    expect(root.readFile('/usr/bin/tool')).toBe('#! second');
    expect(root.readFile('/usr/bin/tool.first')).toBe('#! first');
  });

  it('reads lines, evaluates known text, filters text and edits files', async () => {
    const root = await installed(
      [
        'while read -r path mode owner rest; do install -d -m $mode -o $owner "$path"; done <<EOF',
        '/var/lib/a 0700 daemon x y',
        '/var/lib/b 0750 root',
        'EOF',
        'eval "name=\\$1"; echo "$name" | tr a-z A-Z > /etc/name',
        'sed -i -e "s/^port=.*/port=$(echo a:8080 | cut -d: -f2)/" /etc/tiny.conf',
        'grep -q "^port=80[0-9]\\{2\\}$" /etc/tiny.conf && ln /etc/tiny.conf /etc/hard.conf',
        'runuser -u daemon -- touch /etc/by-daemon; su -s /bin/sh daemon -c "touch /etc/by-su"',
      ].join('\n'),
      { files: { 'etc/tiny.conf': '# x\nport=1\n' } },
    );
    expect(root.entry('/var/lib/a')).toMatchObject({ mode: 0o700, uid: 1 });
    expect(root.entry('/var/lib/b')).toMatchObject({ mode: 0o750, uid: 0 });
    expect(root.readFile('/etc/name')).toBe('CONFIGURE\n');
    expect(root.readFile('/etc/tiny.conf')).toBe('# x\nport=8080\n');
    expect(root.entry('/etc/hard.conf')).toMatchObject({ type: 'hardlink', target: '/etc/tiny.conf' });
    expect([root.kind('/etc/by-daemon'), root.kind('/etc/by-su')]).toEqual(['file', 'file']);
  });

  it('takes over files of the root', async () => {
    const root = await installed('. /usr/lib/foo/functions\nfoo_setup', {
      files: { 'usr/lib/foo/functions': 'foo_setup() {\n  mkdir -p /var/lib/from-functions\n}\n' },
    });
    expect(root.kind('/var/lib/from-functions')).toBe('directory');
  });

  it('follows the script from directory to directory', async () => {
    const root = await installed(
      [
        'mkdir -p /var/lib/here/below; cd /var/lib/here; touch one; (cd below && touch two); touch three',
        'if [ -e one ] && cd nowhere; then touch never; fi; echo x > four; cd /; touch etc/five',
      ].join('\n'),
    );
    const paths = ['one', 'below/two', 'three', 'four'].map((path) => root.kind(`/var/lib/here/${path}`));
    expect([...paths, root.kind('/etc/five'), root.kind('/var/lib/here/never')]).toEqual([
      ...Array(5).fill('file'),
      'none',
    ]);
  });

  it('does what it asks for at its end', async () => {
    const root = await installed(
      "trap 'rm -f /etc/made; touch /etc/ended' EXIT\ntouch /etc/made\nexit 0\ntouch /etc/never",
    );
    expect(['made', 'ended', 'never'].map((name) => root.kind(`/etc/${name}`))).toEqual(['none', 'file', 'none']);
  });

  it('is told of triggers that it is interested in', async () => {
    const root = await installed('if [ "$1" = triggered ]; then for each in $2; do touch "/etc/seen-$each"; done; fi', {
      triggers: 'interest-noawait one\ninterest two\nactivate three\n',
    });
    expect(root.kind('/etc/seen-one')).toBe('file');
    expect(root.kind('/etc/seen-two')).toBe('file');
    expect(root.kind('/etc/seen-three')).toBe('none');
  });
});

describe('what is not accounted for', () => {
  it('is named with its line', async () => {
    expect(await reasons('true\nfoo-setup --init')).toEqual(['4: there is no model of foo-setup']);
  });

  it('is an action that is not certain', async () => {
    expect(await reasons('if some=$(date) && [ "$some" = x ]; then touch /etc/maybe; fi')).toEqual([
      '3: whether it runs is not known before',
    ]);
  });

  it('is an action after a way out that is not certain', async () => {
    expect(await reasons('if [ "$(date)" = x ]; then exit 0; fi\ntouch /etc/maybe')).toEqual([
      '4: whether it runs is not known before',
    ]);
    expect(
      await reasons('f() { if [ "$(date)" = x ]; then return; fi; touch /etc/maybe; }\nf\ntouch /etc/sure'),
    ).toEqual(['3: whether it runs is not known before']);
  });

  it('is an action after arguments or input moved in doubt', async () => {
    expect(await reasons('if [ "$(date)" = x ]; then shift; fi\ntouch "/etc/$1"')).toEqual([
      '4: whether it runs is not known before',
    ]);
    expect(
      await reasons('printf "a\\nb\\n" | { if [ "$(date)" = x ]; then read -r n; fi; read -r n; touch "/etc/$n"; }'),
    ).toEqual(['3: a value in it is not known before it runs']);
  });

  it('is an action after an error in a subshell that is not certain', async () => {
    expect(await reasons('( if [ "$(date)" = x ]; then exit 1; fi; touch /etc/maybe ) || true')).toEqual([
      '3: whether it runs is not known before',
    ]);
  });

  it('is what a case may or may not choose', async () => {
    expect(await reasons('case "$(date)" in x*) ;; *) touch /etc/maybe;; esac')).toEqual([
      '3: whether it runs is not known before',
    ]);
    await installed('case "$(date)" in *) touch /etc/sure;; esac');
  });

  it('is a path from a directory that is not known, or one that climbs', async () => {
    expect(await reasons('cd "/var/lib/$(date)"; touch file')).toEqual([
      '3: which directory it runs in is not known before',
    ]);
    expect(await reasons('touch /etc/../../file')).toHaveLength(1);
  });

  it('is not what would only be there had the script failed', async () => {
    const root = await installed('if [ "$(date)" = x ]; then exit 1; fi\ntouch /etc/sure');
    expect(root.kind('/etc/sure')).toBe('file');
  });

  it('is an unknown value', async () => {
    expect(await reasons('echo "$(hostname)" > /etc/name')).toEqual([
      '3: what it writes to /etc/name is not known before it runs',
    ]);
    expect(await reasons('mkdir "/var/lib/$(hostname)"')).toEqual(['3: a value in it is not known before it runs']);
  });

  it('is a variable that differs by an undecided condition', async () => {
    expect(await reasons('name=a\nif [ "$(date)" = x ]; then name=b; fi\necho $name > /etc/name')).toEqual([
      '5: what it writes to /etc/name is not known before it runs',
    ]);
    await installed('name=a\nif [ "$(date)" = x ]; then name=a; fi\necho $name > /etc/name');
  });

  it('is eval, a program, a script in another language, broken syntax, a failing script', async () => {
    expect(await reasons('eval "$(date)"')).toEqual(['3: what it evaluates is not known before it runs']);
    expect((await archive.compose([{ name: 'perl', postinst: '#!/usr/bin/perl\nprint 1;\n' }])).problems).toMatchObject(
      [{ line: 1, reason: 'it is not a shell script', text: '#!/usr/bin/perl' }],
    );
    expect((await reasons('if true; then'))[0]).toMatch(/syntax/);
    expect((await reasons('exit 3'))[0]).toMatch(/would fail/);
  });

  it('may be accounted for by a layer, by a pattern', async () => {
    const accounts = (command: string) =>
      [
        { kind: 'accounts', value: { package: 'foo', command, because: 'x' }, layer: 'a/b', place: { file: 'f' } },
      ] as const;
    const foo = { name: 'foo', postinst: script('foo-setup --init "$(date)"\nfoo-setup --more') };
    const count = async (command: string) =>
      (await archive.compose([foo], { effects: accounts(command) })).problems.length;
    expect(await count('foo-setup --init *')).toBe(1);
    expect(await count('foo-setup *')).toBe(0);
    expect(await count('bar *')).toBe(2);
  });
});

describe('a command that a layer accounts for', () => {
  it('may be told to end and print in a certain way', async () => {
    const value = { package: 'asks', command: 'foo-query*', because: 'x', status: 0, prints: 'yes\n' };
    const effects = [{ kind: 'accounts', value, layer: 'a/b', place: { file: 'f' } }] as const;
    const postinst = script('if [ "$(foo-query --all)" = yes ]; then touch /etc/yes; fi');
    const { root, problems } = await archive.compose([{ name: 'asks', postinst }], { effects });
    expect(problems).toEqual([]);
    expect(root.kind('/etc/yes')).toBe('file');
  });
});

describe('two packages with the same file', () => {
  it('need one to replace the other, in whatever order they come', async () => {
    const plain = { name: 'aa', files: { 'etc/x': 'aa' } };
    for (const name of ['bb', '0b']) {
      const replacing = { name, files: { 'etc/x': name }, control: ['Replaces: aa (<< 2)'] };
      expect((await archive.compose([plain, replacing])).root.readFile('/etc/x')).toBe(name);
    }
    await expect(archive.compose([plain, { name: 'cc', files: { 'etc/x': 'cc' } }])).rejects.toMatchObject({
      parts: { code: 'packages-conflict' },
    });
  });
});
