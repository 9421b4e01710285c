/**
 * The names that a misspelt one was most likely meant to be: few edits away, or made of the same words. Quick enough for
 * the 20,000 symbols of a kernel: a name is measured only if its length and its letters leave room for a near match.
 */
import { PREFIXES } from './namespace.ts';

/** Nearest first; empty if nothing is near. */
export function nearestNames(wanted: string, names: Iterable<string>, limit = 3): readonly string[] {
  const target = stem(wanted);
  const letters = letterSet(target);
  const words = wordsOf(target);
  const most = Math.min(MOST_EDITS, Math.max(1, Math.floor(target.length / 4)));
  const found: { readonly name: string; readonly score: number }[] = [];
  for (const name of names) {
    if (name === wanted) continue;
    const candidate = stem(name);
    let score = Number.POSITIVE_INFINITY;
    const set = letterSet(candidate);
    const room = Math.abs(candidate.length - target.length) <= most;
    if (room && bits(letters & ~set) <= most && bits(set & ~letters) <= most) {
      score = editDistance(target, candidate, most);
    }
    if (score === Number.POSITIVE_INFINITY && words.length > 0) score = wordScore(words, candidate);
    if (score !== Number.POSITIVE_INFINITY) found.push({ name, score });
  }
  found.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
  const best = found[0]?.score ?? 0;
  return found
    .filter(({ score }) => score <= best + 1)
    .slice(0, limit)
    .map(({ name }) => name);
}

const MOST_EDITS = 4;
/** Finding the asked words with others around them is about as telling as two edits, plus one for every 8 letters more. */
const WORDS_SCORE = 2;
const LETTERS_PER_EDIT = 8;

/** A sentence for a failure's hint, or undefined if nothing is near. */
export function didYouMean(wanted: string, names: Iterable<string>): string | undefined {
  const near = nearestNames(wanted, names);
  return near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`;
}

/** Upper case, without the beginnings that say nothing. */
function stem(name: string): string {
  const prefix = ['BR2_PACKAGE_', ...PREFIXES].find((one) => name.startsWith(one)) ?? '';
  return name.slice(prefix.length).toUpperCase();
}

function wordsOf(name: string): readonly string[] {
  return name.split(/[^A-Z0-9]+/).filter((word) => word.length > 2);
}

/** In edits; infinite if the name lacks one of the words. */
function wordScore(words: readonly string[], candidate: string): number {
  for (const word of words) if (!candidate.includes(word)) return Number.POSITIVE_INFINITY;
  const more = candidate.length - words.reduce((sum, word) => sum + word.length, 0);
  return WORDS_SCORE + more / LETTERS_PER_EDIT;
}

/** One bit for each of 32 classes of characters: letters apart, digits and the rest folded together. */
function letterSet(name: string): number {
  let set = 0;
  for (let index = 0; index < name.length; index++) set |= 1 << (name.charCodeAt(index) & 31);
  return set;
}

function bits(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Insertions, deletions, replacements and swaps of neighbours; infinite if more than `most`. */
function editDistance(a: string, b: string, most: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > most) return Number.POSITIVE_INFINITY;
    beforeLast = last;
    last = row;
  }
  const distance = last[b.length] ?? 0;
  return distance > most ? Number.POSITIVE_INFINITY : distance;
}
