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

const installation = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
const FORMS = ['layer.yaml', 'metadata/'] as const;

try {
  line('shipped workspaces, median of 15 in one process');
  for (const name of (await loadProject(installation, {}, installation)).workspaceNames()) {
    line(`  ${name.padEnd(12)} ${ms(await medianMs(15, () => resolve(installation, {}, name)))}`);
  }
  for (const form of FORMS) {
    line(`growth, ${form}`);
    for (const count of [10, 100, 1000]) {
      const directory = join(scratch, `${form.replace('/', '')}-${count}`);
      const list = writeLayers(directory, count, form);
      const took = await medianMs(7, () => resolve(directory, { CORACLE_LAYERS_PATH: directory }, list));
      line(`  ${String(count).padStart(5)} layers ${ms(took)}   ${((took / count) * 1000).toFixed(0)} µs a layer`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}

async function resolve(cwd: string, environment: Readonly<Record<string, string>>, list: string): Promise<void> {
  await resolveWorkspace(await loadProject(cwd, environment, installation), list);
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

async function medianMs(times: number, work: () => Promise<void>): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < times; n++) {
    const start = performance.now();
    await work();
    took.push(performance.now() - start);
  }
  return took.sort((a, b) => a - b)[times >> 1] ?? 0;
}

function ms(value: number): string {
  return `${value.toFixed(1).padStart(8)} ms`;
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}
