/**
 * Layers whose Buildroot symbols this engine cannot follow, because they say nothing in its own words: named in a warning,
 * so that nothing that was asked for is dropped in silence.
 */
import type { DebianPart, Layer } from '../../layers/layer.ts';
import type { ResolvedConfig } from '../../workspace/resolved.ts';

export interface LeftOut {
  readonly layer: string;
  /** Symbols that the layer sets, first to last. */
  readonly symbols: readonly string[];
}

export function leftOutLayers(config: ResolvedConfig): LeftOut[] {
  const accepted = new Set(
    [...config.layers.flatMap(({ layer }) => layer.accept), ...(config.settings.accept ?? [])]
      .filter(({ namespace }) => namespace === 'buildroot')
      .map(({ symbol }) => symbol),
  );
  const set = new Map<string, string[]>();
  for (const { symbol, chain } of config.symbols.buildroot.values()) {
    if (accepted.has(symbol)) continue;
    for (const { origin, value } of chain) {
      if (value.kind === 'tristate' && value.value === 'n') continue;
      const known = set.get(origin.layer) ?? [];
      if (!known.includes(symbol)) set.set(origin.layer, [...known, symbol]);
    }
  }
  return config.layers.flatMap(({ layer }) => {
    const symbols = set.get(layer.name);
    return symbols === undefined || speaksDebian(layer) ? [] : [{ layer: layer.name, symbols }];
  });
}

/** For people. */
export function describeLeftOut({ layer, symbols }: LeftOut): string {
  const more = symbols.length > SHOWN ? ` and ${symbols.length - SHOWN} more` : '';
  return `${layer} says nothing to the debian engine; left out: ${symbols.slice(0, SHOWN).join(', ')}${more}`;
}

export const LEFT_OUT_HINT =
  'give the layer a debian/ list with the packages that do the same, or accept the symbols (namespace: buildroot)';

const SHOWN = 4;

function speaksDebian(layer: Layer): boolean {
  return layer.contents.debianPackages.length > 0 || hasContent(layer.debian);
}

function hasContent(part: DebianPart): boolean {
  return Object.values(part).some((value: unknown) =>
    Array.isArray(value)
      ? value.length > 0
      : typeof value === 'object'
        ? Object.keys(value ?? {}).length > 0
        : value !== undefined,
  );
}
