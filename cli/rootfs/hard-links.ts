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
export function linksAfterFiles(entries: readonly Entry[]): Entry[] {
  const groups = new Map<string, string[]>();
  for (const entry of entries) {
    if (entry.type !== 'hardlink') continue;
    const group = groups.get(entry.target) ?? [entry.target];
    group.push(entry.path);
    groups.set(entry.target, group);
  }
  if (groups.size === 0) return [...entries];
  const files = new Map(entries.map((entry) => [entry.path, entry]));
  return entries.map((entry) => {
    const group = groups.get(entry.type === 'hardlink' ? entry.target : entry.path);
    const [first] = sortByBytes([...(group ?? [])]);
    const file = files.get(group?.[0] ?? '');
    if (first === undefined || file?.type !== 'file') return entry;
    const { content: _, ...rest } = file;
    return entry.path === first
      ? { ...file, path: first }
      : { ...rest, path: entry.path, type: 'hardlink', target: first };
  });
}
