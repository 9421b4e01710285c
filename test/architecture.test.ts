/** docs/architecture.md has the folders of cli/ in an order, and says that imports point down it, never up. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const repository = join(import.meta.dirname, '..');
const CLI = join(repository, 'cli');

/** Folders and files from the ground up, as the table of the document has them. */
function floors(): readonly string[] {
  const text = readFileSync(join(repository, 'docs/architecture.md'), 'utf8');
  const table = text.split('| folder | holds |')[1]?.split('\n\n')[0] ?? '';
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
}

/** `workspace/` for cli/workspace/project.ts, `failure.ts` for cli/failure.ts. */
function floorOf(path: string): string {
  const [first = '', ...rest] = path.split('/');
  return rest.length > 0 ? `${first}/` : first;
}

const sources = readdirSync(CLI, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.includes('fixture'),
);

it('every folder has its place', () => {
  expect([...new Set(sources.map(floorOf))].sort()).toEqual([...floors()].sort());
});

it('imports point down', () => {
  const order = floors();
  const up: string[] = [];
  for (const path of sources) {
    const text = readFileSync(join(CLI, path), 'utf8');
    for (const [, from = ''] of text.matchAll(/(?:from |import\()'(\.[^']+\.ts)'/g)) {
      const target = relative(CLI, join(CLI, path, '..', from));
      if (order.indexOf(floorOf(target)) > order.indexOf(floorOf(path))) up.push(`${path} imports ${target}`);
    }
  }
  expect(up).toEqual([]);
});
