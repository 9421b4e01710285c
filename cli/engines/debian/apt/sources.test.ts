import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { archiveSources, formatSources } from './sources.ts';

let etc: string;
let keyring: string;

beforeEach(() => {
  etc = mkdtempSync(join(tmpdir(), 'coracle apt '));
  mkdirSync(join(etc, 'sources.list.d'));
  keyring = join(etc, 'keyring.gpg');
  writeFileSync(keyring, '');
});
afterEach(() => rmSync(etc, { recursive: true }));

function host(name: string, text: string): void {
  writeFileSync(join(etc, name), text);
}

async function mirrors(): Promise<(readonly string[])[]> {
  return (await archiveSources({ keyring }, etc)).map((source) => source.uris);
}

describe('archiveSources', () => {
  it('takes mirrors of one-line lists', async () => {
    host(
      'sources.list',
      [
        '# deb http://old.example.org/debian bookworm main',
        'deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://near.example.org/debian/ trixie main contrib',
        'deb-src http://near.example.org/debian trixie main',
        'deb http://near.example.org/security trixie-security main # updates',
      ].join('\n'),
    );
    expect(await mirrors()).toEqual([['http://near.example.org/debian'], ['http://near.example.org/security']]);
  });

  it('takes mirrors of deb822 lists, unless they are switched off', async () => {
    host(
      'sources.list.d/debian.sources',
      [
        'Types: deb deb-src',
        'URIs: mirror+file:/etc/apt/mirrors/debian.list',
        'Suites: bookworm bookworm-updates',
        'Components: main',
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
        '',
        'Enabled: no',
        'Types: deb',
        'URIs: http://off.example.org/debian',
        'Suites: bookworm',
        'Components: main',
      ].join('\n'),
    );
    const [main] = await mirrors();
    expect(main).toEqual(['mirror+file:/etc/apt/mirrors/debian.list']);
  });

  it.each([
    ['another component', 'deb https://download.example.com/linux/debian bookworm stable'],
    ['another suite', 'deb http://apt.example.org/pub bookworm-pgdg main'],
    ['another keyring', 'deb [signed-by=/usr/share/keyrings/other.gpg] http://example.org/debian bookworm main'],
    ['another distribution', 'deb http://archive.example.com/ubuntu noble main'],
    ['a flat repository', 'deb http://example.org/flat ./'],
  ])('leaves out %s', async (_, line) => {
    host('sources.list.d/other.list', `${line}\n`);
    await expect(mirrors()).rejects.toMatchObject({ parts: { code: 'no-mirror' } });
    host('sources.list', 'deb http://near.example.org/debian bookworm main\n');
    expect(await mirrors()).toEqual([['http://near.example.org/debian'], ['http://near.example.org/debian-security']]);
  });

  it('asks for a mirror where the host has no list', async () => {
    rmSync(join(etc, 'sources.list.d'), { recursive: true });
    await expect(mirrors()).rejects.toMatchObject({
      parts: { code: 'no-mirror', hint: expect.stringContaining('coracle.yaml') },
    });
  });

  it('follows the workspace', async () => {
    const asked = {
      mirror: 'http://m.example.org/debian/',
      suites: ['trixie', 'trixie-security'],
      components: ['main', 'contrib'],
      keyring,
    };
    const text = formatSources(await archiveSources(asked, etc));
    expect(text).toContain('URIs: http://m.example.org/debian\nSuites: trixie\nComponents: main contrib\n');
    expect(text).toContain('URIs: http://m.example.org/debian-security\nSuites: trixie-security\n');
  });

  it('says when the keyring is missing', async () => {
    await expect(archiveSources({ keyring: '/nowhere.gpg' }, etc)).rejects.toMatchObject({
      parts: { code: 'keyring-missing' },
    });
  });
});
