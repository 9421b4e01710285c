/**
 * Resolving a workspace, from coracle.yaml to the merged configuration: how long it takes for the shipped workspaces, and
 * how it grows from 10 to 1,000 layers of either form, each of which depends on two others.
 *
 *     node bench/resolve.ts
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProject } from '../cli/workspace/project.ts';
import { resolveWorkspace } from '../cli/workspace/resolve-workspace.ts';
import { INSTALLATION } from './bench-project.ts';
import { type Cost, medianCost, runHere, takeTurns } from './measure.ts';
import { costs, line } from './print.ts';

const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
const ROUNDS = 7;
const COUNTS = [10, 100, 1000];
const FORMS = ['layer.yaml', 'metadata/'] as const;

try {
  const project = await loadProject(INSTALLATION, {}, INSTALLATION);
  const shipped = project.workspaceNames().map((name) => [name, () => runHere(() => resolve(INSTALLATION, {}, name))]);
  const runs = await takeTurns<Record<string, Cost>>(ROUNDS, Object.fromEntries(shipped));
  line(`shipped workspaces, medians of ${ROUNDS} in one process`);
  costs(Object.entries(runs).map(([what, all]) => ({ what, cost: medianCost(all) })));
  for (const form of FORMS) {
    const subjects = COUNTS.map((count) => {
      const directory = join(scratch, `${form.replace('/', '')}-${count}`);
      const list = writeLayers(directory, count, form);
      const layers = { CORACLE_LAYERS_PATH: directory };
      return [`${String(count).padStart(5)} layers`, () => runHere(() => resolve(directory, layers, list))];
    });
    const grown = await takeTurns<Record<string, Cost>>(ROUNDS, Object.fromEntries(subjects));
    line(`growth, ${form}`);
    costs(
      Object.entries(grown).map(([what, all], index) => {
        const cost = medianCost(all);
        return { what, cost, remark: `${((cost.cpuMs / (COUNTS[index] ?? 1)) * 1000).toFixed(0)} µs a layer` };
      }),
    );
  }
} finally {
  rmSync(scratch, { recursive: true });
}

async function resolve(cwd: string, environment: Readonly<Record<string, string>>, list: string): Promise<void> {
  await resolveWorkspace(await loadProject(cwd, environment, INSTALLATION), list);
}

/** Asked for in the wrong order, so that there is something to sort. */
function writeLayers(directory: string, count: number, form: (typeof FORMS)[number]): string {
  const nameOf = (index: number): string => `group${index % 10}/layer${index}`;
  for (let index = 0; index < count; index++) {
    const depends = index > 2 ? [nameOf(index - 1), nameOf(index >> 1)] : [];
    const files = {
      ...(form === 'layer.yaml'
        ? { 'layer.yaml': `description: Layer ${index}\ndepends: [${depends.join(', ')}]\n` }
        : { 'metadata/dependencies': depends.join(', ') }),
      ...(index === 0 ? { 'layer.yaml': 'description: The base\nprovides: [base]\n' } : {}),
      'kernel/config': fragment('CONFIG', index),
      'buildroot/config': fragment('BR2', index),
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, nameOf(index), name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
    }
  }
  return Array.from({ length: count }, (_, index) => nameOf(index))
    .reverse()
    .join(',');
}

function fragment(prefix: string, index: number): string {
  return Array.from({ length: 20 }, (_, n) => `${prefix}_SYMBOL_${(index * 7 + n) % 3000}=y\n`).join('');
}
