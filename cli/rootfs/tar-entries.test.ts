import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failuresOf, temporaryDirectory, treeOf } from '../../test/support/files.ts';
import { Failure } from '../failure.ts';
import { readContent } from './content.ts';
import type { Entry } from './entry.ts';
import { readTarEntries } from './tar-entries.ts';
import { encodeHeader, encodePax } from './tar-header.ts';

const ORIGIN = 'package app';

/** Packs a directory with the machine's own tar. */
function packed(directory: string, ...options: string[]): string {
  const file = join(temporaryDirectory(), 'a.tar');
  execFileSync('tar', [...options, '--sort=name', '-cf', file, '-C', directory, '.']);
  return file;
}

function byPath(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

const LONG = `${'long-'.repeat(45)}name`;

describe('archives of the real tar', () => {
  test.each(['gnu', 'pax', 'ustar', 'oldgnu', 'v7'])('in the format %s', async (format) => {
    const isShort = format === 'v7' || format === 'ustar';
    const name = isShort ? 'short' : `${LONG}/${LONG}/${LONG}`;
    const directory = treeOf({
      'usr/bin/sh': { program: '#!x' },
      'usr/empty': '',
      'a b/ü\'"$(x)': 'odd',
      [`d/${name}`]: 'far',
    });
    symlinkSync('usr/bin', join(directory, 'bin'));
    symlinkSync(isShort ? 'x' : `/${LONG}/${LONG}`, join(directory, 'to'));
    linkSync(join(directory, `d/${name}`), join(directory, 'zhard'));
    const entries = byPath(
      await readTarEntries(packed(directory, `--format=${format}`, '--owner=7', '--group=8'), ORIGIN),
    );
    expect([...entries.keys()].sort()).toEqual(
      expect.arrayContaining([
        '/',
        '/a b',
        '/a b/ü\'"$(x)',
        '/bin',
        `/d/${name}`,
        '/to',
        '/usr/bin/sh',
        '/usr/empty',
        '/zhard',
      ]),
    );
    expect(entries.get('/usr/bin/sh')).toMatchObject({ type: 'file', mode: 0o755, uid: 7, gid: 8, origin: ORIGIN });
    expect(entries.get('/usr')).toMatchObject({ type: 'directory', mode: 0o755 });
    expect(entries.get('/bin')).toMatchObject({ type: 'symlink', target: 'usr/bin' });
    expect(entries.get('/to')).toMatchObject({ type: 'symlink', target: isShort ? 'x' : `/${LONG}/${LONG}` });
    expect(entries.get('/zhard')).toMatchObject({ type: 'hardlink', target: `/d/${name}` });
    const odd = entries.get('/a b/ü\'"$(x)');
    expect(odd?.type === 'file' && readContent(odd.content).toString()).toBe('odd');
  });

  test('devices, FIFOs and special modes', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root can make device nodes');
    const directory = treeOf({ x: '' });
    for (const [name, ...what] of [
      ['null', 'c', '1', '3'],
      ['disk', 'b', '259', '300'],
      ['pipe', 'p'],
    ] as const) {
      execFileSync('mknod', [join(directory, name), ...what]);
    }
    execFileSync('chmod', ['6751', join(directory, 'x')]);
    const entries = byPath(await readTarEntries(packed(directory), ORIGIN));
    expect(entries.get('/null')).toMatchObject({ type: 'device', device: 'char', major: 1, minor: 3 });
    expect(entries.get('/disk')).toMatchObject({ type: 'device', device: 'block', major: 259, minor: 300 });
    expect(entries.get('/pipe')).toMatchObject({ type: 'fifo' });
    expect(entries.get('/x')).toMatchObject({ mode: 0o6751 });
  });

  test('ids that octal digits cannot hold', async () => {
    for (const format of ['gnu', 'pax']) {
      const file = packed(treeOf({ x: '' }), `--format=${format}`, '--owner=4294967294', '--group=3000000');
      expect(byPath(await readTarEntries(file, ORIGIN)).get('/x')).toMatchObject({ uid: 4294967294, gid: 3000000 });
    }
  });

  test('any names and contents come back', async () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 80 })
      .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) < 250);
    const file = fc.tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.uint8Array({ maxLength: 2000 }));
    await fc.assert(
      fc.asyncProperty(fc.array(file, { maxLength: 8 }), fc.constantFrom('gnu', 'pax'), async (files, format) => {
        const directory = temporaryDirectory();
        const written = new Map<string, Buffer>();
        for (const [names, data] of files) {
          const path = join(directory, ...names);
          try {
            mkdirSync(dirname(path), { recursive: true });
            writeFileSync(path, data);
            written.set(`/${names.join('/')}`, Buffer.from(data));
          } catch {
            // A name of one file is a directory of another.
          }
        }
        const entries = await readTarEntries(packed(directory, `--format=${format}`), ORIGIN);
        const read = entries.flatMap((entry) =>
          entry.type === 'file' ? [[entry.path, readContent(entry.content)] as const] : [],
        );
        expect(new Map(read)).toEqual(written);
      }),
      { numRuns: 25 },
    );
  });
});

describe('damage', () => {
  const archive = (): Buffer =>
    readFileSync(packed(treeOf({ 'a/b': 'x'.repeat(700), c: 'y', [`d/${LONG}`]: 'z' }), '--format=gnu', '-b1'));

  async function reading(data: Uint8Array): Promise<readonly Entry[] | Failure> {
    const file = join(temporaryDirectory(), 'damaged.tar');
    writeFileSync(file, data);
    try {
      return await readTarEntries(file, ORIGIN);
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  }

  test('an archive that was cut anywhere is a failure', async () => {
    const whole = archive();
    const end = whole.length - 1024;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: end }), async (length) => {
        expect(await reading(whole.subarray(0, length))).toMatchObject({ parts: { code: 'damaged-archive' } });
      }),
      { examples: [[0], [512], [511], [513], [end]] },
    );
  });

  test('a byte that was changed never ends in anything but entries or a failure', async () => {
    const whole = archive();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const data = Buffer.from(whole);
        data[at] = (data[at] ?? 0) ^ change;
        await reading(data);
      }),
      { numRuns: 300 },
    );
    expect(await reading(Buffer.alloc(2048, 0x41))).toBeInstanceOf(Failure);
  });

  test('something else, a missing file, a directory', async () => {
    const directory = treeOf({ text: 'hello'.repeat(1000) });
    expect((await failuresOf(() => readTarEntries(join(directory, 'text'), ORIGIN)))[0]?.code).toBe('damaged-archive');
    expect((await failuresOf(() => readTarEntries(join(directory, 'gone'), ORIGIN)))[0]?.code).toBe('content-missing');
    expect((await failuresOf(() => readTarEntries(directory, ORIGIN)))[0]?.code).toBe('content-missing');
  });

  const header = {
    name: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: 0,
    type: '0',
    linkName: '',
    major: 0,
    minor: 0,
  };
  const block = (changes: Partial<typeof header>): Buffer => encodeHeader({ ...header, ...changes }) ?? Buffer.alloc(0);
  const end = Buffer.alloc(1024);

  test('a path that leaves the root is a failure naming the package', async () => {
    for (const name of ['../x', 'a/../../x', '/..']) {
      const result = await reading(Buffer.concat([block({ name }), end]));
      expect(result).toMatchObject({ parts: { code: 'path-escape', message: expect.stringContaining(ORIGIN) } });
    }
    const link = await reading(Buffer.concat([block({ name: 'l', type: '1', linkName: '../../etc/passwd' }), end]));
    expect(link).toMatchObject({ parts: { code: 'path-escape' } });
  });

  test('an unknown type, a sparse member, a malformed extended header', async () => {
    const data = (content: Buffer): Buffer =>
      Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
    const pax = (content: Buffer): Buffer =>
      Buffer.concat([block({ type: 'x', size: content.length }), data(content), block({}), end]);
    for (const archive of [
      Buffer.concat([block({ type: 'S' }), end]),
      pax(encodePax(new Map([['GNU.sparse.major', '1']]))),
      pax(Buffer.from('99 path=x\n')),
      pax(Buffer.from('path=x\n')),
      pax(encodePax(new Map([['size', '-1']]))),
    ]) {
      expect(await reading(archive)).toMatchObject({ parts: { code: 'damaged-archive' } });
    }
  });

  test('a name that is not UTF-8 is shown as it is written', async () => {
    const raw = block({ name: 'caf_' });
    raw[3] = 0xe9;
    raw.write(
      `${raw
        .reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
      'latin1',
    );
    expect(await reading(Buffer.concat([raw, end]))).toMatchObject({
      parts: { message: expect.stringContaining('café') },
    });
  });
});
