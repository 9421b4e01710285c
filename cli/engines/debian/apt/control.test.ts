import { describe, expect, it } from 'vitest';
import { fieldWords, formatParagraph, parseParagraphs } from './control.ts';

const TEXT = [
  '# a comment',
  'Package: one',
  'Description: short',
  ' long, first line',
  ' .',
  '   indented',
  'Depends: a (>= 1), b | c',
  '',
  '',
  'PACKAGE: two\r',
  'Suites:',
  ' x',
  ' y  z',
].join('\n');

describe('parseParagraphs', () => {
  it('reads fields, continuation lines and paragraphs', () => {
    const [one, two, ...rest] = parseParagraphs(TEXT);
    expect(rest).toEqual([]);
    expect(one?.get('package')).toBe('one');
    expect(one?.get('description')).toBe('short\nlong, first line\n.\n  indented');
    expect(two?.get('package')).toBe('two');
    expect(fieldWords(two ?? new Map(), 'suites')).toEqual(['x', 'y', 'z']);
  });

  it('reads what formatParagraph writes', () => {
    for (const paragraph of parseParagraphs(TEXT))
      expect(parseParagraphs(formatParagraph(paragraph))).toEqual([paragraph]);
  });
});
