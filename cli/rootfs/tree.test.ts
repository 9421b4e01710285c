import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failuresOf } from '../../test/support/files.ts';
import type { Entry } from './entry.ts';
import { parentPath } from './path.ts';
import { RootTree } from './tree.ts';

const base = { origin: 'package base' };
const other = { origin: 'layer my/app' };
const paths = (tree: RootTree): string[] => tree.entries().map((entry) => entry.path);

function hardLink(path: string, target: string, origin = 'package base'): Entry {
  return { path, type: 'hardlink', target, mode: 0o644, uid: 0, gid: 0, origin };
}

function merged(): RootTree {
  const tree = new RootTree();
  tree.addLink('/bin', 'usr/bin', base);
  tree.addLink('/var/run', '/run', base);
  return tree;
}

describe('putting', () => {
  test('makes missing parents, owned by root, 0755', () => {
    const tree = new RootTree();
    tree.addFile('/etc/app/conf', 'x', { ...other, mode: 0o600, uid: 5, gid: 6 });
    expect(paths(tree)).toEqual(['/', '/etc', '/etc/app', '/etc/app/conf']);
    expect(tree.get('/etc/app')).toMatchObject({
      type: 'directory',
      mode: 0o755,
      uid: 0,
      gid: 0,
      origin: other.origin,
    });
    expect(tree.get('/etc/app/conf')).toMatchObject({ mode: 0o600, uid: 5, gid: 6 });
    expect(tree.size).toBe(4);
  });

  test('follows links to directories for parents, relative and absolute ones', async () => {
    const tree = merged();
    expect(tree.addFile('/bin/sh', 'shell', base).path).toBe('/usr/bin/sh');
    expect(tree.addFile('/var/run/app/pid', '1', base).path).toBe('/run/app/pid');
    expect(tree.get('/bin/sh')).toBeUndefined();
    expect((await tree.read('/bin/sh')).toString()).toBe('shell');
    expect(tree.resolve('/var/run/app')).toMatchObject({ path: '/run/app', type: 'directory' });
  });

  test('a directory over a directory changes its metadata and keeps what is in it', () => {
    const tree = new RootTree();
    tree.addFile('/srv/a', '', base);
    tree.addDirectory('/srv', { ...other, mode: 0o1777, gid: 50 });
    expect(tree.get('/srv')).toMatchObject({ mode: 0o1777, gid: 50, origin: other.origin });
    expect(tree.has('/srv/a')).toBe(true);
  });

  test('a directory over a link to a directory means that directory', () => {
    const tree = merged();
    tree.addDirectory('/bin', { ...other, mode: 0o700 });
    expect(tree.get('/bin')).toMatchObject({ type: 'symlink' });
    expect(tree.get('/usr/bin')).toMatchObject({ type: 'directory', mode: 0o700 });
    tree.addFile('/usr/bin/x', '', base);
    tree.addDirectory('/bin', { ...other, mode: 0o711 });
    expect(tree.get('/usr/bin')).toMatchObject({ mode: 0o700 });
  });

  test('files and links replace each other', () => {
    const tree = new RootTree();
    tree.addFile('/etc/x', 'a', base);
    tree.addLink('/etc/x', '/dev/null', other);
    expect(tree.get('/etc/x')).toMatchObject({ type: 'symlink', target: '/dev/null' });
    tree.addFile('/etc/x', 'b', base);
    expect(tree.get('/etc/x')).toMatchObject({ type: 'file' });
    expect(tree.size).toBe(3);
  });

  test.each([
    ['a file over a directory', '/etc', 'file'],
    ['a file below a file', '/etc/passwd/x', 'file'],
    ['a directory over a file', '/etc/passwd', 'directory'],
    ['a link over a directory', '/etc', 'symlink'],
  ] as const)('%s is a failure that names both', async (_, path, type) => {
    const tree = new RootTree();
    tree.addFile('/etc/passwd', '', base);
    const [failure] = await failuresOf(() => {
      if (type === 'file') tree.addFile(path, '', other);
      else if (type === 'directory') tree.addDirectory(path, other);
      else tree.addLink(path, 'x', other);
    });
    expect(failure?.code).toBe('path-conflict');
    expect(failure?.message).toContain('package base');
    expect(failure?.message).toContain('layer my/app');
    expect(paths(tree)).toEqual(['/', '/etc', '/etc/passwd']);
  });

  test('names may hold anything but a slash and a NUL', () => {
    const tree = new RootTree();
    const names = ['a b', "it's", '"q"', 'Főtanúsítvány', 'new\nline', '$(x)', '\\', '...'];
    for (const name of names) tree.addFile(`/d/${name}`, name, base);
    expect(
      tree
        .children('/d')
        .map((entry) => entry.path.slice(3))
        .sort(),
    ).toEqual([...names].sort());
  });

  test('a path that is none is refused', async () => {
    const tree = new RootTree();
    for (const path of ['etc', '/etc/', '/a/../b', '']) {
      expect((await failuresOf(() => tree.addFile(path, '', base)))[0]?.code).toBe('bad-path');
    }
  });
});

describe('leaving the root', () => {
  test.each([
    ['/up', '../outside'],
    ['/deep/er/up', '../../../outside'],
    ['/up', '/../outside'],
  ])('through the link %s → %s is a failure', async (link, target) => {
    const tree = new RootTree();
    tree.addLink(link, target, base);
    const [put] = await failuresOf(() => tree.addFile(`${link}/x`, '', other));
    expect(put).toMatchObject({ code: 'path-escape', message: expect.stringContaining('layer my/app') });
    expect((await failuresOf(() => tree.resolve(link)))[0]?.code).toBe('path-escape');
  });

  test('a loop is a failure, and so is a link to itself', async () => {
    const tree = new RootTree();
    tree.addLink('/a', 'b', base);
    tree.addLink('/b', 'a', base);
    tree.addLink('/self', 'self/x', base);
    for (const path of ['/a', '/a/x', '/self']) {
      expect((await failuresOf(() => tree.resolve(path)))[0]?.code).toBe('link-loop');
    }
  });

  test('".." that stays inside is followed', () => {
    const tree = new RootTree();
    tree.addFile('/usr/lib/x', '', base);
    tree.addLink('/usr/bin/y', '../lib/x', base);
    tree.addLink('/usr/bin/z', '/usr/bin/.././lib//x', base);
    expect(tree.resolve('/usr/bin/y')?.path).toBe('/usr/lib/x');
    expect(tree.resolve('/usr/bin/z')?.path).toBe('/usr/lib/x');
    expect(tree.resolve('/usr/bin/nothing')).toBeUndefined();
  });
});

describe('hard links', () => {
  function linked(): RootTree {
    const tree = new RootTree();
    tree.addFile('/bin/b', 'content', { ...base, mode: 0o4755, uid: 3 });
    tree.put(hardLink('/bin/a', '/bin/b'));
    tree.put(hardLink('/bin/c', '/bin/a'));
    return tree;
  }

  test('share what their file has, and point at the file itself', async () => {
    const tree = linked();
    expect(tree.get('/bin/c')).toMatchObject({ type: 'hardlink', target: '/bin/b', mode: 0o4755, uid: 3 });
    expect((await tree.read('/bin/c')).toString()).toBe('content');
  });

  test('keep the content when the file goes or changes', async () => {
    const tree = linked();
    tree.addFile('/bin/b', 'new', other);
    expect(tree.get('/bin/a')).toMatchObject({ type: 'file', mode: 0o4755 });
    expect(tree.get('/bin/c')).toMatchObject({ type: 'hardlink', target: '/bin/a' });
    expect((await tree.read('/bin/c')).toString()).toBe('content');
    expect((await tree.read('/bin/b')).toString()).toBe('new');
    tree.remove('/bin/a');
    expect(tree.get('/bin/c')).toMatchObject({ type: 'file' });
  });

  test('go together with their directory', () => {
    const tree = linked();
    expect(tree.remove('/bin')).toBe(true);
    expect(paths(tree)).toEqual(['/']);
    expect(tree.size).toBe(1);
    expect(tree.remove('/bin')).toBe(false);
  });

  test('change owner and mode together', () => {
    const tree = linked();
    tree.setMetadata('/bin/c', { gid: 9 });
    expect(['/bin/a', '/bin/b', '/bin/c'].map((path) => tree.get(path)?.gid)).toEqual([9, 9, 9]);
  });

  test('to nothing, or to a directory, are failures', async () => {
    const tree = linked();
    for (const target of ['/gone', '/bin']) {
      expect((await failuresOf(() => tree.put(hardLink('/x', target))))[0]?.code).toBe('dangling-hard-link');
    }
  });

  test('to themselves change nothing', () => {
    const tree = linked();
    tree.put(hardLink('/bin/b', '/bin/c'));
    expect(tree.get('/bin/b')?.type).toBe('file');
    expect(tree.size).toBe(5);
  });
});

describe('laws', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`);
  const target = fc.oneof(
    path,
    fc.array(fc.constantFrom('a', 'b', '..', '.'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  );
  const step = fc.oneof(
    fc.record({ do: fc.constant('file' as const), path }),
    fc.record({ do: fc.constant('directory' as const), path }),
    fc.record({ do: fc.constant('symlink' as const), path, target }),
    fc.record({ do: fc.constant('hardlink' as const), path, target: path }),
    fc.record({ do: fc.constant('remove' as const), path }),
  );

  test('after any steps the tree is whole: parents are directories, hard links have files, the size is right', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const tree = new RootTree();
        for (const each of steps) {
          const before = JSON.stringify(tree.entries());
          try {
            if (each.do === 'file') tree.addFile(each.path, each.path, base);
            else if (each.do === 'directory') tree.addDirectory(each.path, base);
            else if (each.do === 'symlink') tree.addLink(each.path, each.target, base);
            else if (each.do === 'hardlink') tree.put(hardLink(each.path, each.target));
            else tree.remove(each.path);
          } catch (error) {
            expect((error as Error).name).toBe('Failure');
            // What failed may have made parents on its way, but took nothing away.
            const now = new Set(tree.entries().map((entry) => JSON.stringify(entry)));
            for (const entry of JSON.parse(before) as Entry[]) expect(now).toContain(JSON.stringify(entry));
          }
        }
        const entries = tree.entries();
        expect(entries.length).toBe(tree.size);
        const seen = new Set<string>(['/']);
        for (const entry of entries) {
          expect(tree.get(entry.path)).toBe(entry);
          expect(seen.has(parentPath(entry.path))).toBe(true);
          seen.add(entry.path);
          expect(tree.get(parentPath(entry.path))?.type).toBe('directory');
          if (entry.type === 'hardlink') expect(tree.get(entry.target)?.type).toBe('file');
        }
      }),
      { numRuns: 500 },
    );
  });
});
