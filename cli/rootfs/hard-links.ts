/**
 * The order that archives need of hard links. In a tree a hard link names its file wherever that is; a reader of an archive
 * wants the content first.
 */
import type { Entry } from './entry.ts';
import { sortByBytes } from './path.ts';

/**
 * The same entries in the same order, but the first name of each group of hard links carries the content and the others
 * link to it. `entries` are sorted.
 */
export function linksAfterFiles(entries: readonly Entry[]): readonly Entry[] {
  const firstNames = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type !== 'hardlink') continue;
    const first = firstNames.get(entry.target) ?? entry.target;
    firstNames.set(entry.target, sortByBytes([first, entry.path])[0] ?? first);
  }
  if (firstNames.size === 0) return entries;
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return entries.map((entry) => {
    const target = entry.type === 'hardlink' ? entry.target : entry.path;
    const file = byPath.get(target);
    const first = firstNames.get(target);
    if (first === undefined || file?.type !== 'file') return entry;
    if (entry.path === first) return { ...file, path: first };
    const { content: _, ...shared } = file;
    return { ...shared, path: entry.path, type: 'hardlink', target: first };
  });
}
