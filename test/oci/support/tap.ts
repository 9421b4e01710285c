/** Reads what suites of others print: the Test Anything Protocol. */

export type Outcome = 'passed' | 'failed' | 'not applicable';

export interface TapTest {
  readonly name: string;
  readonly outcome: Outcome;
  /** What stood after the name or, of a failure, in the comments below. */
  readonly note: string;
}

export function readTap(text: string): readonly TapTest[] {
  const tests: { name: string; outcome: Outcome; note: string }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const found = /^(ok|not ok) \d+(?: -)? (.*?)(?:\s+#\s*(skip|todo)\b\s*(.*))?$/i.exec(line);
    if (found !== null) {
      const [, word = '', name = '', directive, note = ''] = found;
      // bats tells how long it took.
      const clean = name.replace(/ in \d+ms$/, '').trim();
      const outcome = directive !== undefined ? 'not applicable' : word === 'ok' ? 'passed' : 'failed';
      tests.push({ name: clean, outcome, note: note.trim() });
      continue;
    }
    const last = tests.at(-1);
    if (last?.outcome === 'failed' && line.startsWith('#')) last.note += `${line.slice(1).trim()}\n`;
  }
  return tests;
}
