/**
 * The order in which packages are configured: what a package depends on comes first, and where dependencies go in circles
 * the order of names decides, so that it is the same in every build.
 */
import type { Paragraph } from './apt/control.ts';
import type { UnpackedPackage } from './unpacked.ts';

/** dpkg needs these before anything else can be configured. */
const FIRST = ['base-passwd', 'base-files'];

export function configurationOrder(packages: readonly UnpackedPackage[]): UnpackedPackage[] {
  const sorted = packages.toSorted((a, b) => (a.locked.name < b.locked.name ? -1 : 1));
  const byName = new Map<string, UnpackedPackage>();
  for (const one of sorted) {
    for (const provided of relationNames(one.control, 'provides')) {
      if (!byName.has(provided)) byName.set(provided, one);
    }
  }
  for (const one of sorted) byName.set(one.locked.name, one);
  const order: UnpackedPackage[] = [];
  const seen = new Set<UnpackedPackage>();
  const visit = (one: UnpackedPackage | undefined): void => {
    if (one === undefined || seen.has(one)) return;
    seen.add(one);
    for (const field of ['pre-depends', 'depends']) {
      for (const name of relationNames(one.control, field)) visit(byName.get(name));
    }
    order.push(one);
  };
  for (const name of FIRST) visit(byName.get(name));
  for (const one of sorted) visit(one);
  return order;
}

/** Package names of a relation field, alternatives among them. */
export function relationNames(control: Paragraph, field: string): string[] {
  return (control.get(field) ?? '')
    .split(/[,|]/)
    .map((relation) => relation.trim().split(/[\s(:[]/)[0] ?? '')
    .filter((name) => name !== '');
}

/** Triggers that a package is interested in: names and paths. */
export function interests(one: UnpackedPackage): string[] {
  return (one.controlFiles.get('triggers') ?? '')
    .split('\n')
    .filter((line) => line.startsWith('interest'))
    .flatMap((line) => line.split(/\s+/).slice(1));
}
