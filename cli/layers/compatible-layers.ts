/** Checks that the layers of one list go together: declared conflicts, roles that only one may fill, architecture. */
import { Failure } from '../failure.ts';
import type { MergedConfig } from '../kconfig/assignment.ts';
import { type AskedArchitecture, BUILDROOT_SYMBOLS, buildrootArchitecture } from './buildroot-architecture.ts';
import { ARCHITECTURES, type Architecture, type Layer } from './layer.ts';

/** Everything that keeps these layers from being one image, in the order of the list. */
export function incompatibilities(layers: readonly Layer[]): readonly Failure[] {
  return [...conflicts(layers), ...doubleRoles(layers)];
}

function conflicts(layers: readonly Layer[]): readonly Failure[] {
  const names = new Set(layers.map((layer) => layer.name));
  const told = new Set<string>();
  return layers.flatMap((layer) =>
    layer.conflicts.flatMap(({ value: other, place }) => {
      const pair = [layer.name, other].sort().join(' ');
      if (!names.has(other) || told.has(pair)) return [];
      told.add(pair);
      return new Failure({
        code: 'layer-conflict',
        message: `${layer.name} and ${other} cannot be in the same list`,
        place,
        hint: `leave one of them out; coracle resolve --plain shows which layers bring them in`,
        layer: layer.name,
      });
    }),
  );
}

function doubleRoles(layers: readonly Layer[]): readonly Failure[] {
  const holders = new Map<string, Layer>();
  return layers.flatMap((layer) =>
    layer.provides.flatMap(({ value: role, place }) => {
      const first = holders.get(role);
      if (first === undefined || first === layer) {
        holders.set(role, layer);
        return [];
      }
      return new Failure({
        code: 'role-taken',
        message: `two layers are the ${role} of this list: ${first.name} and ${layer.name}`,
        place,
        hint: role === 'board' ? 'an image is for one board: make a workspace for each' : 'leave one of them out',
        layer: layer.name,
      });
    }),
  );
}

/**
 * The architecture that a list is built for: the one asked for, or else the one that Buildroot's symbols say, or else the
 * first; always one that every layer supports.
 *
 * @param buildroot the layers' merged Buildroot fragments
 * @throws Failure `wrong-architecture`
 */
export function chooseArchitecture(
  layers: readonly Layer[],
  asked: Architecture | undefined,
  buildroot: MergedConfig,
): Architecture {
  const limited = layers.filter((layer) => layer.arch.length > 0);
  const wanted = asked === undefined ? ARCHITECTURES : [asked];
  const possible = wanted.filter((arch) => limited.every((layer) => layer.arch.includes(arch)));
  const said = buildrootArchitecture(layers, buildroot);
  const [first] = possible;
  if (first !== undefined && said === undefined) return first;
  if (said?.arch !== undefined && possible.includes(said.arch)) return said.arch;
  if (first !== undefined && said !== undefined) throw otherArchitecture(said, asked, possible);
  const supports = limited.map((layer) => `${layer.name} supports ${layer.arch.join(', ')}`);
  const culprit = limited.find((layer) => !layer.arch.some((arch) => wanted.includes(arch))) ?? limited[0];
  throw new Failure({
    code: 'wrong-architecture',
    message:
      asked === undefined
        ? 'no architecture is supported by all of these layers'
        : `${culprit?.name} does not support ${asked}`,
    place: culprit === undefined ? undefined : { file: culprit.directory },
    cause: supports.join('\n'),
    hint:
      asked === undefined
        ? 'leave one of them out'
        : `set "arch: ${culprit?.arch[0]}" for the workspace, or take another layer`,
    layer: culprit?.name,
  });
}

function otherArchitecture(
  { arch, assignment }: AskedArchitecture,
  asked: Architecture | undefined,
  possible: readonly Architecture[],
): Failure {
  const { symbol, origin } = assignment;
  const instead = possible.map((one) => `${BUILDROOT_SYMBOLS[one]}=y`).join(' or ');
  const asks = `${origin.layer} asks for ${arch ?? 'one that Coracle does not build for'} (${symbol}=y)`;
  const limit =
    asked === undefined ? `these layers can be built for ${possible.join(' or ')}` : `the workspace is for ${asked}`;
  return new Failure({
    code: 'wrong-architecture',
    message: `${limit}, and ${asks}`,
    place: { file: origin.file, line: origin.line },
    hint: [
      arch !== undefined && asked !== undefined ? `set "arch: ${arch}" for the workspace` : `leave ${origin.layer} out`,
      `or write ${instead} into a later layer, for instance overrides/buildroot/arch`,
    ].join(', '),
    layer: origin.layer,
  });
}
