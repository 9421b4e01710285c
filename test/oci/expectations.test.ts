/** The readers and the comparison that the suites rest on. */
import { expect, it } from 'vitest';
import { compare } from './support/expectations.ts';
import { readTap } from './support/tap.ts';

it('reads what bats and others print', () => {
  const text = [
    '1..4',
    'ok 1 - one',
    'ok 2 two in 12ms',
    'not ok 3 three',
    '# because',
    'ok 4 four # skip no reason',
    'ok 5 - five #SKIP',
  ];
  expect(readTap(text.join('\r\n'))).toEqual([
    { name: 'one', outcome: 'passed', note: '' },
    { name: 'two', outcome: 'passed', note: '' },
    { name: 'three', outcome: 'failed', note: 'because\n' },
    { name: 'four', outcome: 'not applicable', note: 'no reason' },
    { name: 'five', outcome: 'not applicable', note: '' },
  ]);
});

it('a regression, an unseen improvement, a missing test and a missing reason are told', () => {
  const expected = {
    passed: ['good', 'worse', 'gone'],
    failed: { better: 'a reason', elsewhere: 'this machine lacks it', silent: 'not explained yet' },
    notApplicable: {},
  };
  const tests = readTap(
    `${['good', 'better', 'elsewhere', 'new'].map((name) => `ok 1 - ${name}`).join('\n')}\nnot ok 2 - worse\nnot ok 3 - silent`,
  );
  expect(compare(tests, expected)).toEqual([
    'passes, though expected to fail: better',
    'is not known: new',
    'fails: worse: ',
    'was not run: gone',
    'fails without a reason in the list: silent',
  ]);
});
