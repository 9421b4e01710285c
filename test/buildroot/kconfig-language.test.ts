/**
 * The reader of the Kconfig language against the `conf` of a real Buildroot tree: both are to agree on every symbol, and
 * what is said of an assignment that was not taken is to be true.
 *
 * CORACLE_BUILDROOT names the tree; CORACLE_KCONFIG_SEEDS says how many random configurations are tried (200 take less
 * than two minutes).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Value } from '../../cli/kconfig/assignment.ts';
import type { DotConfig } from '../../cli/kconfig/dotconfig.ts';
import { Evaluation } from '../../cli/kconfig/language/evaluation.ts';
import { explainSymbol, type Reason } from '../../cli/kconfig/language/explain.ts';
import type { KconfigModel, KconfigSymbol } from '../../cli/kconfig/language/model.ts';
import { predict } from '../../cli/kconfig/language/prediction.ts';
import { readKconfig } from '../../cli/kconfig/language/read-kconfig.ts';
import { renderReason } from '../../cli/kconfig/language/render-reason.ts';
import { formatAssignment, NOT_SET, sameValue } from '../../cli/kconfig/value.ts';
import { type BuildrootConf, buildConf } from '../support/buildroot-conf.ts';

const TREE = process.env['CORACLE_BUILDROOT'];
const SEEDS = Number(process.env['CORACLE_KCONFIG_SEEDS'] ?? 20);
/** Explaining costs more runs of conf for each. */
const EXPLAINED_SEEDS = Math.max(20, SEEDS / 4);
const LEGACY = 'Config.in.legacy';
const MINUTES = 60_000;
const YES: Value = { kind: 'tristate', value: 'y' };

if (TREE === undefined) {
  process.stderr.write('skipped: Kconfig against a real conf: CORACLE_BUILDROOT names no Buildroot tree\n');
}

describe.skipIf(TREE === undefined)('against the conf of CORACLE_BUILDROOT', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'coracle-conf-'));
  let conf: BuildrootConf;
  let model: KconfigModel;
  beforeAll(async () => {
    conf = await buildConf(TREE ?? '', scratch);
    model = readKconfig(conf.source);
  }, MINUTES);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('every file is read', () => {
    expect(model.unread).toEqual([]);
    expect(model.symbols.size).toBeGreaterThan(5000);
  });

  it('defaults: the model says what each symbol is when nobody asks for anything', async () => {
    expect(disagreements(await conf.run('--alldefconfig'), model, false)).toEqual([]);
  });

  it.each(['--alldefconfig', '--allyesconfig', '--allnoconfig'])('%s: all symbols agree', async (mode) => {
    expect(disagreements(await conf.run(mode), model, true)).toEqual([]);
  });

  const random = new Map<number, DotConfig>();

  it('random configurations: all symbols agree', { timeout: 10 * MINUTES }, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const config = await randomConfig(conf, seed);
      if (seed <= EXPLAINED_SEEDS) random.set(seed, config);
      expect(disagreements(config, model, true), `seed ${seed}`).toEqual([]);
    }
  });

  it('what was not taken is explained, and what is said is true', { timeout: 10 * MINUTES }, async () => {
    const said = new Map<Reason['kind'], number>();
    let helped = 0;
    for (const [seed, before] of random) {
      const requests = randomRequests(model, numbersFrom(seed));
      const actual = await conf.run('--olddefconfig', textOf(before, requests));
      let advice: { leaf: string; symbol: string; wanted: Value } | undefined;
      for (const [symbol, wanted] of requests) {
        if (sameValue(actual.get(symbol), wanted)) continue;
        const reason = explainSymbol(model, { symbol, wanted, actual, legacyFile: LEGACY });
        expectTrue(reason, wanted, actual, model);
        said.set(reason.kind, (said.get(reason.kind) ?? 0) + 1);
        const leaf = singleLeaf(reason, model);
        if (leaf !== undefined) advice ??= { leaf, symbol, wanted };
      }
      if (advice === undefined) continue;
      const { leaf, symbol, wanted } = advice;
      const asked = new Map([
        [leaf, YES],
        [symbol, wanted],
      ]);
      const then = await conf.run('--olddefconfig', textOf(actual, asked));
      const words = renderReason(explainSymbol(model, { symbol, wanted, actual: then }), model);
      expect(then.get(symbol)?.value, `with ${leaf}: ${words}`).toBe(wanted.value);
      helped++;
    }
    process.stderr.write(`reasons: ${JSON.stringify(Object.fromEntries(said))}; advice that helped: ${helped}\n`);
    expect([...said.keys()].filter((kind) => kind === 'unexplained' || kind === 'free')).toEqual([]);
  });
});

/** Symbols of which the model says something else than conf wrote. */
function disagreements(actual: DotConfig, model: KconfigModel, isAsked: boolean): readonly unknown[] {
  const evaluation = new Evaluation(model, actual);
  const found: unknown[] = [...actual.keys()].filter((name) => !model.symbols.has(name));
  for (const symbol of model.symbols.values()) {
    const predicted = predict(evaluation, symbol, isAsked);
    const value = actual.get(symbol.name)?.value;
    const text = predicted.kind === 'written' ? predicted.text : undefined;
    if (predicted.kind === 'unknown' || text !== value) found.push({ symbol: symbol.name, predicted, value });
    if (!hasTypeOf(actual.get(symbol.name), symbol)) found.push({ symbol: symbol.name, type: symbol.type });
    const isFree = evaluation.dependency(symbol) !== 0 || evaluation.selected(symbol) !== 0;
    if (value !== undefined && !isFree) found.push({ symbol: symbol.name, value, dependency: 'not met' });
    if (value === undefined && evaluation.visibility(symbol) !== 0) found.push({ symbol: symbol.name, visible: true });
  }
  return found;
}

function hasTypeOf(value: Value | undefined, { type }: KconfigSymbol): boolean {
  if (value === undefined) return true;
  return type === 'bool' || type === 'tristate' ? value.kind === 'tristate' : type === value.kind;
}

/** As Buildroot's Makefile makes one: what randconfig itself writes has values that its own next run corrects. */
async function randomConfig(conf: BuildrootConf, seed: number): Promise<DotConfig> {
  const probability = [5, 20, 50, 80, 95][seed % 5];
  const more = { KCONFIG_SEED: `${seed}`, KCONFIG_PROBABILITY: `${probability}` };
  const random = await conf.run('--randconfig', undefined, more);
  return conf.run('--olddefconfig', textOf(random, new Map()));
}

function textOf(config: DotConfig, requests: ReadonlyMap<string, Value>): string {
  return [...config, ...requests].map(([symbol, value]) => `${formatAssignment(symbol, value)}\n`).join('');
}

/** Repeatable numbers from 0 up to a limit (mulberry32). */
function numbersFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function randomRequests(model: KconfigModel, random: (limit: number) => number): ReadonlyMap<string, Value> {
  const symbols = [...model.symbols.values()].filter(({ environment }) => !environment);
  const requests = new Map<string, Value>();
  for (let count = 0; count < 60; count++) {
    const symbol = symbols[random(symbols.length)];
    if (symbol?.type === 'bool') requests.set(symbol.name, random(4) === 0 ? NOT_SET : YES);
    else if (symbol?.type === 'int') requests.set(symbol.name, { kind: 'int', value: `${random(100_000)}` });
    else if (symbol?.type === 'string') requests.set(symbol.name, { kind: 'string', value: 'asked for' });
  }
  return requests;
}

function expectTrue(reason: Reason, wanted: Value, actual: DotConfig, model: KconfigModel): void {
  const evaluation = new Evaluation(model, actual);
  const words = renderReason(reason, model);
  switch (reason.kind) {
    case 'unmet-dependency':
    case 'hidden-prompt':
      expect(evaluation.condition(reason.unmet.part), words).toBe(0);
      expect(reason.unmet.leaves, words).not.toEqual([]);
      for (const { symbol, needs, origin } of reason.unmet.leaves) {
        if (origin.kind === 'environment') continue;
        if (needs.text === 'y') expect(sameValue(actual.get(symbol), YES), words).toBe(needs.operator !== '=');
        if (needs.text === 'n') expect(sameValue(actual.get(symbol), NOT_SET), words).toBe(needs.operator !== '=');
      }
      break;
    case 'selected':
      expect(wanted, words).toEqual(NOT_SET);
      expect(reason.by, words).not.toEqual([]);
      for (const { symbol } of reason.by) expect(actual.get(symbol), words).toEqual(YES);
      break;
    case 'other-member':
      expect(actual.get(reason.winner ?? ''), words).toEqual(YES);
      break;
    default:
      expect(words).toContain(reason.symbol);
  }
}

/** The one symbol that has to be on for the asked one to be taken, if that is all and it can be set. */
function singleLeaf(reason: Reason, model: KconfigModel): string | undefined {
  if (reason.kind !== 'unmet-dependency' && reason.kind !== 'hidden-prompt') return undefined;
  const { part, leaves } = reason.unmet;
  const symbol = model.symbols.get(reason.symbol);
  // Of a choice another may win then, and what was asked for may be out of range.
  const isFree = symbol !== undefined && symbol.choice === undefined && symbol.ranges.length === 0;
  return isFree && part.kind === 'symbol' && leaves[0]?.origin.kind === 'settable' ? part.name : undefined;
}
