import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { failureOf, treeOf } from '../../../../test/support/files.ts';
import type { Host } from '../../../host/this-host.ts';
import { machineCompiler } from './compiler.ts';

/** gcc as far as it is asked: its version, and where its library is. */
function gcc(version: string): string {
  return `#!/bin/sh
case $1 in
-dumpversion) echo ${version} ;;
-print-file-name=libgcc.a) echo "$(dirname "$0")/libgcc.a" ;;
--version) echo "gcc ${version} of a test" ;;
esac
`;
}

function machineWith(programs: Record<string, string>): Host {
  const root = treeOf({ 'libgcc.a': '', ...programs });
  for (const name of Object.keys(programs)) chmodSync(join(root, name), 0o755);
  return { path: [root], root, arch: 'x86_64', isRoot: false };
}

const LD = '#!/bin/sh\necho GNU ld 2.40\n';

it('takes the standard compiler where its version is known', async () => {
  const host = machineWith({
    gcc: gcc('12'),
    cpp: '',
    ld: LD,
    'gcc-11': gcc('11'),
    'cpp-11': '',
    ar: '',
    'gcc-ar': '',
  });
  const found = await machineCompiler('x86_64', [13, 12, 11], host);
  expect(found).toMatchObject({ gcc: join(host.root, 'gcc'), major: 12, libraries: host.root });
  expect(found.release).toBe('gcc 12 of a test, GNU ld 2.40');
  expect(found.tool('ar')).toBe(join(host.root, 'ar'));
  expect(found.tool('objdump')).toBeUndefined();
});

it('takes one that has its version in its name where the standard one is too new', async () => {
  const host = machineWith({
    gcc: gcc('14'),
    cpp: '',
    ld: LD,
    'gcc-11': gcc('11'),
    'cpp-11': '',
    'gcc-ar': '',
    'gcc-ar-11': '',
  });
  const found = await machineCompiler('x86_64', [12, 11], host);
  expect(found).toMatchObject({ gcc: join(host.root, 'gcc-11'), cpp: join(host.root, 'cpp-11'), major: 11 });
  expect(found.tool('gcc-ar')).toBe(join(host.root, 'gcc-ar-11'));
});

it('asks for a compiler that the release knows', async () => {
  const host = machineWith({ gcc: gcc('14'), cpp: '', ld: LD });
  const { parts } = await failureOf(machineCompiler('x86_64', [12, 11], host));
  expect(parts.code).toBe('compiler-unknown');
  expect(parts.hint).toMatch(/^apt-get install gcc-12,/);
});

it('asks for the cross compiler of another architecture', async () => {
  const host = machineWith({ gcc: gcc('12'), cpp: '', ld: LD });
  const { parts } = await failureOf(machineCompiler('arm64', [12], host));
  expect(parts).toMatchObject({ code: 'host-packages-missing', message: 'this machine has no compiler for arm64' });
  expect(parts.hint).toMatch(/^apt-get install gcc-aarch64-linux-gnu,/);
});
