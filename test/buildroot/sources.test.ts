/** `coracle source` on a real Buildroot tree: what it fetches, what it checks, and that nothing else is needed afterwards. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coracle } from '../support/coracle.ts';
import { noNetwork } from '../support/no-network.ts';
import { expectRefused } from '../support/refused.ts';
import { tinyProject } from '../support/tiny-buildroot.ts';

const MINUTES = 10 * 60_000;

test('sources are fetched, checked and found again without a network', { timeout: MINUTES }, async (context) => {
  const { directory, variables, download } = tinyProject(context);
  const first = await coracle(directory, ['source', 'tiny'], variables);
  expect(first, first.stderr).toMatchObject({ exitCode: 0 });
  expect(first.stdout).toMatch(/^tiny: 2 files, .* in cache\/downloads\/buildroot$/m);
  const whole = readFileSync(download);
  const offline = () => coracle(directory, ['source', 'tiny', '--offline'], variables, noNetwork(context));
  expect(await offline()).toMatchObject({ exitCode: 0 });

  // Buildroot itself would not look again.
  rmSync(download);
  expectRefused(await offline(), ['hello 1.0 failed in the step download', 'coracle source fetches what']);
  expect(await coracle(directory, ['source', 'tiny'], variables)).toMatchObject({ exitCode: 0 });
  expect(readFileSync(download)).toEqual(whole);

  writeFileSync(download, 'damaged');
  expect(await coracle(directory, ['source', 'tiny'], variables)).toMatchObject({ exitCode: 0 });
  expect(readFileSync(download)).toEqual(whole);
});

test('a build after it needs no network', { timeout: MINUTES }, async (context) => {
  const { directory, variables } = tinyProject(context);
  expect(await coracle(directory, ['source', 'tiny'], variables)).toMatchObject({ exitCode: 0 });
  const ran = await coracle(directory, ['build', 'tiny', '--offline'], variables, noNetwork(context));
  expect(ran.stderr).toMatch(/^\[tiny\/buildroot\] build with Buildroot: done/m);
  expect(ran.stderr).not.toContain('everything is built anew');
  // There is no init.
  expectRefused(ran, ['the root cannot boot']);
});

test('a source that is not what its hash says is an error', { timeout: MINUTES }, async (context) => {
  const { directory, variables } = tinyProject(context);
  writeFileSync(join(directory, 'layers/my/app/buildroot_ext/sources/hello-1.0.tar.gz'), 'something else');
  const ran = await coracle(directory, ['source', 'tiny'], variables);
  expectRefused(ran, ['hello 1.0 failed in the step download', 'hello-1.0.tar.gz has wrong sha256 hash', 'my/app']);
});
