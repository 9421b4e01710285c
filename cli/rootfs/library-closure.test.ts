import { describe, expect, test } from 'vitest';
import { type ElfParts, elfFile } from '../../test/support/elf.ts';
import { failuresOf } from '../../test/support/files.ts';
import { checkLibraryClosure, findMissingLibraries } from './library-closure.ts';
import { RootTree } from './tree.ts';

const LOADER = '/lib64/ld.so.2';

/** A root with a loader and these files; a string is a link. */
function rootOf(files: Readonly<Record<string, ElfParts | string>>): RootTree {
  const tree = new RootTree();
  tree.addFile(LOADER, elfFile({ soname: 'ld.so.2' }), { origin: 'package libc6', mode: 0o755 });
  for (const [path, what] of Object.entries(files)) {
    const origin = `package of ${path}`;
    if (typeof what === 'string') tree.addLink(path, what, { origin });
    else tree.addFile(path, elfFile(what), { origin, mode: path.includes('.so') ? 0o644 : 0o755 });
  }
  return tree;
}

const program = (...needed: string[]): ElfParts => ({ interpreter: LOADER, needed, type: 2 });

async function missing(
  files: Readonly<Record<string, ElfParts | string>>,
  change?: (tree: RootTree) => void,
): Promise<string[]> {
  const tree = rootOf(files);
  change?.(tree);
  return (await findMissingLibraries(tree)).map(
    ({ library, neededBy }) => `${library} < ${neededBy.map(({ path }) => path).join(' ')}`,
  );
}

describe('a library is found', () => {
  test.each<[string, Readonly<Record<string, ElfParts | string>>]>([
    ['in the built-in directories', { '/usr/bin/p': program('liba.so.1'), '/usr/lib/liba.so.1': {} }],
    ["in Debian's", { '/usr/bin/p': program('liba.so.1'), '/usr/lib/x86_64-linux-gnu/liba.so.1': {} }],
    [
      'through links',
      {
        '/lib': 'usr/lib',
        '/usr/bin/p': program('liba.so.1'),
        '/usr/lib/liba.so.1': 'liba.so.1.2',
        '/usr/lib/liba.so.1.2': {},
      },
    ],
    [
      'by RUNPATH with $ORIGIN',
      { '/opt/p/bin/p': { ...program('liba.so'), runpath: '$ORIGIN/../lib' }, '/opt/p/lib/liba.so': {} },
    ],
    ['by RPATH', { '/usr/bin/p': { ...program('liba.so'), rpath: '/opt/x:\x24{ORIGIN}' }, '/usr/bin/liba.so': {} }],
    ['by $LIB', { '/usr/bin/p': { ...program('liba.so'), runpath: '/opt/$LIB' }, '/opt/lib64/liba.so': {} }],
    ['by its path', { '/usr/bin/p': program('/opt/liba.so'), '/opt/liba.so': {} }],
    [
      'by a plugin, in the directory of the program that opens it',
      { '/usr/lib/app/plugin.so': { needed: ['libapp.so'] }, '/usr/lib/app/libapp.so': {} },
    ],
  ])('%s', async (_, files) => {
    expect(await missing(files)).toEqual([]);
  });

  test('where ld.so.conf and what it includes say', async () => {
    const files = { '/usr/bin/p': program('liba.so', 'libb.so'), '/opt/a/liba.so': {}, '/opt/b/libb.so': {} };
    expect(await missing(files)).toHaveLength(2);
    const conf = (tree: RootTree): void => {
      tree.addFile('/etc/ld.so.conf', '# x\ninclude /etc/ld.so.conf.d/*.conf\n/opt/a/ # y\n', { origin: 'x' });
      tree.addFile('/etc/ld.so.conf.d/b.conf', 'include more/b.inc\n', { origin: 'x' });
      tree.addFile('/etc/ld.so.conf.d/more/b.inc', '/opt/b\n', { origin: 'x' });
      tree.addFile('/etc/ld.so.conf.d/not', '/opt/c\ninclude /etc/ld.so.conf\n', { origin: 'x' });
    };
    expect(await missing(files, conf)).toEqual([]);
  });
});

describe('a library is missing', () => {
  test.each<[string, Readonly<Record<string, ElfParts | string>>, string[]]>([
    ['when it is nowhere', { '/usr/bin/p': program('liba.so.1') }, ['liba.so.1 < /usr/bin/p']],
    [
      'when it is for another machine',
      { '/usr/bin/p': program('liba.so'), '/usr/lib/liba.so': { machine: 183 } },
      ['liba.so < /usr/bin/p'],
    ],
    [
      'when it is where a program does not look',
      { '/usr/bin/p': program('liba.so'), '/usr/lib/app/liba.so': {} },
      ['liba.so < /usr/bin/p'],
    ],
    [
      'when RUNPATH hides RPATH',
      { '/usr/bin/p': { ...program('liba.so'), rpath: '/opt', runpath: '/x' }, '/opt/liba.so': {} },
      ['liba.so < /usr/bin/p'],
    ],
    [
      'when its link dangles',
      { '/usr/bin/p': program('liba.so'), '/usr/lib/liba.so': 'liba.so.1' },
      ['liba.so < /usr/bin/p'],
    ],
    [
      'when its link loops or leaves the root',
      { '/usr/bin/p': program('liba.so'), '/usr/lib/liba.so': 'liba.so', '/lib/liba.so': '../../x' },
      ['liba.so < /usr/bin/p'],
    ],
    [
      'when a library needs it',
      { '/usr/lib/liba.so': { needed: ['libb.so'] }, '/usr/lib/x/libb.so': {} },
      ['libb.so < /usr/lib/liba.so'],
    ],
    [
      'when a plugin needs it and it is nowhere',
      { '/usr/lib/app/plugin.so': { needed: ['libb.so'] } },
      ['libb.so < /usr/lib/app/plugin.so'],
    ],
    [
      'when it is a loader',
      { '/usr/bin/p': { ...program(), interpreter: '/lib/ld-musl.so' } },
      ['/lib/ld-musl.so < /usr/bin/p'],
    ],
    [
      'for everyone who needs it, by name',
      { '/usr/bin/p': program('libb.so', 'liba.so'), '/usr/bin/q': program('libb.so') },
      ['liba.so < /usr/bin/p', 'libb.so < /usr/bin/p /usr/bin/q'],
    ],
  ])('%s', async (_, files, found) => {
    expect(await missing(files)).toEqual(found);
  });

  test('one failure names each library, who needs it and from where, and what to do', async () => {
    const needs = Object.fromEntries(['p', 'q', 'r', 's'].map((name) => [`/usr/bin/${name}`, program('liba.so')]));
    const found = await failuresOf(() => checkLibraryClosure(rootOf({ ...needs, '/usr/bin/t': program('libz.so') })));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ code: 'missing-libraries', message: expect.stringContaining('liba.so, libz.so') });
    expect(found[0]?.cause?.split('\n')).toEqual([
      'liba.so is needed by /usr/bin/p (package of /usr/bin/p), /usr/bin/q (package of /usr/bin/q), /usr/bin/r (package of /usr/bin/r) and 1 more',
      'libz.so is needed by /usr/bin/t (package of /usr/bin/t)',
    ]);
    expect(found[0]?.hint).toContain('package');
  });
});

test('a damaged program is named with its package', async () => {
  const tree = rootOf({});
  tree.addFile('/usr/bin/p', elfFile(program('liba.so')).subarray(0, 6010), { origin: 'package p', mode: 0o755 });
  const [failure] = await failuresOf(() => checkLibraryClosure(tree));
  expect(failure).toMatchObject({
    code: 'damaged-program',
    message: expect.stringContaining('/usr/bin/p from package p'),
  });
});

test('scripts, data and object files are no business of it', async () => {
  const files = { '/lib/modules/x.ko': { type: 1, needed: ['libz.so'] }, '/usr/share/data': { needed: ['libz.so'] } };
  const tree = rootOf(files);
  tree.setMetadata('/usr/share/data', { mode: 0o644 });
  tree.addFile('/usr/bin/script', '#!/bin/sh\n', { origin: 'x', mode: 0o755 });
  expect(await findMissingLibraries(tree)).toEqual([]);
});
