/** The verbs that tell of an image, with the debian engine. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { coracle } from './support/coracle.ts';
import { noNetwork } from './support/no-network.ts';
import { expectRefused } from './support/refused.ts';
import { builtProject, CACHE, FIRST_BUILD_MS } from './support/small-project.ts';

const copyOfBuilt = builtProject();
const GOOD = { exitCode: 0 };

test('source says what there is, and needs no network for what is there', {
  timeout: FIRST_BUILD_MS,
}, async (context) => {
  const project = copyOfBuilt(context);
  const ran = await coracle(project, ['source', 'small', '--offline'], CACHE, noNetwork(context));
  expect(ran, ran.stderr).toMatchObject(GOOD);
  expect(ran.stdout).toMatch(/^small: \d+ files, [\d.]+ MB, in .*downloads$/m);
});

test('sbom lists the packages of the manifest, the same each time', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const ran = await coracle(project, ['sbom', 'small'], CACHE);
  expect(ran, ran.stderr).toMatchObject(GOOD);
  const bom = JSON.parse(ran.stdout) as { components: { name: string; purl?: string }[] };
  const manifest = JSON.parse(readFileSync(join(project, 'workspaces/small/stages/slot/manifest.json'), 'utf8')) as {
    packages: { name: string }[];
  };
  const packages = bom.components.filter(({ purl }) => purl?.startsWith('pkg:deb/'));
  expect(packages.map(({ name }) => name)).toEqual(manifest.packages.map(({ name }) => name));
  expect((await coracle(project, ['sbom', 'small'], CACHE)).stdout).toBe(ran.stdout);

  writeFileSync(join(project, 'before.json'), ran.stdout.replaceAll('"busybox-static"', '"toybox"'));
  const compared = await coracle(project, ['sbom', '--diff', 'before.json', 'small'], CACHE);
  expect(compared.stdout).toMatch(/^- toybox .*\n\+ busybox-static /);
  expectRefused(await coracle(project, ['sbom', '--diff', 'coracle.yaml', 'small'], CACHE), ['no bill of materials']);
});

test('legal-info has the copyright of each package and of the layers', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  const ran = await coracle(project, ['legal-info', 'small', '--offline'], CACHE);
  expect(ran, ran.stderr).toMatchObject(GOOD);
  const bundle = join(project, 'workspaces/small/legal-info');
  expect(readdirSync(bundle).sort()).toEqual(['SUMMARY.txt', 'coracle', 'debian', 'layers', 'summary.json']);
  expect(readFileSync(join(bundle, 'debian/busybox-static.copyright'), 'utf8')).toContain('GPL');
  expect(readFileSync(join(bundle, 'SUMMARY.txt'), 'utf8')).toContain('/etc/motd  (my/app)');
});

test('graph draws stages, sizes and dependencies', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  for (const [what, word] of [
    ['build', 'squashfs'],
    ['size', 'busybox-static'],
    ['depends', 'busybox-static'],
  ] as const) {
    const ran = await coracle(project, ['graph', what, 'small'], CACHE);
    expect(ran, ran.stderr).toMatchObject({ ...GOOD, stdout: `workspaces/small/graphs/${what}.svg\n` });
    const drawn = readFileSync(join(project, ran.stdout.trim()), 'utf8');
    expect(drawn).toContain(word);
    await coracle(project, ['graph', what, 'small', '--output', 'again.svg'], CACHE);
    expect(readFileSync(join(project, 'again.svg'), 'utf8')).toBe(drawn);
  }
});

test('br says that there is no make', { timeout: FIRST_BUILD_MS }, async (context) => {
  const project = copyOfBuilt(context);
  expectRefused(await coracle(project, ['br', '-w', 'small', 'all'], CACHE), [
    'workspace small is built by the debian engine, which has no make',
  ]);
});
