import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failuresOf, temporaryDirectory } from '../../test/support/files.ts';
import type { Entry } from './entry.ts';
import { RootTree } from './tree.ts';
import { readTreeIndex, writeTreeIndex } from './tree-index.ts';

const metadata = {
  mode: fc.nat({ max: 0o7777 }),
  uid: fc.nat({ max: 0xfffffffe }),
  gid: fc.nat({ max: 0xfffffffe }),
  origin: fc.string(),
};
const content = fc.oneof(
  fc.record({
    kind: fc.constant('bytes' as const),
    data: fc.uint8Array({ maxLength: 50 }).map((data) => Buffer.from(data)),
  }),
  fc.record({
    kind: fc.constant('slice' as const),
    file: fc.string({ unit: 'grapheme' }),
    offset: fc.nat(),
    size: fc.nat(),
  }),
);
const entry = (path: string): fc.Arbitrary<Entry> =>
  fc.oneof(
    fc.record({ path: fc.constant(path), type: fc.constant('file' as const), content, ...metadata }),
    fc.record({ path: fc.constant(path), type: fc.constant('directory' as const), ...metadata }),
    fc.record({
      path: fc.constant(path),
      type: fc.constant('symlink' as const),
      target: fc.string({ unit: 'grapheme' }),
      ...metadata,
    }),
    fc.record({ path: fc.constant(path), type: fc.constant('fifo' as const), ...metadata }),
    fc.record({
      path: fc.constant(path),
      type: fc.constant('device' as const),
      device: fc.constantFrom('char' as const, 'block' as const),
      major: fc.nat(),
      minor: fc.nat(),
      ...metadata,
    }),
  );

test('any tree comes back, and the same tree gives the same bytes', async () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
  const entries = fc
    .uniqueArray(name, { maxLength: 12 })
    .chain((names) => fc.tuple(...names.map((each) => entry(`/${each}`))));
  await fc.assert(
    fc.asyncProperty(entries, async (all) => {
      const directory = temporaryDirectory();
      const tree = new RootTree();
      for (const each of all) tree.put(each);
      const file = all.find((each) => each.type === 'file');
      if (file !== undefined)
        tree.put({ ...file, type: 'hardlink', path: '/\0hard'.replace('\0', '!'), target: file.path });
      await writeTreeIndex(tree, join(directory, 'a'));
      const again = await readTreeIndex(join(directory, 'a'));
      expect(again.entries()).toEqual(tree.entries());
      await writeTreeIndex(again, join(directory, 'b'));
      expect(readFileSync(join(directory, 'b'), 'utf8')).toBe(readFileSync(join(directory, 'a'), 'utf8'));
    }),
    { numRuns: 50 },
  );
});

test('extended attributes are kept', async () => {
  const tree = new RootTree();
  tree.addFile('/x', '', { origin: 'o' });
  tree.setMetadata('/x', { xattrs: { 'user.x': Buffer.from([0, 255]) } });
  const file = join(temporaryDirectory(), 'index');
  await writeTreeIndex(tree, file);
  expect((await readTreeIndex(file)).get('/x')?.xattrs).toEqual({ 'user.x': Buffer.from([0, 255]) });
});

test('a damaged, cut, foreign or missing index is a failure', async () => {
  const directory = temporaryDirectory();
  const tree = new RootTree();
  tree.addFile('/a', 'x', { origin: 'o' });
  tree.addFile('/b', 'y', { origin: 'o' });
  const file = join(directory, 'index');
  await writeTreeIndex(tree, file);
  const text = readFileSync(file, 'utf8');
  const cutAtLine = text.slice(0, text.trimEnd().lastIndexOf('\n') + 1);
  for (const bad of ['', '{}', cutAtLine, text.slice(0, -10), text.replace('coracle-root', 'other'), 'null\n']) {
    writeFileSync(join(directory, 'bad'), bad);
    expect((await failuresOf(() => readTreeIndex(join(directory, 'bad'))))[0]?.code).toBe('bad-root-index');
  }
  expect((await failuresOf(() => readTreeIndex(join(directory, 'gone'))))[0]?.code).toBe('bad-root-index');
});
