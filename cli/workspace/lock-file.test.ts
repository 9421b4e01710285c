import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fullDisk } from '../../test/support/files.ts';
import { Failure } from '../failure.ts';
import { lockFilePath, readLockFile, updateLockFile } from './lock-file.ts';
import type { LockFile } from './lock-schema.ts';

const project = (): Promise<string> => mkdtemp(join(tmpdir(), 'coracle lock '));
const commit = 'c'.repeat(40);
const one = {
  name: 'podman',
  version: '4.3.1+ds1-8',
  arch: 'amd64',
  sha256: 'a'.repeat(64),
  size: 7,
  uri: 'pool/p.deb',
};

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

describe('coracle.lock', () => {
  test('is empty where there is none', async () => {
    expect(await readLockFile(await project())).toEqual({ git: {}, debian: {} });
  });

  test('keeps the sections that a change does not touch', async () => {
    const directory = await project();
    await updateLockFile(directory, (lock) => ({
      ...lock,
      git: { 'https://example.org/x.git': { rev: 'v1', commit } },
    }));
    await updateLockFile(directory, (lock) => ({
      ...lock,
      debian: { ...lock.debian, qemu: { request: 'r', arch: 'amd64', packages: [one] } },
    }));
    const lock = await readLockFile(directory);
    expect(lock.git['https://example.org/x.git']?.rev).toBe('v1');
    expect(lock.debian['qemu']?.packages).toEqual([one]);
  });

  test('is sorted and has one package a line', async () => {
    const directory = await project();
    const packages = [one, { ...one, name: 'crun' }];
    await updateLockFile(directory, () => ({ git: {}, debian: { qemu: { request: 'r', arch: 'amd64', packages } } }));
    const lines = (await readFile(lockFilePath(directory), 'utf8'))
      .split('\n')
      .filter((line) => line.includes('name:'));
    expect(lines.map((line) => line.trim().slice(0, 14))).toEqual(['- {name: crun,', '- {name: podma']);
  });

  test('law: what is written is read back', async () => {
    const directory = await project();
    const text = fc.string({ unit: 'grapheme' });
    const pin = fc.record({ rev: text, commit: fc.stringMatching(/^[0-9a-f]{40}$/) });
    const locked = fc.record({
      name: text,
      version: text,
      arch: text,
      sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
      size: fc.nat(),
      uri: text,
    });
    const key = text.filter((name) => name !== '__proto__');
    const lockFile = fc.record({
      git: fc.dictionary(key, pin, { noNullPrototype: true }),
      debian: fc.dictionary(
        key,
        fc.record({ request: text, arch: text, packages: fc.array(locked, { maxLength: 1 }) }),
        { noNullPrototype: true },
      ),
    });
    await fc.assert(
      fc.asyncProperty(lockFile, async (lock: LockFile) => {
        await updateLockFile(directory, () => lock);
        expect(await readLockFile(directory)).toEqual(lock);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['broken YAML', 'format: 1\ngit: {a: [}\n', 2],
    ['an unknown key', 'format: 1\ngti: {}\n', 1],
    ['a short commit', `format: 1\ngit:\n  u: {rev: v1, commit: abc}\n`, 3],
    ['another format', 'format: 99\n', 1],
    ['an empty file', '', 1],
  ])('refuses %s with its place', async (_what, text, line) => {
    const directory = await project();
    await writeFile(lockFilePath(directory), text);
    const { parts } = await failureOf(readLockFile(directory));
    expect(parts).toMatchObject({ code: 'broken-lock', place: { file: lockFilePath(directory), line } });
    expect(parts.hint).toContain('coracle update');
  });

  test('takes changes of several processes at once, and leaves no locks behind', async () => {
    const directory = await project();
    const program = `
      const { updateLockFile } = await import(${JSON.stringify(new URL('./lock-file.ts', import.meta.url).href)});
      const [directory, name] = process.argv.slice(1);
      for (let n = 0; n < 5; n++)
        await updateLockFile(directory, (lock) => ({
          ...lock, git: { ...lock.git, [name + n]: { rev: 'v', commit: ${JSON.stringify(commit)} } } }));`;
    const run = (name: string) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, directory, name]);
    await Promise.all(['a', 'b', 'c'].map(run));
    expect(Object.keys((await readLockFile(directory)).git)).toHaveLength(15);
    expect(await readdir(directory)).toEqual(['coracle.lock']);
  }, 30_000);

  test('on a full disk stays as it was', async (ctx) => {
    const directory = fullDisk(ctx);
    const failure = await failureOf(
      updateLockFile(directory, () => ({ git: { u: { rev: 'v1', commit } }, debian: {} })),
    );
    expect(failure.parts).toMatchObject({ code: 'disk-full', place: { file: `${lockFilePath(directory)}.held` } });
    expect(await readdir(directory)).toEqual(['filler']);
  });

  test('takes over a lock whose holder is gone', async () => {
    const directory = await project();
    const held = `${lockFilePath(directory)}.held`;
    // This process id lives, but it started at another time: it was reused.
    await writeFile(held, JSON.stringify({ pid: process.pid, host: hostname(), startTicks: '1', boot: 'earlier' }));
    await updateLockFile(directory, () => ({ git: { u: { rev: 'v1', commit } }, debian: {} }));
    expect(await readdir(directory)).toEqual(['coracle.lock']);
  });
});
