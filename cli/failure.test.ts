import { expect, test } from 'vitest';
import { Failure, Failures, throwAny } from './failure.ts';

const one = new Failure({ code: 'one', message: 'first', layer: 'a/b' });
const two = new Failure({ code: 'two', message: 'second' });

test('what is known already wins over what is said later', () => {
  expect(one.with({ layer: 'c/d', hint: 'try' }).parts).toEqual({
    code: 'one',
    message: 'first',
    layer: 'a/b',
    hint: 'try',
  });
});

test('several failures stay several, and where to look is said behind the last', () => {
  const more = new Failures([one, two]).with({ layer: 'c/d', log: '/log', retry: 'again' });
  expect(more).toBeInstanceOf(Failures);
  expect(more.all.map(({ parts }) => [parts.message, parts.layer, parts.log, parts.retry])).toEqual([
    ['first', 'a/b', undefined, undefined],
    ['second', 'c/d', '/log', 'again'],
  ]);
});

test('throwAny throws nothing, one, or all', () => {
  expect(() => throwAny([])).not.toThrow();
  expect(() => throwAny([one])).toThrow(one);
  expect(() => throwAny([one, two])).toThrow(Failures);
});
