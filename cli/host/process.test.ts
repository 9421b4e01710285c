/** Children that behave, and children that do not: `sh` and Node stand for all of them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '../../test/support/files.ts';
import { isRunning } from '../../test/support/processes.ts';
import type { Failure } from '../failure.ts';
import { type Command, quoteForPeople, runCommand } from './process.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle process '));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function shell(script: string, more: Partial<Command> = {}) {
  return runCommand({ argv: ['sh', '-c', script], cwd: directory, ...more });
}

async function pidIn(file: string): Promise<number> {
  const path = join(directory, file);
  await expect.poll(() => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n')).toBe(true);
  return Number(readFileSync(path, 'utf8'));
}

async function partsOf(work: Promise<unknown>): Promise<Failure['parts']> {
  return (await failureOf(work)).parts;
}

describe('runCommand', () => {
  it('captures stdout, and shows stderr line by line', async () => {
    const lines: string[] = [];
    const { stdout } = await shell('echo data; echo talk >&2', {
      stdout: 'capture',
      onLine: (line) => lines.push(line),
    });
    expect(stdout).toBe('data\n');
    expect(lines).toEqual(['talk']);
  });

  it('writes a log with the command line and all that was said', async () => {
    const log = join(directory, 'logs/child.log');
    await shell('echo one; echo two >&2', { log });
    await shell('echo three', { log });
    expect(readFileSync(log, 'utf8')).toBe("$ sh -c 'echo one; echo two >&2'\none\ntwo\n$ sh -c 'echo three'\nthree\n");
  });

  it('has an environment of its own', async () => {
    const { stdout } = await runCommand({ argv: ['env'], cwd: directory, env: { MINE: '1' }, stdout: 'capture' });
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    expect(names.filter((name) => name !== '').sort()).toEqual([
      'HOME',
      'LANG',
      'LC_ALL',
      'MINE',
      'PATH',
      'TMPDIR',
      'TZ',
    ]);
  });

  it('feeds stdin, whether it is read or not', async () => {
    const large = Buffer.alloc(1_000_000, 'x');
    const { stdout } = await runCommand({ argv: ['wc', '-c'], cwd: directory, stdin: large, stdout: 'capture' });
    expect(stdout.trim()).toBe('1000000');
    expect((await shell('exit 0', { stdin: large })).exitCode).toBe(0);
    expect((await partsOf(shell('exit 3', { stdin: large }))).message).toBe('sh ended with exit code 3');
  });

  it('says how a child failed, with its last lines', async () => {
    const log = join(directory, 'log');
    const script = 'i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo line $i; done; exit 7';
    const failure = await partsOf(shell(script, { log }));
    expect(failure).toMatchObject({ code: 'command-failed', message: 'sh ended with exit code 7', log });
    expect(failure.cause?.split('\n').at(0)).toBe('line 61');
    expect(failure.cause?.split('\n').at(-1)).toBe('line 100');
    expect((await partsOf(shell('kill -s SEGV $$'))).message).toBe('sh ended with SIGSEGV');
    expect((await shell('exit 7', { accept: [0, 7] })).exitCode).toBe(7);
  });

  it('says that a program is missing', async () => {
    const failure = await partsOf(runCommand({ argv: ['no-such-program'], cwd: directory }));
    expect(failure).toMatchObject({
      code: 'command-missing',
      message: 'the program no-such-program is not on this machine',
    });
    expect(failure.hint).toContain('coracle doctor');
  });

  it('reads characters that the pipe cuts in two', async () => {
    const lines: string[] = [];
    const program = `const text = Buffer.from('žluťoučký kůň\\n'.repeat(3));
      const write = (at) => { if (at < text.length) process.stdout.write(text.subarray(at, at + 1), () => setImmediate(write, at + 1)); };
      write(0);`;
    await runCommand({ argv: [process.execPath, '-e', program], cwd: directory, onLine: (line) => lines.push(line) });
    expect(lines).toEqual(Array.from({ length: 3 }, () => 'žluťoučký kůň'));
  });

  it('cuts a line that does not end', async () => {
    const lines: string[] = [];
    await shell('head -c 1000000 /dev/zero | tr "\\0" x', { onLine: (line) => lines.push(line) });
    expect(lines.join('')).toBe('x'.repeat(1_000_000));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(200_000);
  });

  it('ends the whole tree when it is stopped, even one that does not want to', { timeout: 20_000 }, async () => {
    const stopper = new AbortController();
    const script =
      '(trap "" TERM; echo $$ >/dev/null; sh -c \'echo $PPID\' > inner; while :; do sleep 0.1; done) & wait';
    const ended = partsOf(shell(script, { signal: stopper.signal }));
    const inner = await pidIn('inner');
    expect(isRunning(inner)).toBe(true);
    stopper.abort();
    expect((await ended).code).toBe('stopped');
    await expect.poll(() => isRunning(inner)).toBe(false);
  });

  it('ends a child that takes too long', async () => {
    const failure = await partsOf(shell('echo slow; sleep 60', { timeoutMs: 300 }));
    expect(failure).toMatchObject({ code: 'command-timeout', message: 'sh did not end within 0.3 s', cause: 'slow' });
  });

  it('leaves daemons alone, unless they are to end too', async () => {
    const daemon = 'sleep 60 >/dev/null 2>&1 & echo $! > daemon';
    await shell(daemon);
    const kept = await pidIn('daemon');
    expect(isRunning(kept)).toBe(true);
    process.kill(kept, 'SIGKILL');
    await shell(daemon, { endLeftovers: true });
    const ended = await pidIn('daemon');
    await expect.poll(() => isRunning(ended)).toBe(false);
  });

  it('is not begun once it is stopped', async () => {
    await expect(shell('echo x > begun', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    expect(existsSync(join(directory, 'begun'))).toBe(false);
  });
});

it('quoteForPeople gives what a shell reads back', async () => {
  const words = ['plain', 'two words', "it's", '$(date)', '', 'ünï', 'a"b', '\\', '*'];
  const { stdout } = await shell(`printf '%s\\n' ${words.map(quoteForPeople).join(' ')}`, { stdout: 'capture' });
  expect(stdout).toBe(words.map((word) => `${word}\n`).join(''));
});

it('quoteForPeople leaves no control character that a terminal would act upon', async () => {
  const words = ['two\nlines', "it's\ta\\b", '\u001b[201~', '\u0001', '\u007f'];
  const quoted = words.map(quoteForPeople);
  expect(quoted.join('')).not.toMatch(/\p{Cc}/u);
  const script = `printf '%s\\0' ${quoted.join(' ')}`;
  const { stdout } = await runCommand({ argv: ['bash', '-c', script], cwd: directory, stdout: 'capture' });
  expect(stdout.split('\0').slice(0, -1)).toEqual(words);
});
