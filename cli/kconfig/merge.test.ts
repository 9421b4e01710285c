import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Failure, Failures } from '../failure.ts';
import type { Assignment, MergedConfig, Value } from './assignment.ts';
import { compareConfigs } from './compare.ts';
import { formatDotConfig, parseDotConfig } from './dotconfig.ts';
import { type MergeSource, mergeAssignments, mergeConfigs, mergeFragments, type RepeatedAssignment } from './merge.ts';
import { sameValue } from './value.ts';

const directory = mkdtempSync(join(tmpdir(), 'coracle-merge-'));
afterAll(() => rmSync(directory, { recursive: true }));

function layer(name: string, files: Readonly<Record<string, string>>): MergeSource {
  const written = Object.entries(files).map(([file, text]) => {
    const path = join(directory, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  });
  return { layer: name, files: written };
}

const chainOf = (config: MergedConfig, symbol: string) =>
  config.get(symbol)?.chain.map(({ value, origin }) => `${value.value} ${origin.layer}:${origin.line}`);

test('the last assignment wins and the whole chain is kept', async () => {
  const config = await mergeFragments(
    [
      layer('base/one', { a: 'CONFIG_A=y\nCONFIG_B="x"\n', b: '\nCONFIG_A=m' }),
      layer('it`s $(a) "ü" layer/two', { a: '# CONFIG_A is not set' }),
    ],
    { namespace: 'kernel' },
  );
  expect(chainOf(config, 'CONFIG_A')).toEqual(['y base/one:1', 'm base/one:2', 'n it`s $(a) "ü" layer/two:1']);
  expect(formatDotConfig(config)).toBe('# CONFIG_A is not set\nCONFIG_B="x"\n');
});

test('duplicate and contradictory lines of one fragment are told, once a symbol, with both places', async () => {
  const found: RepeatedAssignment[] = [];
  const text = 'CONFIG_A=n\nCONFIG_B=0x1f\n# CONFIG_A is not set\nCONFIG_B=0x1F\nCONFIG_C=y\nCONFIG_C=m\nCONFIG_C=y\n';
  const source = layer('dup/one', { a: text });
  const config = await mergeFragments([source, layer('dup/two', { a: 'CONFIG_C=n' })], {
    onRepeated: (one) => found.push(one),
  });
  expect(found.map(({ kind, first, second }) => [kind, first.symbol, first.origin.line, second.origin.line])).toEqual([
    ['repeated', 'CONFIG_A', 1, 3],
    ['repeated', 'CONFIG_B', 2, 4],
    ['contradicted', 'CONFIG_C', 5, 6],
  ]);
  expect(chainOf(config, 'CONFIG_C')).toHaveLength(4);
});

test('all bad lines of all fragments are reported in one go', async () => {
  const sources = [layer('bad/one', { a: 'CONFIG_A=yes\nFOO\n' }), layer('bad/two', { a: 'BR2_X=y\n' })];
  const error = await mergeFragments(sources, { namespace: 'kernel' }).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(Failures);
  expect((error as Failures).all.map(({ parts }) => [parts.code, parts.layer])).toEqual([
    ['bad-value', 'bad/one'],
    ['bad-fragment-line', 'bad/one'],
    ['wrong-namespace', 'bad/two'],
  ]);
});

test('a file that is no fragment at all gives a few failures, not thousands', async () => {
  const source = layer('junk/one', { a: 'junk\n'.repeat(5000) });
  const error = (await mergeFragments([source]).catch((failure: unknown) => failure)) as Failures;
  expect(error.all).toHaveLength(21);
  expect(error.all.at(-1)?.message).toContain('4980 more');
});

test('a tolerant source drops what Kconfig would drop, and says so', async () => {
  const dropped: Failure[] = [];
  const source = { ...layer('old/one', { a: 'CONFIG_A=y\nCONFIG_B\nPCI=y\n' }), tolerant: true };
  const config = await mergeFragments([source], { namespace: 'kernel', onDropped: (line) => dropped.push(line) });
  expect([...config.keys()]).toEqual(['CONFIG_A']);
  expect(dropped.map(({ parts }) => parts.place?.line)).toEqual([2, 3]);
  expect(dropped[0]).toBeInstanceOf(Failure);
});

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom('y', 'm', 'n').map((text) => ({ kind: 'tristate', value: text }) as Value),
  fc.integer().map((number) => ({ kind: 'int', value: String(number) }) as const),
  fc.nat().map((number) => ({ kind: 'hex', value: `0x${number.toString(16)}` }) as const),
  fc.string().map((text) => ({ kind: 'string', value: text.replaceAll(/[\r\n\0]/g, '') }) as const),
);
const assignment: fc.Arbitrary<Assignment> = fc.record({
  symbol: fc.constantFrom('CONFIG_A', 'CONFIG_B', 'CONFIG_C', 'BR2_D'),
  value,
  origin: fc.record({ layer: fc.constantFrom('l/1', 'l/2'), file: fc.constantFrom('/f', '/g'), line: fc.nat() }),
});
const config = fc.array(assignment).map(mergeAssignments);
const same = (a: MergedConfig, b: MergedConfig): boolean => compareConfigs(a, b).length === 0;
const data = (merged: MergedConfig): unknown => [...merged.values()];

test('law: the last assignment of each symbol wins', () => {
  fc.assert(
    fc.property(fc.array(assignment), (assignments) => {
      for (const [symbol, { chain }] of mergeAssignments(assignments)) {
        expect(chain.at(-1)).toBe(assignments.findLast((one) => one.symbol === symbol));
        expect(chain).toEqual(assignments.filter((one) => one.symbol === symbol));
      }
    }),
  );
});

test('law: merging is associative, with the empty configuration as its neutral', () => {
  fc.assert(
    fc.property(config, config, config, (a, b, c) => {
      const left = mergeConfigs([mergeConfigs([a, b]), c]);
      const right = mergeConfigs([a, mergeConfigs([b, c])]);
      expect(data(left)).toEqual(data(right));
      expect(data(left)).toEqual(data(mergeConfigs([a, b, c])));
      expect(data(mergeConfigs([mergeAssignments([]), a]))).toEqual(data(a));
    }),
  );
});

test('law: merging a configuration with itself changes no meaning; order matters only between layers that disagree', () => {
  fc.assert(
    fc.property(config, config, (a, b) => {
      expect(same(mergeConfigs([a, a]), a)).toBe(true);
      const overlap = [...a.keys()].some((symbol) => b.has(symbol));
      if (!overlap) expect(same(mergeConfigs([a, b]), mergeConfigs([b, a]))).toBe(true);
    }),
  );
});

test('law: a merged configuration survives writing and reading as .config', () => {
  fc.assert(
    fc.property(config, (merged) => {
      const read = parseDotConfig(formatDotConfig(merged), { file: '/.config', layer: 'test' });
      expect([...read.keys()]).toEqual([...merged.keys()]);
      for (const [symbol, { chain }] of merged) expect(read.get(symbol)).toEqual(chain.at(-1)?.value);
    }),
  );
});

test('law: meaning the same is reflexive and symmetric', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(sameValue(a, a)).toBe(true);
      expect(sameValue(a, b)).toBe(sameValue(b, a));
    }),
  );
});

test.each<[Value | undefined, Value | undefined, boolean]>([
  [{ kind: 'tristate', value: 'n' }, undefined, true],
  [{ kind: 'string', value: '' }, undefined, true],
  [{ kind: 'int', value: '0' }, undefined, false],
  [{ kind: 'hex', value: '0x1F' }, { kind: 'hex', value: '0X001f' }, true],
  [{ kind: 'int', value: '007' }, { kind: 'int', value: '7' }, true],
  [{ kind: 'int', value: '-7' }, { kind: 'string', value: '-7' }, true],
  [{ kind: 'hex', value: '0x10' }, { kind: 'int', value: '16' }, false],
  [{ kind: 'tristate', value: 'y' }, { kind: 'string', value: 'y' }, false],
  [{ kind: 'tristate', value: 'y' }, { kind: 'tristate', value: 'm' }, false],
])('%j and %j mean the same: %j', (a, b, expected) => {
  expect(sameValue(a, b)).toBe(expected);
});

test('differences are told by meaning', () => {
  const make = (text: string): MergedConfig => {
    const assignments = [...parseDotConfig(text, { file: '/f', layer: 'l' })];
    return mergeAssignments(
      assignments.map(([symbol, read], line) => ({ symbol, value: read, origin: { layer: 'l', file: '/f', line } })),
    );
  };
  const found = compareConfigs(
    make('CONFIG_A=n\nCONFIG_B=y\nCONFIG_C=y\n'),
    make('# CONFIG_A is not set\nCONFIG_B=m\nCONFIG_D=n\n'),
  );
  expect(found.map(({ kind, symbol }) => `${kind} ${symbol}`)).toEqual([
    'changed CONFIG_B',
    'removed CONFIG_C',
    'added CONFIG_D',
  ]);
});
