/** The nearest of some sixty thousand package names to one that does not exist, for `did you mean`. */

/** The nearest name within a third of the length, or nothing. */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let limit = Math.max(1, Math.floor(wrong.length / 3)) + 1;
  for (const name of names) {
    if (name === wrong || Math.abs(name.length - wrong.length) >= limit) continue;
    const distance = editDistance(wrong, name, limit);
    if (distance < limit) {
      limit = distance;
      best = name;
    }
  }
  return best;
}

/** Levenshtein's distance with neighbours swapped counting once; stops at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    let smallest = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      row.push(cost);
      smallest = Math.min(smallest, cost);
    }
    if (smallest >= limit) return limit;
    before = last;
    last = row;
  }
  return last[b.length] ?? limit;
}
