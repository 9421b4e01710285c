/** What Debian says about the packages of an image, as facts that do not depend on the engine. */
import type { PackageFacts } from '../../engine-tools.ts';
import type { UnpackedPackage } from '../unpacked.ts';
import { licencesOf } from './copyright-files.ts';

export interface FactsParts {
  /** Package → the layers that name it. */
  readonly askedBy: ReadonlyMap<string, readonly string[]>;
  readonly copyrights: ReadonlyMap<string, string>;
  /** Name of the kernel's package, which may be compiled from source instead. */
  readonly isKernel: (name: string) => boolean;
}

/** Sorted by name. */
export function packageFacts(packages: readonly UnpackedPackage[], parts: FactsParts): readonly PackageFacts[] {
  const dependencies = dependenciesOf(packages);
  const layers = layersOf(packages, dependencies, parts.askedBy);
  return packages.map(({ locked }): PackageFacts => {
    const { name, version, arch, sha256, uri } = locked;
    const asked = parts.askedBy.get(name)?.[0];
    const layer = asked ?? layers.get(name);
    const area = /:pool\/(?:updates\/)?(non-free[^/]*)\//.exec(uri)?.[1];
    return {
      name,
      kind: parts.isKernel(name) ? 'kernel' : 'target',
      version,
      licences: licencesOf(parts.copyrights.get(name) ?? ''),
      ...(area === undefined ? {} : { restriction: `Debian has it in ${area}` }),
      purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${arch}`,
      ...(layer === undefined ? {} : { layer }),
      isAsked: asked !== undefined,
      dependencies: dependencies.get(name) ?? [],
      // As in coracle.lock: the archive and the path in it, whatever the mirror was.
      sources: [{ url: encodeURI(locked.uri), sha256 }],
      patches: [],
    };
  });
}

/** Of each relation the first alternative that is there, by name or because a package provides it. */
function dependenciesOf(packages: readonly UnpackedPackage[]): ReadonlyMap<string, readonly string[]> {
  const providers = new Map<string, string>();
  for (const { locked, control } of packages) {
    for (const [role = ''] of relations(control.get('provides'))) {
      if (!providers.has(role)) providers.set(role, locked.name);
    }
  }
  for (const { locked } of packages) providers.set(locked.name, locked.name);
  return new Map(
    packages.map(({ locked, control }) => {
      const wanted = [...relations(control.get('pre-depends')), ...relations(control.get('depends'))];
      const found = wanted.flatMap((names) => names.map((name) => providers.get(name)).find(Boolean) ?? []);
      return [locked.name, [...new Set(found)].filter((name) => name !== locked.name).sort()];
    }),
  );
}

/** `a (>= 1) | b, c:any` → [[a, b], [c]] */
function relations(field: string | undefined): readonly (readonly string[])[] {
  return (field ?? '')
    .split(',')
    .map((one) => one.split('|').flatMap((name) => /^[a-z0-9][a-z0-9+.-]*/.exec(name.trim())?.[0] ?? []))
    .filter((names) => names.length > 0);
}

/** The layer whose package leads to each of the others by the shortest way. */
function layersOf(
  packages: readonly UnpackedPackage[],
  dependencies: ReadonlyMap<string, readonly string[]>,
  askedBy: FactsParts['askedBy'],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let round = packages.flatMap(({ locked: { name } }) => {
    const layer = askedBy.get(name)?.[0];
    return layer === undefined ? [] : [{ name, layer }];
  });
  while (round.length > 0) {
    const next: typeof round = [];
    for (const { name, layer } of round) {
      if (found.has(name)) continue;
      found.set(name, layer);
      next.push(...(dependencies.get(name) ?? []).map((one) => ({ name: one, layer })));
    }
    round = next;
  }
  return found;
}
