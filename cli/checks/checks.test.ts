import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory, writeTree } from '../../test/support/files.ts';
import { type Check, cargoCounts, checksOf, reasonToSkip } from './checks.ts';

const selection = { boots: false, only: [], reportFile: 'report.json' };

function named(checks: readonly Check[], name: string): Check {
  const check = checks.find((one) => one.name === name);
  if (check === undefined) throw new Error(`no check ${name}`);
  return check;
}

it('device programs are checked where there are some, and not when single tests are asked for', () => {
  const directory = temporaryDirectory();
  const names = (only: readonly string[] = []) => checksOf(directory, { ...selection, only }).map(({ name }) => name);
  expect(names()).toEqual(['format', 'types', 'dead-code', 'tests']);
  writeTree(directory, { 'device/Cargo.toml': '' });
  expect(names()).toEqual(['format', 'types', 'dead-code', 'rust-format', 'rust-lint', 'rust', 'tests']);
  expect(names(['cli/kconfig'])).toEqual(['tests']);
});

it('a check is skipped, with the reason, where its component is not beside cargo', async () => {
  const directory = temporaryDirectory();
  // As with rustup: the program in the PATH is there, and what it starts is not.
  writeTree(directory, {
    'device/Cargo.toml': '',
    'path/rustc': { program: `#!/bin/sh\n[ "$*" = "--print sysroot" ] && echo "${directory}/toolchain"\n` },
    'path/clippy-driver': { program: '#!/bin/sh\n' },
    'toolchain/bin/rustfmt': { program: '#!/bin/sh\n' },
  });
  const checks = checksOf(directory, selection);
  const reason = (name: string) =>
    reasonToSkip(named(checks, name), directory, { PATH: `${join(directory, 'path')}:/usr/bin:/bin` });
  expect(await reason('rust-lint')).toBe(`clippy-driver is not beside cargo in ${directory}/toolchain/bin`);
  for (const name of ['rust-format', 'rust', 'tests']) expect(await reason(name)).toBeUndefined();
});

it('the closing lines of cargo are added up', () => {
  const line = (counts: string) => `test result: ok. ${counts}; 0 measured; 0 filtered out; finished in 0.00s`;
  expect(cargoCounts([line('3 passed; 0 failed; 1 ignored'), 'noise', line('2 passed; 1 failed; 0 ignored')])).toEqual({
    passed: 5,
    failed: 1,
    skipped: 1,
  });
});
