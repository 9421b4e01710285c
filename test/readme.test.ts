/** What the README shows is what happens: its layer is written down from it, added to a new project, checked and built. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTreeIndex } from '../cli/rootfs/tree-index.ts';
import { coracle } from './support/coracle.ts';
import { type Tree, temporaryDirectory, writeTree } from './support/files.ts';
import { CACHE, FIRST_BUILD_MS } from './support/small-project.ts';

const repository = join(import.meta.dirname, '..');
const README = readFileSync(join(repository, 'README.md'), 'utf8');

/** The block that begins with the layer's directory: a path and what is in it, a line each. */
function layerOfReadme(): { readonly name: string; readonly files: Tree } {
  const [, name = '', block = ''] = /^```\nlayers\/(\S+)\/\n((?: {2}.*\n)+)```$/m.exec(README) ?? [];
  const lines = [...block.matchAll(/^ {2}(\S+) {2,}(.+)$/gm)];
  return {
    name,
    files: Object.fromEntries(lines.map(([, path = '', text = '']) => [`layers/${name}/${path}`, `${text}\n`])),
  };
}

test('the layer of the README builds', { timeout: FIRST_BUILD_MS }, async () => {
  const { name, files } = layerOfReadme();
  expect(Object.keys(files)).toHaveLength(4);
  const directory = temporaryDirectory();
  expect((await coracle(directory, ['new', 'project', 'lamp'], CACHE)).exitCode).toBe(0);
  const project = writeTree(join(directory, 'lamp'), files);
  expect((await coracle(project, ['check'], CACHE)).exitCode).toBe(0);
  const built = await coracle(project, ['build', `base/mini,virt/qemu,${name}`, '--json'], CACHE);
  expect(built.exitCode, built.stdout).toBe(0);
  const [image] = JSON.parse(built.stdout.trimEnd().split('\n').at(-1) ?? '').value as { directory: string }[];
  const root = await readTreeIndex(join(image?.directory ?? '', 'stages/root/root.index'));
  expect(root.has('/usr/bin/wg')).toBe(true);
  expect(root.entries().some(({ path }) => /\/wireguard\.ko/.test(path))).toBe(true);
  expect((await root.read('/etc/motd')).toString()).toMatch(/^\S+, version 0\.1\.0/);
});

test('every page that the README and the documents name is there', () => {
  const pages = ['README.md', ...[...README.matchAll(/\]\((docs\/[^)#]+\.md)/g)].map(([, page = '']) => page)];
  expect(pages.length).toBeGreaterThan(8);
  for (const page of pages) {
    const text = readFileSync(join(repository, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)) {
      expect(existsSync(join(repository, page, '..', target)), `${page}: ${target}`).toBe(true);
    }
  }
});
