import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/files.ts';
import { runCommand } from '../../../host/process.ts';
import { findProgram, thisHost } from '../../../host/this-host.ts';
import { patchelfStandIn } from './patchelf.ts';

const [PATCHELF, COMPILER] = ['patchelf', 'cc'].map((name) => findProgram(thisHost(), name));
const canRun = PATCHELF !== undefined && COMPILER !== undefined;
if (!canRun) process.stderr.write('skipped: search paths made relative: this machine lacks patchelf or cc\n');

describe.skipIf(!canRun)('search paths of a program', () => {
  /** `<root>/usr/bin/program`, beside `lib`, `usr/lib` and `usr/lib/own`. */
  let root: string;
  let program: string;
  let standIn: string;

  beforeEach(() => {
    root = join(temporaryDirectory(), 'root');
    program = join(root, 'usr/bin/program');
    standIn = join(root, '../patchelf');
    for (const name of ['lib', 'usr/lib/own', 'usr/bin']) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(
      standIn,
      patchelfStandIn(`'${PATCHELF}'`)
        .map((line) => `${line}\n`)
        .join(''),
    );
    chmodSync(standIn, 0o755);
  });

  async function made(paths: readonly string[], options: readonly string[]): Promise<string> {
    const source = join(root, '../program.c');
    writeFileSync(source, 'int main(void) { return 0; }\n');
    // One at a time: the linker takes a comma for the end of a path, and no colon.
    const rpaths = paths.flatMap((path) => ['-Xlinker', '-rpath', '-Xlinker', path]);
    const run = (...argv: [string, ...string[]]) => runCommand({ argv, cwd: root, stdout: 'capture' });
    await run('cc', source, '-o', program, ...rpaths);
    await run(standIn, '--make-rpath-relative', root, ...options, program);
    return (await run(standIn, '--print-rpath', program)).stdout.trim();
  }

  it('become relative to it, for an SDK', async () => {
    const paths = [join(root, 'lib'), join(root, 'usr/bin'), '$ORIGIN/../lib/own', '/usr/lib'];
    expect(await made(paths, ['--relative-to-file'])).toBe(
      '$ORIGIN/../../lib:$ORIGIN:$ORIGIN/../lib/own:$ORIGIN/../lib',
    );
  });

  it('lead nowhere outside: what is not there, and what is not below the root, goes', async () => {
    const outside = ['/nowhere', join(root, 'nowhere'), join(root, '..'), `${root}-other`, '$ORIGIN/../../..'];
    expect(await made([...outside, join(root, 'lib')], ['--relative-to-file'])).toBe('$ORIGIN/../../lib');
    expect(await made(outside, ['--relative-to-file'])).toBe('');
  });

  it('become those of the device, without what is searched anyway', async () => {
    const paths = [
      join(root, 'lib'),
      join(root, 'usr/lib'),
      join(root, 'usr/lib/own'),
      '/usr/lib/own',
      '$ORIGIN/../lib',
    ];
    expect(await made(paths, ['--no-standard-lib-dirs'])).toBe('/usr/lib/own');
  });

  it('stay away from who has none', async () => {
    expect(await made([], ['--relative-to-file'])).toBe('');
    expect(existsSync(program)).toBe(true);
  });
});
