import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../failure.ts';
import {
  ensureKey,
  quoteForShell,
  runOnDevice,
  type SshTarget,
  sshArguments,
  sshCommandForPeople,
  untilLogin,
} from './ssh.ts';

let directory: string;
let target: SshTarget;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coracle ssh%h '));
  target = { host: '127.0.0.1', port: 2222, user: 'root', directory, name: 'coracle-it', hostKey: 'kept' };
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function fakeSsh(script: string): void {
  mkdirSync(join(directory, 'bin'), { recursive: true });
  writeFileSync(join(directory, 'bin/ssh'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'bin/ssh'), 0o755);
  vi.stubEnv('PATH', `${join(directory, 'bin')}:${process.env['PATH']}`);
}

it('quotes words so that a shell gives them back as they were', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string().filter((word) => !word.includes('\0')),
        { minLength: 1 },
      ),
      (words) => {
        const line = `printf '%s\\0' ${words.map(quoteForShell).join(' ')}`;
        expect(execFileSync('/bin/sh', ['-c', line]).toString()).toBe(words.map((word) => `${word}\0`).join(''));
      },
    ),
    { numRuns: 30 },
  );
});

describe('sshArguments', () => {
  it('takes nothing from the user, and trusts a host key only once', () => {
    const argv = sshArguments(target);
    expect(argv.slice(0, 3)).toEqual(['ssh', '-F', '/dev/null']);
    expect(argv).toContain('StrictHostKeyChecking=accept-new');
    expect(argv).toContain('UserKnownHostsFile=known_hosts');
    expect(argv).toContain('IdentityAgent=none');
    expect(argv.at(-1)).toBe('root@127.0.0.1');
    expect(sshArguments({ ...target, hostKey: 'any' })).toContain('UserKnownHostsFile=/dev/null');
  });

  it('is understood by ssh', (context) => {
    try {
      const [, ...argv] = sshArguments(target);
      const config = execFileSync('ssh', ['-G', ...argv], { cwd: directory }).toString();
      expect(config).toMatch(/^hostkeyalias coracle-it$/m);
      expect(config).toMatch(/^userknownhostsfile known_hosts$/m);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      context.skip('there is no ssh on this machine');
    }
  });

  it('is shown to people so that they can paste it', () => {
    expect(sshCommandForPeople(target)).toContain(`-i '${join(directory, 'id_ed25519')}' -p 2222`);
  });
});

describe('runOnDevice', () => {
  it('returns what the program printed, and tells its failure from that of the connection', async () => {
    fakeSsh('for last; do :; done; echo "$last"');
    expect((await runOnDevice(target, ['echo', "it's"])).stdout).toBe("'it'\\''s'\n");
    fakeSsh('echo no such file >&2; exit 1');
    await expect(runOnDevice(target, ['cat', 'x'])).rejects.toMatchObject({ parts: { code: 'command-failed' } });
    fakeSsh('echo Connection refused >&2; exit 255');
    const error = await runOnDevice(target, ['true']).catch((thrown: unknown) => thrown);
    expect((error as Failure).parts).toMatchObject({ code: 'ssh-failed', cause: 'Connection refused' });
  });
});

describe('untilLogin', () => {
  it('gives up at its limit with the last reason', async () => {
    fakeSsh('echo Connection reset >&2; exit 255');
    await expect(untilLogin(target, 600)).rejects.toMatchObject({ parts: { cause: 'Connection reset' } });
  });

  it('does not try again with a device that shows another host key', async () => {
    fakeSsh(`echo x >> "${directory}/tries"; echo "REMOTE HOST IDENTIFICATION HAS CHANGED!" >&2; exit 255`);
    await expect(untilLogin(target, 60_000)).rejects.toBeInstanceOf(Failure);
    expect(readFileSync(join(directory, 'tries'), 'utf8')).toBe('x\n');
  });
});

describe('ensureKey', () => {
  it('makes a key once, for its owner only', async (context) => {
    try {
      execFileSync('ssh-keygen', ['-l', '-f', '/dev/null'], { stdio: 'ignore' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') context.skip('there is no ssh-keygen on this machine');
    }
    const path = await ensureKey(directory);
    const key = readFileSync(path, 'utf8');
    expect(key).toMatch(/^ssh-ed25519 \S+ coracle-run\n$/);
    expect(statSync(join(directory, 'id_ed25519')).mode & 0o777).toBe(0o600);
    expect(await ensureKey(directory)).toBe(path);
    expect(readFileSync(path, 'utf8')).toBe(key);
    expect(existsSync(join(directory, 'known_hosts'))).toBe(false);
  });
});
