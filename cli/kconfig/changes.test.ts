import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesBetween, settingsBetween, withoutNeedless } from './changes.ts';
import { parseDotConfig } from './dotconfig.ts';

const dotConfig = (text: string) => parseDotConfig(text, { file: '.config', layer: 'test' });

test('changes are those of meaning, in the order of the menus', () => {
  const before = dotConfig('A=y\n# B is not set\nC="x"\nD=7\nGONE=y\n'.replaceAll(/\b(?=[A-Z])/g, 'CONFIG_'));
  const after = dotConfig('NEW=y\nA=y\nC="y"\nD=7\n'.replaceAll(/\b(?=[A-Z])/g, 'CONFIG_'));
  expect(changesBetween(before, after).map(({ symbol }) => symbol)).toEqual(['CONFIG_NEW', 'CONFIG_C', 'CONFIG_GONE']);
  expect(changesBetween(before, before)).toEqual([]);
});

test('what has become a default is a setting with its value, what cannot be set any more is none', () => {
  const before = dotConfig('CONFIG_A=y\nCONFIG_B=y\n');
  const after = dotConfig('CONFIG_C=y\n');
  const whole = dotConfig('# CONFIG_A is not set\nCONFIG_C=y\n');
  expect(settingsBetween(before, after, whole)).toEqual([
    { symbol: 'CONFIG_C', value: { kind: 'tristate', value: 'y' } },
    { symbol: 'CONFIG_A', value: { kind: 'tristate', value: 'n' } },
  ]);
});

test('what comes into sight and is off differs from what is not there', () => {
  const after = dotConfig('# CONFIG_A is not set\n');
  expect(settingsBetween(dotConfig(''), after)).toHaveLength(1);
  expect(settingsBetween(after, after)).toEqual([]);
});

test('law: what is needed is kept, in order, and nothing else, with few questions where few are needed', async () => {
  const case_ = fc
    .uniqueArray(fc.nat(60), { maxLength: 40 })
    .chain((all) => fc.tuple(fc.constant(all), fc.subarray(all)));
  await fc.assert(
    fc.asyncProperty(case_, async ([all, needed]) => {
      let questions = 0;
      const kept = await withoutNeedless(all, async (some) => {
        questions++;
        return needed.every((one) => some.includes(one));
      });
      expect(kept).toEqual(needed);
      expect(questions).toBeLessThanOrEqual(3 + 2 * (needed.length + 1) * Math.ceil(Math.log2(all.length + 2)));
    }),
  );
});

test('law: nothing that is kept can be left out', async () => {
  // Any rule that more settings never break.
  const rule = fc.array(fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(12)), rule, async (all, rules) => {
      const holds = async (some: readonly number[]) =>
        rules
          .filter((any) => any.some((one) => all.includes(one)))
          .every((any) => any.some((one) => some.includes(one)));
      const kept = await withoutNeedless(all, holds);
      expect(await holds(kept)).toBe(true);
      for (const one of kept) expect(await holds(kept.filter((other) => other !== one))).toBe(false);
    }),
  );
});
