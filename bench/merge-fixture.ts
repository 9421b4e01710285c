/**
 * Layers to measure with: made from a fixed seed, of the size that real fragments have (about 35 assignments), a third of
 * them to symbols that other layers set as well, so that merging has something to decide.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ASSIGNMENTS = 35;
const NAMESPACES = [
  { directory: 'buildroot', prefix: 'BR2_' },
  { directory: 'kernel', prefix: 'CONFIG_' },
] as const;

export interface BenchLayer {
  readonly name: string;
  readonly files: Readonly<Record<'buildroot' | 'kernel', string>>;
}

/**
 * Writes a project whose only workspace, `all`, has `<root>/layers/bench/layer-NNNN/{layer.yaml,buildroot/base,kernel/base}`.
 * It asks for the last layer; each depends on the one before.
 */
export function writeLayers(root: string, count: number): readonly BenchLayer[] {
  const next = random(20_240_601);
  mkdirSync(root, { recursive: true });
  const last = `bench/layer-${String(count - 1).padStart(4, '0')}`;
  writeFileSync(join(root, 'coracle.yaml'), `layers: [{path: layers}]\nworkspaces: {all: {layers: [${last}]}}\n`);
  return Array.from({ length: count }, (_, index) => {
    const name = `bench/layer-${String(index).padStart(4, '0')}`;
    const directory = join(root, 'layers', name);
    const depends =
      index === 0 ? 'provides: [base]\n' : `depends: [bench/layer-${String(index - 1).padStart(4, '0')}]\n`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'layer.yaml'), `description: layer ${index}\n${depends}`);
    const files = NAMESPACES.map(({ directory: kind, prefix }) => {
      const file = join(directory, kind, 'base');
      mkdirSync(join(directory, kind));
      writeFileSync(file, fragment(prefix, index, next));
      return [kind, file] as const;
    });
    return { name, files: Object.fromEntries(files) as BenchLayer['files'] };
  });
}

function fragment(prefix: string, index: number, next: () => number): string {
  const lines = [`# layer ${index}`];
  for (let line = 0; line < ASSIGNMENTS; line++) {
    const shared = next() % 3 === 0;
    const symbol = shared ? `${prefix}SHARED_${next() % 400}` : `${prefix}LAYER_${index}_OPTION_${line}`;
    const values = ['=y', '=y', '=y', '=m', '=0x1F', '=42', '="a text"'];
    const kind = next() % (values.length + 1);
    lines.push(kind === values.length ? `# ${symbol} is not set` : `${symbol}${values[kind]}`);
  }
  return `${[...new Map(lines.map((line) => [/\w+_\w+/.exec(line)?.[0], line])).values()].join('\n')}\n`;
}

/** A linear congruential generator: the same numbers on every machine. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
