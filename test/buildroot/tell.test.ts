/** The verbs that tell of a workspace of the buildroot engine, or pass something through, on a real tree. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coracle } from '../support/coracle.ts';
import { expectRefused } from '../support/refused.ts';
import { tinyProject } from '../support/tiny-buildroot.ts';

const MINUTES = 10 * 60_000;

test('legal-info has licences of packages, layers and Coracle, and marks what is not free', {
  timeout: MINUTES,
}, async (context) => {
  const { directory, variables } = tinyProject(context);
  const ran = await coracle(directory, ['legal-info', 'tiny', '--json'], variables);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  const bundle = join(directory, 'workspaces/tiny/legal-info');
  expect(readdirSync(bundle).sort()).toEqual(['SUMMARY.txt', 'buildroot', 'coracle', 'layers', 'summary.json']);
  expect(readFileSync(join(bundle, 'buildroot/licenses/hello-1.0/COPYING'), 'utf8')).toBe('as you like\n');
  expect(readFileSync(join(bundle, 'layers/my/app/LICENSE'), 'utf8')).toBe('the layers\n');
  const summary = JSON.parse(readFileSync(join(bundle, 'summary.json'), 'utf8')) as {
    packages: { name: string; proprietary: string[]; unclear: string[] }[];
    layers: unknown[];
  };
  const [blob, hello] = ['blob', 'hello'].map((name) => summary.packages.find((one) => one.name === name));
  expect(hello).toMatchObject({ licences: ['MIT (library)', 'GPL-2.0+'], proprietary: [], unclear: [] });
  expect(blob?.proprietary).toEqual(expect.arrayContaining(['its licence is PROPRIETARY']));
  expect(summary.layers).toEqual([{ name: 'my/app', licenceFiles: ['layers/my/app/LICENSE'], overlay: ['/etc/motd'] }]);
  expect(readFileSync(join(bundle, 'SUMMARY.txt'), 'utf8')).toMatch(/blob 2: .*its licence is PROPRIETARY/);
});

test('graph depends draws the packages before anything is built', { timeout: MINUTES }, async (context) => {
  const { directory, variables } = tinyProject(context);
  const ran = await coracle(directory, ['graph', 'depends', 'tiny'], variables);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: 'workspaces/tiny/graphs/depends.svg\n' });
  const picture = readFileSync(join(directory, ran.stdout.trim()), 'utf8');
  for (const name of ['hello 1.0', 'blob 2']) expect(picture).toContain(`>${name}</text>`);
  expect(picture).not.toContain(directory);
  expectRefused(await coracle(directory, ['graph', 'build', 'tiny'], variables), [
    'nothing of workspace tiny has been built',
  ]);
  expectRefused(await coracle(directory, ['sbom', 'tiny'], variables), ['workspace tiny has no image yet']);
});

test('explain has the nearest of all symbols for a misspelt one, and knows those that no layer sets', {
  timeout: MINUTES,
}, async (context) => {
  const { directory, variables } = tinyProject(context);
  const explain = (symbol: string) => coracle(directory, ['explain', symbol, 'tiny'], variables);
  expectRefused(await explain('BR2_PACKAGE_BUSYBOXX'), ['did you mean BR2_PACKAGE_BUSYBOX']);
  expectRefused(await explain('BR2_PACKAGE_DROPBAER'), ['did you mean BR2_PACKAGE_DROPBEAR']);
  expectRefused(await explain('BR2_PACKAGE_DROPBEAR'), ['Buildroot has such a symbol, and it is not set by itself']);
});

test('br configures, then passes targets, variables, output and the exit code through', {
  timeout: MINUTES,
}, async (context) => {
  const { directory, variables } = tinyProject(context);
  const ran = await coracle(directory, ['br', '-w', 'tiny', 'printvars', '--', 'VARS=HELLO_VERSION'], variables);
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: 'HELLO_VERSION=1.0\n' });
  expect(readFileSync(join(directory, 'workspaces/tiny/logs/br.log'), 'utf8')).toContain('HELLO_VERSION=1.0');
  const failed = await coracle(directory, ['br', 'no-such-target'], variables);
  expect(failed).toMatchObject({ exitCode: 2 });
  expect(failed.stderr).toContain("No rule to make target 'no-such-target'");
  const offline = await coracle(directory, ['br', 'hello-source', '--offline'], variables);
  expect(offline).toMatchObject({ exitCode: 2 });
  expect(offline.stdout + offline.stderr).not.toMatch(/wget|my\/app/);
  expectRefused(await coracle(directory, ['br', 'source', 'O=/tmp'], variables), ["O is the workspace's own"]);
  expectRefused(await coracle(directory, ['br', 'menuconfig'], variables), ['menuconfig would change a configuration']);
  expect(existsSync(join(directory, 'workspaces/tiny/br.new'))).toBe(false);
});
