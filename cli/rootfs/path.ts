/**
 * Paths inside of a root tree: absolute, `/`-separated, without `.`, `..`, empty parts or a trailing slash. They are the
 * target's paths, so nothing here asks the machine that builds.
 */
import { Failure } from '../failure.ts';

/** `/a/b` → `['a', 'b']`; `/` → `[]`. */
export function pathParts(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

/** `/a/b` → `/a`; `/a` → `/`. */
export function parentPath(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

/** `/a/b` → `b`; `/` → the empty string. */
export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}

/**
 * Makes a path as people and archives write it (`usr/bin`, `./usr/bin/`, `/usr//bin`) a path of a tree. A `..` is kept
 * from meaning anything: it is a failure wherever it stands, since behind a link it would not mean its parent.
 *
 * @throws Failure `path-escape`
 */
export function normalisePath(written: string, origin: string): string {
  const parts = written.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) {
    throw new Failure({
      code: 'path-escape',
      message: `${origin}: the path ${JSON.stringify(written)} has a ".." in it`,
      cause: 'a path with ".." could leave the root file system',
      hint: 'name the file by its path from the root',
    });
  }
  if (written.includes('\0')) {
    throw new Failure({ code: 'bad-path', message: `${origin}: the path ${JSON.stringify(written)} has a NUL in it` });
  }
  return `/${parts.join('/')}`;
}

/** Whether a path has the form that a tree takes. */
export function isNormalPath(path: string): boolean {
  return path === '/' || /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/.test(path);
}

const SURROGATE = /[\ud800-\udfff]/;

/** Sorts as the UTF-8 bytes do (JavaScript's own order is that of UTF-16 units, which differs beyond U+FFFF). */
export function sortByBytes(paths: string[]): string[] {
  if (!paths.some((path) => SURROGATE.test(path))) return paths.sort();
  return paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
