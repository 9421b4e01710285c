/**
 * coracle menuconfig on a real Buildroot tree (CORACLE_BUILDROOT), with a user who types: what was changed is in the layer,
 * and nothing else.
 */
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coracle } from '../support/coracle.ts';
import { type Tree, treeOf, writeTree } from '../support/files.ts';
import { CACHE } from '../support/small-project.ts';
import { coracleOnTerminal, type Step } from '../support/terminal.ts';

const TREE = process.env['CORACLE_BUILDROOT'];
/** The first one compiles the menu, on a machine that has other things to do. */
const TIMEOUT_MS = 300_000;

if (TREE === undefined) {
  process.stderr.write('skipped: menuconfig with a real menu: CORACLE_BUILDROOT names no Buildroot tree\n');
}

const BASE = 'layers/my/base/buildroot/base';
const BASE_TEXT = [
  '# who greets',
  'BR2_TARGET_GENERIC_HOSTNAME="box"',
  '',
  '# needed by nobody yet',
  'BR2_PACKAGE_ZLIB=y # for later',
  'BR2_INIT_BUSYBOX=y',
  '# end',
].join('\n');
const PROJECT: Tree = {
  'coracle.yaml': [
    'layers: [{path: layers}]',
    'default: small',
    'workspaces:',
    '  small: {layers: [my/base, my/late], engine: buildroot, arch: x86_64}',
    '  composed: {layers: [my/base], arch: x86_64}',
    '',
  ].join('\n'),
  'layers/my/base/layer.yaml': 'description: a base\nprovides: [base]\n',
  [BASE]: BASE_TEXT,
  'layers/my/late/layer.yaml': 'description: it comes last\n',
  'layers/my/late/buildroot/late': 'BR2_PACKAGE_LZO=y\n',
};
const OVERRIDES = 'overrides/workspaces/small/buildroot/menuconfig';

const ENTER = '\r';
/** To the next of the buttons below a menu. */
const NEXT = '\t';
const EXIT = NEXT + ENTER;
const SAVE: Step = ['Do you wish to save', ENTER];
const DO_NOT_SAVE: Step = ['Do you wish to save', NEXT + ENTER];

/** From the top menu to a symbol and back. */
function at(symbol: string, prompt: string, ...steps: readonly Step[]): readonly Step[] {
  return [
    ['Load', '/'],
    ['Enter', `${symbol}$${ENTER}`],
    ['(1)', '1'],
    ...steps.map(([expected, keys], index): Step => [index === 0 ? prompt : expected, keys]),
    ['Search Results', ENTER],
    ['Load', EXIT],
  ];
}

const toggle = (symbol: string, prompt: string, then: string): readonly Step[] =>
  at(symbol, prompt, [prompt, ' '], [then, EXIT]);

const menu = (project: string, args: readonly string[], steps: readonly Step[]) =>
  coracleOnTerminal(project, ['menuconfig', ...args], steps, { ...CACHE, CORACLE_BUILDROOT: TREE ?? '' });

/** Every file of the user with its content and its time. */
function userFiles(project: string) {
  return readdirSync(project, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('workspaces') && statSync(join(project, name)).isFile())
    .map((name) => {
      const path = join(project, name);
      return [name, readFileSync(path, 'utf8'), statSync(path).mtimeMs];
    });
}

function project(more: Tree = {}): string {
  const directory = treeOf({ ...PROJECT, ...more });
  // Long ago, so that a write shows.
  for (const [name] of userFiles(directory)) utimesSync(join(directory, String(name)), 1e9, 1e9);
  return directory;
}

describe.skipIf(TREE === undefined)('with the menu of CORACLE_BUILDROOT', { timeout: TIMEOUT_MS }, () => {
  it.each([
    ['that are saved', SAVE],
    ['that are not saved', DO_NOT_SAVE],
  ])('no changes %s: no file is touched', async (_how, answer) => {
    const directory = project();
    const before = userFiles(directory);
    const { exitCode, screen, missing } = await menu(directory, [], [['Load', EXIT], answer]);
    expect({ exitCode, missing }).toEqual({ exitCode: 0, missing: null });
    expect(screen).toContain('nothing was changed');
    expect(userFiles(directory)).toEqual(before);
    expect(readdirSync(join(directory, 'workspaces/small'))).toEqual(['logs']);
  });

  it('a change that is not saved: no file is touched', async () => {
    const directory = project();
    const before = userFiles(directory);
    const { exitCode, screen, missing } = await menu(
      directory,
      ['small'],
      [...toggle('BR2_PACKAGE_LZ4', '] lz4', '[*] lz4'), DO_NOT_SAVE],
    );
    expect({ exitCode, missing }).toEqual({ exitCode: 0, missing: null });
    expect(screen).toContain('nothing was changed');
    expect(userFiles(directory)).toEqual(before);
  });

  it('Ctrl-C in the menu: no file is touched', async () => {
    const directory = project();
    const before = userFiles(directory);
    const steps = [...toggle('BR2_PACKAGE_LZ4', '] lz4', '[*] lz4').slice(0, 4), ['[*] lz4', '\x03'] as const];
    const { missing } = await menu(directory, ['small'], [...steps, DO_NOT_SAVE]);
    expect(missing).toBeNull();
    expect(userFiles(directory)).toEqual(before);
  });

  it('one symbol: one line in the overrides of the workspace, and the next build asks for it', async () => {
    const directory = project();
    const before = userFiles(directory);
    const { exitCode, missing } = await menu(
      directory,
      ['buildroot', 'small'],
      [...toggle('BR2_PACKAGE_LZ4', '] lz4', '[*] lz4'), SAVE],
    );
    expect({ exitCode, missing }).toEqual({ exitCode: 0, missing: null });
    expect(readFileSync(join(directory, OVERRIDES), 'utf8')).toBe('BR2_PACKAGE_LZ4=y\n');
    expect(userFiles(directory).filter(([name]) => name !== OVERRIDES)).toEqual(before);
    const { stdout } = await coracle(directory, ['explain', 'BR2_PACKAGE_LZ4', 'small']);
    expect(stdout).toContain(OVERRIDES);
  });

  it('what follows from a change is not written', async () => {
    const directory = project();
    // It selects three libraries, and makes some thirty symbols visible.
    const steps = [...toggle('BR2_PACKAGE_BTRFS_PROGS', '] btrfs-progs', '[*] btrfs-progs'), SAVE];
    const { exitCode, missing } = await menu(directory, [], steps);
    expect({ exitCode, missing }).toEqual({ exitCode: 0, missing: null });
    expect(readFileSync(join(directory, OVERRIDES), 'utf8')).toBe('BR2_PACKAGE_BTRFS_PROGS=y\n');
  });

  it('a layer that has the symbol, among comments: only its line changes', async () => {
    const directory = project();
    const { exitCode, missing } = await menu(
      directory,
      ['small', '--to', 'my/base'],
      [...toggle('BR2_PACKAGE_ZLIB', 'zlib support', '[ ] zlib support'), SAVE],
    );
    expect({ exitCode, missing }).toEqual({ exitCode: 0, missing: null });
    expect(readFileSync(join(directory, BASE), 'utf8')).toBe(
      BASE_TEXT.replace('BR2_PACKAGE_ZLIB=y # for later', 'BR2_PACKAGE_ZLIB=n # for later'),
    );
    expect(readdirSync(join(directory, 'layers/my/base/buildroot'))).toEqual(['base']);
    expect(existsSync(join(directory, 'overrides'))).toBe(false);
  });

  const otherInit = at('BR2_INIT_SYSV', 'Init system', ['', ENTER], ['systemV', `+${ENTER}`], ['systemV', EXIT]);

  it('another member of a choice: the one that a layer asked for is given up', async () => {
    const directory = project();
    const { exitCode, missing } = await menu(directory, [], [...otherInit, SAVE]);
    expect({ exitCode, missing }).toEqual({ exitCode: 0, missing: null });
    expect(readFileSync(join(directory, OVERRIDES), 'utf8').split('\n').sort()).toEqual([
      '',
      '# BR2_INIT_BUSYBOX is not set',
      'BR2_INIT_SYSV=y',
    ]);
  });

  it('what a later layer overrides cannot be kept: nothing changes, and what was saved stays', async () => {
    const directory = project();
    const before = userFiles(directory);
    const { exitCode, screen, missing } = await menu(
      directory,
      ['small', '--to', 'my/base'],
      [...toggle('BR2_PACKAGE_LZO', '] lzo', '[ ] lzo'), SAVE],
    );
    expect({ exitCode, missing }).toEqual({ exitCode: 1, missing: null });
    expect(screen).toContain('BR2_PACKAGE_LZO');
    expect(screen).toContain('buildroot.config.saved');
    expect(userFiles(directory)).toEqual(before);
    const saved = readFileSync(join(directory, 'workspaces/small/buildroot.config.saved'), 'utf8');
    expect(saved).toContain('# BR2_PACKAGE_LZO is not set');
  });

  it('a symbol that Coracle sets itself is refused, with the place for what is meant', async () => {
    const directory = project();
    const { exitCode, screen, missing } = await menu(
      directory,
      [],
      [...toggle('BR2_TARGET_ROOTFS_TAR', 'tar the root filesystem', '[ ] tar the root'), SAVE],
    );
    expect({ exitCode, missing }).toEqual({ exitCode: 1, missing: null });
    expect(screen).toContain('BR2_TARGET_ROOTFS_TAR cannot be changed in the menu');
    expect(existsSync(join(directory, 'overrides'))).toBe(false);
  });

  it('the menu of a package needs its source: the build comes first', async () => {
    const { exitCode, screen } = await menu(project(), ['busybox', 'small'], []);
    expect(exitCode).toBe(1);
    expect(screen).toContain('was not built yet');
    expect(screen).toContain('coracle build small');
  });

  it('nconfig does the same', async () => {
    const directory = project();
    const steps: readonly Step[] = [
      ['F9', '9'],
      ['Do you wish to save', ENTER],
      ['configuration written', ENTER],
    ];
    const variables = { ...CACHE, CORACLE_BUILDROOT: TREE ?? '' };
    const { exitCode, screen, missing } = await coracleOnTerminal(directory, ['nconfig', 'small'], steps, variables);
    expect({ exitCode, missing }).toEqual({ exitCode: 0, missing: null });
    expect(screen).toContain('nothing was changed');
  });
});

describe('before the menu opens', () => {
  it.each([
    ['an unknown layer', ['small', '--to', 'my/bse'], 'my/base'],
    ['a layer of Coracle', ['small', '--to', 'base/common'], 'not a layer of workspace small'],
    ['another engine', ['composed'], 'debian engine'],
    ['a namespace that there is not', ['grub', 'small'], 'there is no menu of grub'],
  ])('%s is refused', async (_what, args, words) => {
    const { exitCode, screen } = await coracleOnTerminal(project(), ['menuconfig', ...args], [], CACHE);
    expect(exitCode).toBe(1);
    expect(screen).toContain(words);
  });

  it('a shipped layer is read-only', async () => {
    const directory = writeTree(project(), {
      'coracle.yaml': 'workspaces:\n  small: {layers: [base/mini], engine: buildroot, arch: x86_64}\n',
    });
    const { screen } = await coracleOnTerminal(directory, ['menuconfig', '--to', 'base/mini'], [], CACHE);
    expect(screen).toContain('base/mini is not yours to write into');
    expect(screen).toContain('--to overrides');
  });

  it('without a terminal it says so', async () => {
    const { exitCode, stderr } = await coracle(project(), ['menuconfig'], CACHE);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('menuconfig needs a terminal');
  });
});
