import { expect, test } from 'vitest';
import { eachStatement, type Statement } from './statements.ts';

function statementsOf(text: string): readonly Statement[] {
  const found: Statement[] = [];
  eachStatement(text, (statement) => found.push(statement));
  return found;
}

test('comments and empty lines are left out, continuations are joined, lines are counted', () => {
  const text = '# config A\n\nconfig B\n\tdepends on C && \\\n\t\tD\n  bool "b"\n$(warning,x)';
  expect(statementsOf(text)).toEqual([
    { keyword: 'config', rest: ' B', line: 3 },
    { keyword: 'depends', rest: ' on C &&  \t\tD', line: 4 },
    { keyword: 'bool', rest: ' "b"', line: 6 },
    { keyword: '', rest: '$(warning,x)', line: 7 },
  ]);
});

test.each(['help', '---help---'])('%s: the text ends where the indentation does', (keyword) => {
  const text = `config A\n\t${keyword}\n\n\t  config B\n\n\t    more  \n\tbool\nconfig C\n`;
  expect(statementsOf(text)).toEqual([
    { keyword: 'config', rest: ' A', line: 1 },
    { keyword: 'help', rest: '', line: 2, help: 'config B\n\n  more' },
    { keyword: 'bool', rest: '', line: 7 },
    { keyword: 'config', rest: ' C', line: 8 },
  ]);
});

test('a help without a text takes nothing from what follows', () => {
  expect(statementsOf('help\nconfig A').map(({ keyword, line }) => [keyword, line])).toEqual([
    ['help', 1],
    ['config', 2],
  ]);
});

test('a help can be indented with tabs or blanks, and can end the file', () => {
  expect(statementsOf('help\n        one\n\ttwo')[0]?.help).toBe('one\ntwo');
});
