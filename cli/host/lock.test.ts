import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeLock } from './lock.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const options = { what: 'workspace demo', purpose: 'a test' };

test('a second taker is told who holds it, or waits', async () => {
  const path = join(directory, 'lock');
  const first = await takeLock(path, options);
  await expect(takeLock(path, { ...options, waitMs: 0 })).rejects.toMatchObject({
    parts: { code: 'locked', message: expect.stringContaining(`process ${process.pid}`) },
  });
  let released = '';
  const second = takeLock(path, {
    ...options,
    onWait: () => {
      released = new Date().toISOString();
      void first[Symbol.asyncDispose]();
    },
  });
  const held = await second;
  expect(released).not.toBe('');
  expect(JSON.parse(await readFile(path, 'utf8')).since >= released, 'since when it holds, not since it waits').toBe(
    true,
  );
  await held[Symbol.asyncDispose]();
  expect(await readdir(directory)).toEqual([]);
});

test('only one of several processes holds it at a time', async () => {
  const path = join(directory, 'lock');
  const counter = join(directory, 'counter');
  await writeFile(counter, '0');
  const program = `
    const { readFile, writeFile } = await import('node:fs/promises');
    const { takeLock } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))});
    for (let n = 0; n < 40; n++) {
      await using _lock = await takeLock(${JSON.stringify(path)}, { what: 'w', purpose: 'p' });
      const before = Number(await readFile(${JSON.stringify(counter)}, 'utf8'));
      await writeFile(${JSON.stringify(counter)}, String(before + 1));
    }`;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program]);
  await Promise.all([run(), run(), run(), run()]);
  expect(await readFile(counter, 'utf8')).toBe('160');
  expect(await readdir(directory)).toEqual(['counter']);
}, 60_000);

test('a link that leads nowhere holds nothing; a directory in its place is told', async () => {
  const path = join(directory, 'lock');
  await symlink('nowhere', path);
  await (await takeLock(path, { ...options, waitMs: 5000 }))[Symbol.asyncDispose]();
  expect(await readdir(directory)).toEqual([]);
  await mkdir(path);
  await expect(takeLock(path, options)).rejects.toMatchObject({ parts: { code: 'not-a-file', place: { file: path } } });
});

test('the lock of a killed process is taken over', async () => {
  const path = join(directory, 'lock');
  const program = `
    const { takeLock } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.ts'))});
    await takeLock(${JSON.stringify(path)}, { what: 'w', purpose: 'p' });
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const died = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await died;
  const lock = await takeLock(path, { ...options, waitMs: 5000 });
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
  await lock[Symbol.asyncDispose]();
});

test('a process id that is used again by another process holds nothing', async () => {
  const path = join(directory, 'lock');
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const former = { pid: process.pid, host: hostname(), startTicks: '1', boot, purpose: 'p', since: 's' };
  await writeFile(path, JSON.stringify(former));
  await (await takeLock(path, { ...options, waitMs: 5000 }))[Symbol.asyncDispose]();
  expect(await readdir(directory)).toEqual([]);
});

test('a process that has ended, and that nobody has waited for, holds nothing', async () => {
  // The shell becomes a program that knows nothing of the child it started; the child ends with its input, after that.
  const parent = spawn('/bin/sh', ['-c', 'cat <&3 >&2 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  try {
    const pid = Number(await new Promise((resolve) => parent.stdout?.once('data', resolve)));
    await expect.poll(() => readFile(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n');
    (parent.stdio[3] as Writable).end();
    const stats = async (): Promise<string[]> => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
    await expect.poll(async () => (await stats())[2]).toBe('Z');
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const ended = { pid, host: hostname(), startTicks: (await stats())[21], boot, purpose: 'p', since: 's' };
    const path = join(directory, 'lock');
    await writeFile(path, JSON.stringify(ended));
    await (await takeLock(path, { ...options, waitMs: 0 }))[Symbol.asyncDispose]();
    expect(await readdir(directory)).toEqual([]);
  } finally {
    parent.kill('SIGKILL');
  }
});

test('many at once over a dead lock: one at a time', async () => {
  const path = join(directory, 'lock');
  await writeFile(path, 'garbage');
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      await using _lock = await takeLock(path, options);
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside -= 1;
    }),
  );
  expect(most).toBe(1);
});
