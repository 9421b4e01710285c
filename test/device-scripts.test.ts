/** The scripts that go onto every device, under both shells that devices have. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory, writeTree } from './support/files.ts';

const SCRIPTS = join(import.meta.dirname, '../layers/base/common/root_overlay/usr/bin');
const SHELLS = [
  { program: 'dash', first: [] },
  { program: 'busybox', first: ['ash'] },
];

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.each(SHELLS)('under $program', ({ program: shell, first }) => {
  const has = spawnSync(shell, [...first, '-c', 'true']).status === 0;
  const lacking = `this machine has no ${shell}`;

  function run(script: string, args: readonly string[], environment: Readonly<Record<string, string>>): Ran {
    return spawnSync(shell, [...first, join(SCRIPTS, script), ...args], {
      encoding: 'utf8',
      env: { PATH: `${SCRIPTS}:${process.env['PATH'] ?? ''}`, ...environment },
    });
  }

  /** Emits an event and returns what the console shows. */
  function emit(directory: string, ...args: readonly string[]): unknown {
    const console = join(directory, 'console');
    const ran = run('coracle-event', args, { CORACLE_CONSOLE: console, CORACLE_RUN: directory });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    const line = readFileSync(console, 'utf8');
    expect(line).toMatch(/^coracle: event \{.*\}\n$/);
    return JSON.parse(line.slice('coracle: event '.length));
  }

  test('an event is one line of JSON with the time since boot', (context) => {
    if (!has) context.skip(lacking);
    const event = emit(temporaryDirectory(), 'engine-ready', 'engine=podman 4.3.1', 'checks:=[1,{"a":null}]');
    expect(event).toEqual({
      event: 'engine-ready',
      uptime: expect.any(Number),
      engine: 'podman 4.3.1',
      checks: [1, { a: null }],
    });
  });

  test('law: any text comes through, other control characters than new line and tab aside', (context) => {
    if (!has) context.skip(lacking);
    const directory = temporaryDirectory();
    const text = string({
      unit: oneof(constantFrom('"', '\\', '\n', '\t', '=', '$', '`', '%', '*', 'ü', '\u{1f6f6}', '\u0001'), string()),
    });
    assert(
      property(text, (written) => {
        // The console's end of the shell cannot know NUL, and arguments cannot hold it.
        const given = written.replaceAll('\0', '');
        const expected = given.replaceAll(/[\u0001-\u0008\u000b-\u001f\u007f]/g, '?');
        expect(emit(directory, 'container', `output=${given}`)).toMatchObject({ output: expected });
      }),
      { numRuns: 40 },
    );
  });

  test('an event that is no event is refused', (context) => {
    if (!has) context.skip(lacking);
    const environment = { CORACLE_CONSOLE: '/dev/null', CORACLE_RUN: temporaryDirectory() };
    expect(run('coracle-event', [], environment).status).toBe(1);
    expect(run('coracle-event', ['container', 'output'], environment)).toMatchObject({
      status: 1,
      stderr: "coracle-event: 'output' is not KEY=TEXT or KEY:=JSON\n",
    });
  });

  function health(directory: string, ...args: readonly string[]): Ran & { readonly json: unknown } {
    const ran = run('coracle-health', args, {
      CORACLE_CONSOLE: join(directory, 'console'),
      CORACLE_RUN: directory,
      CORACLE_HEALTH_CHECKS: join(directory, 'checks'),
      CORACLE_HEALTH_LIMIT: '1',
    });
    return { ...ran, json: JSON.parse(readFileSync(join(directory, 'health.json'), 'utf8')) };
  }
  const program = (text: string) => ({ program: `#!/bin/sh\n${text}\n` });

  test('healthy is what every check finds healthy', (context) => {
    if (!has) context.skip(lacking);
    const directory = temporaryDirectory();
    writeTree(directory, {
      'checks/10-one': program(`echo 'said "so" \\ once'; echo 'never shown'`),
      'checks/20-two': program('exit 0'),
      'checks/README': 'not a check',
    });
    const seen = health(directory, '--event');
    expect(seen).toMatchObject({ status: 0, stderr: '' });
    const expected = {
      state: 'healthy',
      checks: [
        { name: 'one', state: 'healthy', text: 'said "so" \\ once', ms: expect.any(Number) },
        { name: 'two', state: 'healthy', text: '', ms: expect.any(Number) },
      ],
    };
    expect(seen.json).toEqual(expected);
    expect(JSON.parse(seen.stdout)).toEqual(expected);
    const event = readFileSync(join(directory, 'console'), 'utf8').replace('coracle: event ', '');
    expect(JSON.parse(event)).toEqual({ event: 'health', uptime: expect.any(Number), ...expected });
  });

  test('degraded is worse than healthy, and unhealthy worse than both', (context) => {
    if (!has) context.skip(lacking);
    const directory = temporaryDirectory();
    writeTree(directory, { 'checks/10-works': program('exit 0'), 'checks/20-full': program('echo full; exit 3') });
    expect(health(directory, '--quiet')).toMatchObject({ status: 1, stdout: '', json: { state: 'degraded' } });

    writeTree(directory, { 'checks/15-gone': program('echo gone >&2; exit 7') });
    expect(health(directory).json).toMatchObject({
      state: 'unhealthy',
      checks: [{ state: 'healthy' }, { state: 'unhealthy', text: 'gone' }, { state: 'degraded', text: 'full' }],
    });
  });

  test('a check that hangs is unhealthy when its time is over', (context) => {
    if (!has) context.skip(lacking);
    const directory = temporaryDirectory();
    writeTree(directory, { 'checks/10-hangs': program('exec sleep 60') });
    const began = performance.now();
    expect(health(directory).json).toMatchObject({
      state: 'unhealthy',
      checks: [{ name: 'hangs', state: 'unhealthy', text: 'no answer within 1 s' }],
    });
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
