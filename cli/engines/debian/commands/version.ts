/** Debian's order of version numbers (Debian Policy 5.6.12). */

/** Below, equal or above 0. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [split(a), split(b)];
  return (
    one.epoch - other.epoch || comparePart(one.upstream, other.upstream) || comparePart(one.revision, other.revision)
  );
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  };
}

/** Letters sort before everything else, and `~` before the end. */
function weight(char: string | undefined): number {
  if (char === undefined || /\d/.test(char)) return 0;
  if (char === '~') return -1;
  return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
}

function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !/\d/.test(a[i] ?? '')) || (j < b.length && !/\d/.test(b[j] ?? ''))) {
      const difference = weight(a[i]) - weight(b[j]);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    const one = /^\d*/.exec(a.slice(i))?.[0] ?? '';
    const other = /^\d*/.exec(b.slice(j))?.[0] ?? '';
    const difference = BigInt(one || 0) - BigInt(other || 0);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
    i += one.length;
    j += other.length;
  }
  return 0;
}

/** As `dpkg --compare-versions`; an empty version is older than any, for the `-nl` operators newer than any. */
export function versionRelation(a: string, operator: string, b: string): boolean | undefined {
  const base = operator.replace(/-nl$/, '');
  const emptyIsNewer = operator.endsWith('-nl');
  let order: number;
  if (a === '' || b === '') {
    const direction = emptyIsNewer ? 1 : -1;
    order = a === b ? 0 : a === '' ? direction : -direction;
  } else order = compareVersions(a, b);
  switch (base) {
    case 'lt':
    case '<<':
      return order < 0;
    case 'le':
    case '<=':
    case '<':
      return order <= 0;
    case 'eq':
    case '=':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'ge':
    case '>=':
    case '>':
      return order >= 0;
    case 'gt':
    case '>>':
      return order > 0;
    default:
      return undefined;
  }
}
