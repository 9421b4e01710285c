import { expect, test } from 'vitest';
import { failureText } from './failure-text.ts';

const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);

test('of what a program said, the end is shown', () => {
  const text = failureText({ code: 'x', message: 'it ended', cause: lines.join('\n') }, '/');
  expect(text.split('\n')).toEqual(['error: it ended', ...lines.slice(28).map((line) => `  ${line}`)]);
});

test('of a list that Coracle made, every line is shown, and empty ones stay', () => {
  const cause = ['Missing:', '', ...lines].join('\n');
  const text = failureText({ code: 'x', message: 'things are missing', cause, wholeCause: true }, '/');
  expect(text.split('\n')).toEqual([
    'error: things are missing',
    '  Missing:',
    '',
    ...lines.map((line) => `  ${line}`),
  ]);
});
