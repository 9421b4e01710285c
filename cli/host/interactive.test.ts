import { expect, test } from 'vitest';
import { failureOf } from '../../test/support/files.ts';
import { runInteractive } from './interactive.ts';

const run = (argv: readonly [string, ...string[]], signal = new AbortController().signal) =>
  runInteractive({ argv, cwd: '/', signal });

test('it gives the exit code, whichever it is', async () => {
  expect(await run(['sh', '-c', 'exit 7'])).toBe(7);
  expect((await failureOf(run(['no such program']))).parts.code).toBe('command-missing');
});

test('Ctrl-C is left to the program, and heard again afterwards', async () => {
  let heard = 0;
  const listener = (): void => {
    heard++;
  };
  process.on('SIGINT', listener);
  try {
    expect(await run(['sh', '-c', 'kill -s INT $PPID'])).toBe(0);
    expect(heard).toBe(0);
    process.emit('SIGINT');
    expect(heard).toBe(1);
  } finally {
    process.off('SIGINT', listener);
  }
});

test('an abort ends it', async () => {
  const stopper = new AbortController();
  const ended = failureOf(run(['sleep', '60'], stopper.signal));
  stopper.abort();
  expect((await ended).parts.code).toBe('stopped');
});
