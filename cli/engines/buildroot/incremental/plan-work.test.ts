import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Value } from '../../../kconfig/assignment.ts';
import type { PackageInfo } from '../build/package-info.ts';
import type { Mentions } from './mentions.ts';
import { type BuildFacts, planWork } from './plan-work.ts';
import { type Work, workText } from './work.ts';

const YES: Value = { kind: 'tristate', value: 'y' };
const text = (value: string): Value => ({ kind: 'string', value });

function info(name: string, more: Partial<PackageInfo> = {}): [string, PackageInfo] {
  const type = name.startsWith('host-') ? 'host' : 'target';
  const package_dir = `package/${name.replace(/^host-/, '')}`;
  return [name, { type, name, version: '1', package_dir, dependencies: [], reverse_dependencies: [], ...more }];
}

/** An application that uses a library that installs headers, a kernel with a module beside it, BusyBox, and a tool. */
const PACKAGES = new Map([
  info('app', { dependencies: ['libfoo', 'host-m4'] }),
  info('libfoo', { install_staging: true, dependencies: ['host-m4'] }),
  info('linux', { package_dir: 'linux', dependencies: ['host-m4'] }),
  info('module', { dependencies: ['linux'] }),
  info('busybox'),
  info('host-m4'),
  info('rootfs-tar', { type: 'rootfs', dependencies: ['app'] }),
]);

const FACTS: BuildFacts = {
  dotConfig: new Map([
    ['BR2_PACKAGE_APP', YES],
    ['BR2_PACKAGE_LIBFOO', YES],
    ['BR2_LINUX_KERNEL', YES],
  ]),
  parts: new Map([
    ['package/app', '1'],
    ['package/libfoo', '1'],
    ['EXT/package/busybox', '1'],
    ['infrastructure', '1'],
    ['EXT/infrastructure', '1'],
  ]),
  layerFiles: new Map([['kernel.config', '1']]),
  overlay: new Map([['/etc/motd', 'file 644 1']]),
  named: new Map(),
  packages: PACKAGES,
};

const MENTIONS: Mentions = {
  packages: (symbol) =>
    ({ BR2_PACKAGE_APP_COLOUR: ['app'], BR2_PACKAGE_LIBFOO_TLS: ['libfoo'], BR2_PACKAGE_NEW: ['app'] })[symbol] ?? [],
  byAll: (symbol) => symbol === 'BR2_INIT_SYSTEMD',
};

function plan(change: Partial<BuildFacts>): readonly Work[] {
  return planWork(FACTS, { ...FACTS, ...change }, MENTIONS);
}

/** `app:scratch` and the like. */
function short(work: readonly Work[]): string[] {
  return work.map((one) => {
    if (one.kind === 'package') return `${one.name}:${one.how}${one.careful === true ? '?' : ''}`;
    return 'name' in one ? `${one.kind} ${one.name}` : one.kind;
  });
}

const withSymbol = (symbol: string, value: Value = YES): Partial<BuildFacts> => ({
  dotConfig: new Map([...FACTS.dotConfig, [symbol, value]]),
});
const withLayerFile = (file: string): Partial<BuildFacts> => ({
  layerFiles: new Map([...FACTS.layerFiles, [file, '2']]),
});
const withPart = (part: string): Partial<BuildFacts> => ({ parts: new Map([...FACTS.parts, [part, '2']]) });

test('nothing changed: nothing to do', () => {
  expect(plan({})).toEqual([]);
});

test.each([
  ['an option of a package', withSymbol('BR2_PACKAGE_APP_COLOUR'), ['app:scratch']],
  ['of a library: those that use it, too', withSymbol('BR2_PACKAGE_LIBFOO_TLS'), ['libfoo:scratch', 'app:scratch?']],
  ['that no makefile names as it is', withSymbol('BR2_PACKAGE_BUSYBOX_SHOW'), ['busybox:scratch']],
  ['that only Kconfig knows', withSymbol('BR2_PACKAGE_SUPPORTS_X'), []],
  ['what all packages are built by', withSymbol('BR2_INIT_SYSTEMD'), ['everything']],
  ['where sources come from', withSymbol('BR2_PRIMARY_SITE', text('file:///x')), []],
  ['the host name', withSymbol('BR2_TARGET_GENERIC_HOSTNAME', text('x')), ['target']],
  ['an image more', withSymbol('BR2_TARGET_ROOTFS_EXT2'), ['finish']],
  ['the kernel fragment', withLayerFile('kernel.config'), ['linux:reconfigure', 'module:scratch']],
  ['a kernel patch', withLayerFile('patches/kernel/0-a/x.patch'), ['linux:scratch', 'module:scratch?']],
  ['a patch of a package', withLayerFile('patches/packages/0-a/app/x.patch'), ['app:scratch']],
  ['a patch of a host tool too', withLayerFile('patches/packages/0-a/m4/x.patch'), ['host-m4:scratch']],
  ['a patch of what is not built', withLayerFile('patches/packages/0-a/other/x.patch'), []],
  ['users', withLayerFile('users.table'), ['finish']],
  ['a post-build hook', withLayerFile('scripts/post-build'), ['target']],
  ['a post-image hook', withLayerFile('scripts/post-image'), ['finish']],
  ['the tools of the machine', withLayerFile('host-packages.mk'), ['everything']],
  ['an overlay', { overlay: new Map([['/etc/issue', 'file 644 2']]) }, ['finish']],
  ["a package's recipe", withPart('package/app'), ['app:scratch']],
  ['one of an external tree', withPart('EXT/package/busybox'), ['busybox:scratch']],
  ['the tree', withPart('infrastructure'), ['everything']],
  ['an external tree', withPart('EXT/infrastructure'), ['everything']],
] as const satisfies readonly (readonly [string, Partial<BuildFacts>, readonly string[]])[])(
  '%s',
  (_, change, expected) => {
    expect(short(plan(change as Partial<BuildFacts>))).toEqual(expected);
  },
);

test('a package more: it is new, and those that can use it are built again', () => {
  const packages = new Map([...PACKAGES, info('new')]);
  expect(short(plan({ ...withSymbol('BR2_PACKAGE_NEW'), packages }))).toEqual(['app:scratch', 'new new']);
});

test('a package less: its files stay, unless the target directory is made anew anyway', () => {
  const packages = new Map([...PACKAGES].filter(([name]) => name !== 'busybox'));
  expect(short(plan({ packages }))).toEqual(['left busybox']);
  expect(short(plan({ packages, ...withSymbol('BR2_TARGET_GENERIC_ISSUE', text('x')) }))).toEqual(['target']);
});

test('another version, or other dependencies', () => {
  const newer = new Map([
    ...PACKAGES,
    info('libfoo', { install_staging: true, dependencies: ['host-m4'], version: '2' }),
  ]);
  expect(short(plan({ packages: newer }))).toEqual(['libfoo:scratch', 'app:scratch?']);
  const other = new Map([...PACKAGES, info('app', { dependencies: ['libfoo'] })]);
  expect(short(plan({ packages: other }))).toEqual(['app:scratch']);
});

test('flags of the compiler reach all of the target, and the C library that was built with them', () => {
  const flags = withSymbol('BR2_TARGET_OPTIMIZATION', text('-O3'));
  expect(short(plan(flags))).toEqual(['app', 'libfoo', 'linux', 'module', 'busybox'].map((name) => `${name}:scratch`));
  const own = new Map([...FACTS.dotConfig, ['BR2_TOOLCHAIN_BUILDROOT', YES] as const]);
  const more = new Map([...own, ['BR2_TARGET_OPTIMIZATION', text('-O3')] as const]);
  expect(short(planWork({ ...FACTS, dotConfig: own }, { ...FACTS, dotConfig: more }, MENTIONS))).toEqual([
    'everything',
  ]);
});

test('law: every change of a symbol that all makefiles read is everything, whatever else changed', () => {
  const change = fc.constantFrom(withLayerFile('kernel.config'), withPart('package/app'), withLayerFile('users.table'));
  fc.assert(
    fc.property(change, (other) => {
      expect(short(plan({ ...other, ...withSymbol('BR2_INIT_SYSTEMD') }))).toEqual(['everything']);
    }),
  );
});

test('every kind of work has words', () => {
  const works = [
    plan(withSymbol('BR2_INIT_SYSTEMD')),
    plan(withPart('package/libfoo')),
    plan(withLayerFile('users.table')),
  ];
  for (const work of works.flat()) expect(workText(work)).toMatch(/: .* changed|built with/);
});
