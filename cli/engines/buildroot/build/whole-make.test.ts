import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/files.ts';
import { wholeMake } from './whole-make.ts';

/** Packages with their versions; those whose name ends with `!` are complete. */
function output(packages: readonly string[], log: readonly string[]): string {
  const directory = join(temporaryDirectory(), 'output');
  for (const name of packages) {
    const at = join(directory, 'build', name.replace('!', ''));
    mkdirSync(at, { recursive: true });
    if (name.endsWith('!')) writeFileSync(join(at, '.stamp_installed'), '');
  }
  const lines = log.map((line, at) => `${at}.0:${line}\n`);
  writeFileSync(join(directory, 'build/build-time.log'), lines.join(''));
  return directory;
}

function packages(directory: string): readonly string[] {
  return readdirSync(join(directory, 'build'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

const LOG = [
  'start:build               : linux-headers',
  'end  :build               : linux-headers',
  'start:install-staging     : linux-headers',
  'end  :install-staging     : linux-headers',
  'start:extract             : linux',
  'end  :extract             : linux',
  'start:build               : linux',
];

/** As a process that is killed leaves it. */
function killed(directory: string): void {
  writeFileSync(`${directory}.at-work`, '');
}

async function make(directory: string): Promise<readonly string[]> {
  return wholeMake(directory, async () => packages(directory));
}

describe('a make after one that was killed', () => {
  it('finds nothing of the package that it was at, and all of the others', async () => {
    const directory = output(['linux-6.12', 'linux-headers-6.12!', 'busybox-1.37.0'], LOG);
    killed(directory);
    expect(await make(directory)).toEqual(['busybox-1.37.0', 'linux-headers-6.12']);
    expect(existsSync(`${directory}.at-work`)).toBe(false);
  });

  it('begins where there is nothing, and where no package was begun', async () => {
    const nothing = join(temporaryDirectory(), 'output');
    killed(nothing);
    expect(await wholeMake(nothing, async () => 'made')).toBe('made');
    const between = output(['linux-6.12'], [...LOG, 'end  :build               : linux']);
    killed(between);
    expect(await make(between)).toEqual(['linux-6.12']);
  });
});

it('a make that fails or is stopped goes on where it was', async () => {
  const directory = output(['linux-6.12'], LOG);
  const failing = wholeMake(directory, async () => {
    expect(existsSync(`${directory}.at-work`)).toBe(true);
    throw new Error('stopped');
  });
  await expect(failing).rejects.toThrow('stopped');
  expect(await make(directory)).toEqual(['linux-6.12']);
});
