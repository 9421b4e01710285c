/**
 * What a stage's result consists of, by what lstat() says of each file: enough to see that somebody removed or changed
 * one of them since, without opening any.
 */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Path inside the result → `<size> <mtime in ns>` of a file, `-> <target>` of a link, `directory` of an empty one. Not the
 * ctime, which a further hard link changes; not the inode, so that a copy that keeps times (`cp -a`) is as good.
 */
export type ResultParts = Readonly<Record<string, string>>;

export function resultParts(directory: string): ResultParts {
  const parts: [string, string][] = [];
  const walk = (inside: string): void => {
    const children = readdirSync(join(directory, inside), { withFileTypes: true });
    if (children.length === 0 && inside !== '') parts.push([inside, 'directory']);
    for (const child of children) {
      const path = join(inside, child.name);
      if (child.isDirectory()) walk(path);
      else {
        const what = describe(join(directory, path));
        // A hook may give a file a name that is no UTF-8, by which it is not found again.
        if (what !== undefined) parts.push([path, what]);
      }
    }
  };
  walk('');
  return Object.fromEntries(parts);
}

/**
 * What of a result is not as it was, for people: `disk.img is missing`, `kernel was changed`. What lies there besides does
 * not matter: no stage reads what those before it did not make.
 */
export function resultDamage(directory: string, parts: ResultParts): string[] {
  return Object.entries(parts).flatMap(([path, recorded]) => {
    const found = describe(join(directory, path));
    if (found === undefined) return [`${path} is missing`];
    return isSame(recorded, found) ? [] : [`${path} was changed`];
  });
}

/** Undefined where nothing is found, whatever stands in the way. */
function describe(path: string): string | undefined {
  try {
    const found = lstatSync(path, { bigint: true });
    if (found.isDirectory()) return 'directory';
    if (found.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
    return found.isFile() ? `${found.size} ${found.mtimeNs}` : 'special';
  } catch {
    return undefined;
  }
}

/** tar, some other tools that copy, and some file systems keep times in whole seconds: those fit any time of the second. */
function isSame(recorded: string, found: string): boolean {
  if (recorded === found) return true;
  return /^\d+ \d+0{9}$/.test(found) && recorded.replace(/^(\d+ \d+)\d{9}$/, '$1000000000') === found;
}
